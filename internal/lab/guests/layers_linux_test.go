package guests

import (
	"strings"
	"testing"
)

// bake is user data as a builder has it: install, clean up, power off.
const bake = `#!/bin/sh
set -e
echo built > /opt/app
echo 'echo works' > /usr/local/bin/tool && chmod 755 /usr/local/bin/tool
rm /usr/bin/env /etc/inputrc
rm -rf /etc/skel && mkdir /etc/skel && touch /etc/skel/only
ln -s app /opt/link
echo bake >> /root/ran
rm -f /etc/ssh/ssh_host_*
: > /etc/machine-id
poweroff
`

func TestReal_layersCarryChangesOn(t *testing.T) {
	host := sharedHost(t)
	builder := start(t, host, Spec{InstanceID: "i-builder", UserData: []byte(bake)})
	builder.awaitOff(t)
	image := builder.freeze(t)

	clone := start(t, host, Spec{
		InstanceID: "i-clone", Hostname: "clone", Layers: []Layer{image},
		UserData: []byte("#!/bin/sh\necho clone >> /root/ran\necho more >> /opt/app\n"),
	})
	clone.screen.await(t, finished, 1)

	const look = `
cat /opt/link /root/ran; tool
ls /usr/bin/env /etc/inputrc 2>/dev/null | wc -l; ls -A /etc/skel; hostname`
	want := "built\nmore\nbake\nclone\nworks\n0\nonly\nclone"
	if got := clone.sh(t, look); got != want {
		t.Errorf("the clone has\n%s\nwant\n%s", got, want)
	}

	// An image of an image: both layers, the first below.
	second := clone.freeze(t)
	grandchild := start(t, host, Spec{InstanceID: "i-grandchild", Hostname: "clone", Layers: []Layer{image, second}})
	grandchild.screen.await(t, finished, 1)
	if got := grandchild.sh(t, look); got != want {
		t.Errorf("the clone's clone has\n%s\nwant\n%s", got, want)
	}
	// The builder's own disk is as it was.
	if err := builder.Boot(); err != nil {
		t.Fatal(err)
	}
	if got := builder.sh(t, "cat /opt/app /root/ran"); got != "built\nbake" {
		t.Errorf("the builder has %q", got)
	}
}

func TestReal_clonesGetTheirOwnIdentity(t *testing.T) {
	const identity = "cat /etc/machine-id; cat /etc/ssh/ssh_host_ed25519_key.pub; ls /etc/ssh"
	cases := []struct {
		name, cleanUp string
		same          bool
	}{
		{"cleaned up", ": > /etc/machine-id; rm /etc/ssh/ssh_host_*", false},
		{"cleaned up by cloud-init", "cloud-init clean --logs --machine-id; rm /etc/ssh/ssh_host_*", false},
		{"forgotten", "true", true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			host := sharedHost(t)
			builder := start(t, host, Spec{InstanceID: "i-builder"})
			builder.screen.await(t, finished, 1)
			original := strings.Split(builder.sh(t, identity), "\n")
			builder.sh(t, c.cleanUp)

			clone := start(t, host, Spec{InstanceID: "i-clone", Layers: []Layer{builder.freeze(t)}})
			clone.screen.await(t, finished, 1)

			got := strings.Split(clone.sh(t, identity), "\n")
			if len(got) != len(original) {
				t.Fatalf("the clone has %q, the original %q", got, original)
			}
			for i, what := range []string{"machine-id", "host key"} {
				if same := got[i] == original[i]; same != c.same {
					t.Errorf("same %s: %t, want %t", what, same, c.same)
				}
			}
		})
	}
}

func TestReal_hostKeysAreValid(t *testing.T) {
	g := start(t, sharedHost(t), Spec{})
	g.screen.await(t, finished, 1)
	if strings.Contains(g.sh(t, "command -v ssh-keygen || echo none"), "none") {
		t.Skip("this host has no ssh-keygen to judge the keys with")
	}
	for _, kind := range []string{"ed25519", "ecdsa"} {
		path := "/etc/ssh/ssh_host_" + kind + "_key"
		derived := g.sh(t, "ssh-keygen -y -f "+path+" | cut -d' ' -f1,2")
		written := g.sh(t, "cut -d' ' -f1,2 "+path+".pub")
		if derived != written {
			t.Errorf("%s: the private key belongs to %s, the public one is %s", kind, derived, written)
		}
	}
}

func TestReal_freezesWhileRunning(t *testing.T) {
	host := sharedHost(t)
	g := start(t, host, Spec{})
	g.screen.await(t, finished, 1)
	g.sh(t, "(i=0; while :; do i=$((i+1)); echo $i > /root/new; mv /root/new /root/count; done) >/dev/null 2>&1 & until [ -s /root/count ]; do :; done")

	layer, err := g.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { must(t, layer.Remove()) })

	// The original goes on, the copy has what was there.
	before := g.sh(t, "cat /root/count")
	g.sh(t, "until [ $(cat /root/count) -gt "+before+" ]; do :; done")
	clone := start(t, host, Spec{InstanceID: "i-clone", Layers: []Layer{layer}})
	if got := clone.sh(t, "test $(cat /root/count) -le "+before+" && echo earlier"); got != "earlier" {
		t.Errorf("the copy is %q", got)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
