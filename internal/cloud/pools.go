package cloud

import (
	"sync"
	"time"
)

// poolRest is how long a pool that lacked capacity is left alone.
const poolRest = 3 * time.Minute

// Pool is where EC2 takes an instance from. Capacity belongs to a type in a zone: the
// caller says which, by the subnet or by the zone itself, and does so always alike.
type Pool struct{ InstanceType, SubnetID string }

// Pools remembers which pools lacked capacity, for every resource of the process.
// The zero value is ready.
type Pools struct {
	mu    sync.Mutex
	until map[Pool]time.Time
}

// Rest leaves the pool alone for three minutes.
func (p *Pools) Rest(pool Pool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.until == nil {
		p.until = map[Pool]time.Time{}
	}
	p.until[pool] = time.Now().Add(poolRest)
}

// Resting reports whether the pool is being left alone.
func (p *Pools) Resting(pool Pool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Now().Before(p.until[pool])
}
