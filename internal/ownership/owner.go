package ownership

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"regexp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// Kind is what an owner is: a golden image line or a fleet.
type Kind string

// The kinds.
const (
	Image Kind = "image"
	Fleet Kind = "fleet"
)

// nameTag is the tag that holds the name of an owner of that kind.
func (k Kind) nameTag() string {
	if k == Fleet {
		return cloud.TagFleet
	}
	return cloud.TagImage
}

// Words names an object of that kind for people.
func (k Kind) Words() string {
	if k == Fleet {
		return "fleet"
	}
	return "golden image"
}

// Owner is one resource object. Two objects may have the same name for a while, where one
// is created before the other goes; they never have the same id.
type Owner struct {
	// ID is made at the create and never changes; empty before.
	ID   string `json:"id"`
	Kind Kind   `json:"kind"`
	Name string `json:"name"`
	// Account has twelve digits; Partition is "aws", "aws-cn" and so on.
	Account   string `json:"account"`
	Partition string `json:"partition"`
	Region    string `json:"region"`
}

var idForm = regexp.MustCompile(`^o-[0-9a-f]{20}$`)

// newID makes the id of a new owner.
func newID() string {
	var random [10]byte
	_, _ = rand.Read(random[:]) // it never fails: https://pkg.go.dev/crypto/rand#Read
	return "o-" + hex.EncodeToString(random[:])
}

// successorOf makes the id of an owner that is to follow another: its second half says so.
func successorOf(id string) string {
	own := newID()[:idHalf]
	return own + digest(idDigits/2, "successor", id, own)
}

// Succeeds reports whether an id was made for an owner that was to follow another.
func Succeeds(id, former string) bool {
	return ValidID(id) && ValidID(former) && id[idHalf:] == digest(idDigits/2, "successor", former, id[:idHalf])
}

// An id is a prefix and so many digits; idHalf is where their second half begins.
const (
	idDigits = 20
	idHalf   = len("o-") + idDigits/2
)

// ValidID reports whether a text has the form of an owner's id.
func ValidID(text string) bool { return idForm.MatchString(text) }

// Index are the tags by which everything of the name is found, whoever owns it.
func (o Owner) Index() cloud.Tags {
	return cloud.Tags{cloud.TagManagedBy: cloud.ManagedBy, o.Kind.nameTag(): o.Name}
}

// Tags are what everything that the owner makes carries from its first call.
func (o Owner) Tags() cloud.Tags {
	return o.Index().With(cloud.Tags{cloud.TagOwner: o.ID})
}

// Claimed reports whether tags say that a thing is this owner's. It is a claim, not a
// proof.
func (o Owner) Claimed(tags cloud.Tags) bool {
	for key, value := range o.Tags() {
		if tags[key] != value {
			return false
		}
	}
	return o.ID != ""
}

// As is the owner with another id: another object of the same name.
func (o Owner) As(id string) Owner {
	o.ID = id
	return o
}

// String names the owner for people.
func (o Owner) String() string {
	return fmt.Sprintf("%s %s (%s, owner %s)", o.Kind.Words(), o.Name, o.Region, cmp.Or(o.ID, "not created yet"))
}

// AccountError says that a state and the credentials are of different accounts.
type AccountError struct {
	Owner Owner
	// Caller is whose credentials were given.
	Caller cloud.Caller
}

// Error names both accounts.
func (e *AccountError) Error() string {
	return fmt.Sprintf("this state is of account %s (%s), the credentials are of account %s (%s)",
		e.Owner.Account, e.Owner.Partition, e.Caller.Account, e.Caller.Partition)
}

// Check refuses credentials of another account than the owner's. The error is an
// *AccountError.
func (o Owner) Check(caller cloud.Caller) error {
	if o.Account == caller.Account && o.Partition == caller.Partition {
		return nil
	}
	return &AccountError{Owner: o, Caller: caller}
}

// Foreign is a thing that carries an owner's tags and is not believed to be its own. It is
// left alone.
type Foreign struct {
	// What names it: "instance i-1 (us-east-1)".
	What string
	// Why says why it is not believed.
	Why string
}

// String says both.
func (f Foreign) String() string { return f.What + " " + f.Why }

// Holder is an owner that has things of a name.
type Holder struct {
	OwnerID string
	// What is there, in words: "6 instances", "versions 1 to 3".
	What string
	// Creating is set while the owner's create has not ended: no state knows of it.
	Creating bool
}
