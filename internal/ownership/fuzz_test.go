package ownership

import (
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// FuzzParse: whoever may write launch templates writes what is read here. Nothing but ids of
// the right form comes out of it, and what an apply writes is read as it was meant.
func FuzzParse(f *testing.F) {
	lease := Lease{Owner: Owner{ID: "o-0123456789abcdef0123", Kind: Fleet, Name: "web"}, create: true, run: "o-ffffffffffffffffffff", replaces: []string{"o-00000000000000000000"}}
	f.Add(lease.text())
	f.Add("work=create owner=o-zz pid=-1 pid=99999999999999999999 replaces=,,o-1")
	f.Add(strings.Repeat("owner=", 100))
	f.Fuzz(func(t *testing.T, text string) {
		is := parse(cloud.LaunchTemplate{ID: "lt-1", Version: 1, Description: text})
		if is.owner != "" && !ValidID(is.owner) {
			t.Errorf("owner %q of %q", is.owner, text)
		}
		for _, id := range is.replaces {
			if !ValidID(id) {
				t.Errorf("replaces %q of %q", id, text)
			}
		}
		_ = is.holder.gone()
	})
}

func TestParse_readsWhatIsWritten(t *testing.T) {
	lease := Lease{
		Owner: Owner{ID: "o-0123456789abcdef0123", Kind: Image, Name: "web"}, create: true, run: "o-ffffffffffffffffffff",
		replaces: []string{"o-00000000000000000000", "o-11111111111111111111"},
	}
	text := lease.text()
	is := parse(cloud.LaunchTemplate{Description: text})
	if !is.create || is.owner != lease.Owner.ID || is.holder != this() || strings.Join(is.replaces, ",") != strings.Join(lease.replaces, ",") {
		t.Errorf("%q is read as %+v", text, is)
	}
	const most = 255
	if len(text) > most {
		t.Errorf("%d characters, and EC2 takes %d", len(text), most)
	}
	if is.holder.gone() {
		t.Error("this process is gone")
	}
}

// FuzzLaunched: any text may be an instance's client token.
func FuzzLaunched(f *testing.F) {
	owner := Owner{ID: "o-0123456789abcdef0123", Kind: Fleet, Name: "web", Account: "123456789012", Region: "us-east-1"}
	f.Add(owner.LaunchToken(cloud.Launch{ImageID: "ami-1", SubnetID: "subnet-1"}, 0), "ami-1", "subnet-1")
	f.Fuzz(func(t *testing.T, token, image, subnet string) {
		instance := cloud.Instance{ClientToken: token, ImageID: image, SubnetID: subnet, State: cloud.InstanceRunning}
		if owner.Launched(instance) && owner.As("o-ffffffffffffffffffff").Launched(instance) {
			t.Errorf("%q is the token of two owners", token)
		}
	})
}
