package guest

import (
	"maps"
	"slices"
	"strings"
)

// String is an identity in one line, short enough for a tag: "machine-id=0123456789abcdef
// host-key=0123456789abcdef". ParseIdentity reads it.
func (i Identity) String() string {
	const mostDigests = 8
	var words []string
	for _, kind := range slices.Sorted(maps.Keys(i)) {
		for _, digest := range i[kind] {
			words = append(words, kind+"="+digest)
		}
	}
	return strings.Join(words[:min(len(words), mostDigests)], " ")
}

// ParseIdentity reads what String has written; what is spoilt is left out.
func ParseIdentity(text string) Identity {
	identity := Identity{}
	for word := range strings.FieldsSeq(text) {
		kind, digest, _ := strings.Cut(word, "=")
		if (kind == MachineID || kind == HostKey) && digestFormat.MatchString(digest) {
			identity[kind] = append(identity[kind], digest)
		}
	}
	return identity
}
