package guest

import (
	"maps"
	"strings"
	"testing"
)

// What was written is read back, whatever is in it.
func TestReadPreamble(t *testing.T) {
	environment := map[string]string{"PLAIN": "a=b", "QUOTED": "it's \"so\" $HOME `x` \\ ", "EMPTY": ""}
	for name, user := range map[string]string{
		"none": "", "script": "#!/bin/sh\necho 'it'\\''s' \"$STAMP_SLOT\"\n", "long": "#!/bin/sh\n" + strings.Repeat("echo 0123456789\n", 2000),
		"binary": "#!/bin/sh\nexit\n\x00\xff", "cloud-config": "#cloud-config\nruncmd: [true]\n", "text": "#cloud-config\n# ümlaut\n",
	} {
		for _, hostname := range []string{"", "web-%03d"} {
			preamble := Preamble{
				Fleet: "web", Size: 3, Hostname: hostname, Slots: []int{0, 1, 2},
				Environments: map[int]map[string]string{0: {"ROLE": "l"}, 2: environment},
			}
			made, err := preamble.UserData([]byte(user))
			if err != nil {
				t.Fatal(name, err)
			}
			told, ok := ReadPreamble(made)
			if !ok || string(told.User) != user {
				t.Errorf("%s: %v %q, want %q", name, ok, told.User, user)
			}
			if len(told.Environments) != 2 || !maps.Equal(told.Environments[2], environment) || told.Environments[0]["ROLE"] != "l" {
				t.Errorf("%s: %v, want %v", name, told.Environments, environment)
			}
		}
	}
	for _, other := range []string{"", "#!/bin/sh\n", "Content-Type: multipart/mixed; boundary=\"x\"\n\n--x\n\nhello\n--x--\n"} {
		if _, ok := ReadPreamble([]byte(other)); ok {
			t.Errorf("%q counts as written here", other)
		}
	}
}
