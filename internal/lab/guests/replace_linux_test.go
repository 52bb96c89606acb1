package guests

import "testing"

func TestReal_replacesItsDisk(t *testing.T) {
	host := sharedHost(t)
	builder := start(t, host, Spec{InstanceID: "i-builder", UserData: []byte(bake)})
	builder.awaitOff(t)
	image := builder.freeze(t)
	g := start(t, host, Spec{InstanceID: "i-replaced", UserData: []byte("#!/bin/sh\necho served >> /root/ran\n")})
	g.screen.await(t, finished, 1)
	g.sh(t, "touch /root/own")
	if err := g.ReplaceDisk("al2023", nil); err == nil {
		t.Error("the disk of a running guest was replaced")
	}

	g.Stop()
	if err := g.ReplaceDisk("al2023", []Layer{{Dir: "/there/is/no/such/layer"}}); err == nil {
		t.Error("a layer that is not there was taken")
	}
	if err := g.Boot(); err != nil {
		t.Fatal(err)
	}
	g.screen.await(t, finished, 2)
	if got := g.sh(t, "cat /root/ran; ls /root/own"); got != "served\n/root/own" {
		t.Errorf("after a failure the guest has %q, want its old disk", got)
	}

	g.Stop()
	if err := g.ReplaceDisk("al2023", []Layer{image}); err != nil {
		t.Fatal(err)
	}
	if err := g.Boot(); err != nil {
		t.Fatal(err)
	}
	g.screen.await(t, finished, 3)
	if got := g.sh(t, "cat /root/ran /opt/link; ls /root/own 2>/dev/null | wc -l"); got != "bake\nserved\nbuilt\n0" {
		t.Errorf("on the new disk there is %q, want the image's, and the user data run again", got)
	}
}
