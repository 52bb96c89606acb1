package lab

import (
	"hash/fnv"
	"math"
	"time"
)

// transition is something that takes time.
type transition string

// The transitions.
const (
	toRun       transition = "run"       // an instance from pending to running
	toPass      transition = "pass"      // from running until both status checks are passed
	toStop      transition = "stop"      // from stopping to stopped
	toTerminate transition = "terminate" // from shutting-down to terminated
	toCapture   transition = "capture"   // an image and its snapshots from pending to available
	toCopy      transition = "copy"      // a copy of an image, likewise
	toRegister  transition = "register"  // from running until the SSM agent is online
	toDeliver   transition = "deliver"   // a command from its call until the SSM agent has it
	toAppear    transition = "appear"    // from the call that makes a thing until it is described
	toScale     transition = "scale"     // from the call that changes an Auto Scaling group until it acts
	toNotice    transition = "notice"    // from an instance's end until its Auto Scaling group has noticed
	toTag       transition = "tag"       // from the call that tags a thing until its tags are described
)

// spread is a time that differs from thing to thing: never under least nor over most,
// and mostly near usual. The bounds are what makes it usable in tests of how long
// something takes.
type spread struct{ least, usual, most time.Duration }

// at is the time at a point between 0 and 1 of a triangular distribution.
func (s spread) at(point float64) time.Duration {
	whole, rise := float64(s.most-s.least), float64(s.usual-s.least)
	if whole <= 0 {
		return s.least
	}
	if point < rise/whole {
		return s.least + time.Duration(math.Sqrt(point*whole*rise))
	}
	return s.most - time.Duration(math.Sqrt((1-point)*whole*(whole-rise)))
}

// awsTimes are those of aws weather. AWS promises none of them. All are below ten
// minutes, after which the waiters of AWS's own SDKs give up (40 readings, 15 seconds
// apart); so are the ones below without a source, which follow the reason given.
var awsTimes = map[transition]spread{
	// Measured: 4.9 s, https://daemonology.net/blog/2021-08-12-EC2-boot-time-benchmarking.html
	// and 16.4 to 16.6 s, https://github.com/brevdev/ec2-coldboot-research; "usually less
	// than 1 minute", https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ComponentsAMIs.html.
	toRun: {5 * time.Second, 15 * time.Second, time.Minute},
	// The checks are made every minute, and the first ones meet a system that still boots.
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-system-instance-status-check.html
	toPass: {time.Minute, 2 * time.Minute, 4 * time.Minute},
	// "It can take a few minutes for the instance to stop": the guest shuts down first.
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Stop_Start.html
	toStop: {10 * time.Second, 30 * time.Second, 2 * time.Minute},
	// The same shutdown, and then the volumes go.
	toTerminate: {15 * time.Second, 40 * time.Second, 2 * time.Minute},
	// "Several factors, such as the size of the snapshot": a system's disk of some GiB,
	// the first snapshot of which copies everything.
	// https://docs.aws.amazon.com/ebs/latest/userguide/ebs-creating-snapshot.html
	toCapture: {time.Minute, 3 * time.Minute, 8 * time.Minute},
	// The same blocks, and a region's distance.
	toCopy: {2 * time.Minute, 4 * time.Minute, 9 * time.Minute},
	// The agent starts with the last services of the boot, which measured 23 s after
	// running in the first source above, and then registers.
	toRegister: {15 * time.Second, 30 * time.Second, 2 * time.Minute},
	// The agent hears of a command at once; it then starts a worker for it.
	// https://docs.aws.amazon.com/systems-manager/latest/userguide/ssm-agent-technical-details.html
	toDeliver: {500 * time.Millisecond, 2 * time.Second, 5 * time.Second},
	// "Begin with a couple of seconds of wait time" is AWS's advice to clients, so that
	// mostly it takes less.
	// https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
	toAppear: {0, 500 * time.Millisecond, 4 * time.Second},
	toTag:    {0, 500 * time.Millisecond, 4 * time.Second},
	// Activities begin seconds after the call that is their cause.
	toScale: {time.Second, 5 * time.Second, 20 * time.Second},
	// "Periodically" is all that AWS says of how often a group looks at its instances.
	// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html
	toNotice: {10 * time.Second, 45 * time.Second, 2 * time.Minute},
}

// takes is how long a transition of a thing takes: always the same for the same seed,
// transition and id.
func (l *Lab) takes(what transition, id string) time.Duration {
	of, known := l.weather.times[what]
	if !known {
		return 0
	}
	return of.at(l.chance(string(what), id))
}

// chance is the luck of something: a number from 0 up to 1 that depends on nothing but
// the seed and the names. So what befalls one thing does not depend on how often luck
// was asked for others before, and a kind of trouble that is switched off changes
// nothing else.
func (l *Lab) chance(names ...string) float64 {
	hash := fnv.New64a()
	for _, name := range names {
		_, _ = hash.Write([]byte(name)) // a hash takes every write
		_, _ = hash.Write([]byte{0})
	}
	return float64(mix(hash.Sum64()^mix(l.seed))>>11) / (1 << 53)
}

// mix spreads a number over all bits (the finalizer of SplitMix64), since FNV's upper
// bits of similar names are similar.
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}
