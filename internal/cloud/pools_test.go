package cloud

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestPools(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pools Pools
		empty, other := Pool{"t3.small", "subnet-1"}, Pool{"t3.small", "subnet-2"}
		if pools.Resting(empty) {
			t.Error("a pool rests that nobody has tried")
		}
		pools.Rest(empty)
		if !pools.Resting(empty) || pools.Resting(other) {
			t.Error("the empty pool, and it alone, must rest")
		}
		<-time.After(3*time.Minute - time.Second)
		if !pools.Resting(empty) {
			t.Error("the pool rests for less than three minutes")
		}
		<-time.After(time.Second)
		if pools.Resting(empty) {
			t.Error("the pool rests for more than three minutes")
		}
	})
}
