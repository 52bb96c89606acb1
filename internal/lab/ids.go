package lab

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
)

// ids makes identifiers. The same seed, region and order of requests make the same
// ones, so that a run can be repeated.
type ids struct{ random *rand.Rand }

func newIDs(seed uint64, space string) ids {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(space)) // a hash takes every write
	return ids{random: rand.New(rand.NewPCG(seed, hash.Sum64()))}
}

// make returns a long id: the prefix and 17 hexadecimal digits.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html
func (i ids) make(prefix string) string {
	return fmt.Sprintf("%s-0%016x", prefix, i.random.Uint64())
}

// uuid returns a request id.
func (i ids) uuid() string {
	high, low := i.random.Uint64(), i.random.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x",
		high>>32, high>>16&0xffff, high&0xfff, low>>48&0x3fff|0x8000, low&0xffffffffffff)
}

// mac returns a locally administered MAC address.
func (i ids) mac() string {
	bits := i.random.Uint64()
	return fmt.Sprintf("02:%02x:%02x:%02x:%02x:%02x",
		bits>>32&0xff, bits>>24&0xff, bits>>16&0xff, bits>>8&0xff, bits&0xff)
}

// wellFormed tells whether an id has the prefix and the right digits. Both the short
// form, of before 2018, and the long one are ids.
func wellFormed(id, prefix string) bool {
	rest, ok := strings.CutPrefix(id, prefix)
	digits, dash := strings.CutPrefix(rest, "-")
	if !ok || !dash || len(digits) != 8 && len(digits) != 17 {
		return false
	}
	return strings.Trim(digits, "0123456789abcdef") == ""
}
