package provider

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// names are the objects that this process has met. Terraform calls a provider resource by
// resource; only here do two of one name meet.
type names struct {
	mu sync.Mutex
	// read are the objects that a state has, planned those that a name will belong to: "" is
	// one that is yet to be created.
	read    map[ownership.Owner]bool
	planned map[ownership.Owner]string
	// relied are the objects that are known by a notice alone.
	relied map[ownership.Owner]bool
}

// know notes that a state has an object.
func (n *names) know(owner ownership.Owner) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.read == nil {
		n.read = map[ownership.Owner]bool{}
	}
	n.read[owner] = true
}

// wasRead reports whether this process has met the object in a state.
func (n *names) wasRead(owner ownership.Owner) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.read[owner]
}

// plan notes which object a name will belong to, and refuses a second one. The same object
// may be planned twice: Terraform plans a replacement once as a change and once as new.
func (n *names) plan(owner ownership.Owner, diags *diag.Diagnostics) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.planned == nil {
		n.planned = map[ownership.Owner]string{}
	}
	name := owner.As("")
	before, taken := n.planned[name]
	if taken && (before != owner.ID || owner.ID == "") {
		// Whichever of them is there already is not replaced by the other.
		for _, id := range []string{before, owner.ID} {
			_ = os.Remove(notice(owner.As(id)))
		}
		attributeError(diags, path.Root("name"), fmt.Sprintf("Two of the name %s", owner.Name),
			fmt.Sprintf("Another resource of this configuration has the %s %s in account %s (%s) already. Each needs a name of its own there: "+
				"look for a copied block, a module that is called twice, or a count or for_each with a name that stays the same. %s",
				owner.Kind.Words(), owner.Name, owner.Account, owner.Region, whenDestroying))
		return
	}
	n.planned[name] = owner.ID
}

// noticeLasts is how long a plan that was saved may wait for its apply.
const noticeLasts = 24 * time.Hour

// whenDestroying is for those who want to be rid of what is there. Terraform begins a destroy
// with an ordinary plan, unless it is told not to refresh.
const whenDestroying = "(terraform destroy makes this plan first, too: with -refresh=false it does not.)"

// announce leaves a notice, for this configuration on this machine, that its state has an
// object: one that is to be replaced by another of the same name, as a rule. Terraform applies
// in another process, which is not told: with create_before_destroy, it creates the new one as
// if there was nothing. A notice that cannot be left is missed by that apply alone, which says
// so and changes nothing.
func (n *names) announce(owner ownership.Owner) {
	file := notice(owner)
	if file == "" || os.MkdirAll(filepath.Dir(file), 0o700) != nil {
		return
	}
	_ = os.WriteFile(file, nil, 0o600)
	now := time.Now()
	_ = os.Chtimes(file, now, now)
}

// replacesVariable lists owners that may be followed, where the plan was made on a machine
// whose notices this one does not see.
const replacesVariable = "STAMP_REPLACES"

// knows reports whether a state of this configuration has an object: as far as this process
// has read it, as the plan has announced, or as whoever runs it says.
func (n *names) knows(owner ownership.Owner) bool {
	said := strings.FieldsFunc(os.Getenv(replacesVariable), func(c rune) bool { return c == ',' || c == ' ' })
	if n.wasRead(owner) || slices.Contains(said, owner.ID) {
		return true
	}
	info, err := os.Lstat(notice(owner))
	known := err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) < noticeLasts
	if known {
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.relied == nil {
			n.relied = map[ownership.Owner]bool{}
		}
		n.relied[owner] = true
	}
	return known
}

// knowsSoon is knows, but for what may just be being read: Terraform reads what goes, and
// plans what comes under its name, at the same time.
func (n *names) knowsSoon(ctx context.Context, owner ownership.Owner) bool {
	const tries, between = 20, 100 * time.Millisecond
	for range tries {
		if n.knows(owner) || ctx.Err() != nil {
			break
		}
		<-time.After(between)
	}
	return n.knows(owner)
}

// created notes that a state will have an object, and removes the notices that its create
// has gone by: what they have announced is done.
func (n *names) created(created ownership.Owner) {
	n.know(created)
	n.mu.Lock()
	defer n.mu.Unlock()
	for owner := range n.relied {
		if owner.As("") == created.As("") {
			_ = os.Remove(notice(owner))
		}
	}
}

// here tells configurations on one machine apart: the directory that Terraform runs in, which
// is its root module's, and the workspace.
func here() string {
	dir, _ := os.Getwd()
	selected, _ := os.ReadFile(filepath.Join(cmp.Or(os.Getenv("TF_DATA_DIR"), ".terraform"), "environment"))
	return fmt.Sprintf("%q %q %q", dir, os.Getenv("TF_WORKSPACE"), selected)
}

// notice is the file that announces an object; empty where the user has
// no directory for such files.
func notice(owner ownership.Owner) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(fmt.Sprint(owner) + owner.Account + owner.Partition + here()))
	return filepath.Join(dir, "terraform-provider-stamp", "replaced", hex.EncodeToString(sum[:16]))
}
