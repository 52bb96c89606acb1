package image

import (
	"fmt"
	"regexp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// DefaultRetainVersions is how many versions a line keeps, the current one
// included, when nothing else is said.
const DefaultRetainVersions = 2

// Spec is what the user wants of a line.
type Spec struct {
	Name        string
	Description string
	Source      Source
	Bake        Bake
	Verify      Verify
	Capture     Capture
	// Tags are put on images, snapshots and everything temporary, beside the
	// ownership tags.
	Tags cloud.Tags
}

// Source is where a bake starts: exactly one field is set.
type Source struct {
	ImageID      string
	Lookup       *Lookup
	SSMParameter string
}

// Lookup selects the newest available image that matches.
type Lookup struct {
	// Owners are account ids, "self", "amazon" or "aws-marketplace".
	Owners []string
	// Name may hold the wildcards * and ?.
	Name         string
	Architecture string
	// Filters are DescribeImages' own, by name.
	Filters map[string]string
}

// Bake says how and where a version is made.
type Bake struct {
	// InstanceTypes are tried in order; empty means t3.small or t4g.small, by the
	// source's architecture.
	InstanceTypes []string
	// SubnetIDs are tried in order; empty means the default VPC's.
	SubnetIDs         []string
	SecurityGroupIDs  []string
	InstanceProfile   string
	AssociatePublicIP *bool
	// RootVolume overrides the source's; its device name is ignored.
	RootVolume cloud.Volume
	Steps      []guest.Step
	CleanUp    guest.CleanUp
}

// Verify says what proves that a version works.
type Verify struct {
	Checks []guest.Check
	// FreshInstance runs the checks again on an instance of the captured image.
	FreshInstance bool
}

// Capture says how a version is kept.
type Capture struct {
	Encrypted bool
	// KMSKeyID is a key id, alias or ARN; empty means the account's EBS key.
	KMSKeyID string
	// RetainVersions counts the kept versions, the current one included.
	RetainVersions int
}

// nameFormat leaves room in the 128 characters of an AMI name for "-v", a version
// of up to ten digits, "-" and eight digits of the fingerprint.
var nameFormat = regexp.MustCompile(`^[A-Za-z0-9 ()\[\]./'@_-]{3,107}$`)

// NameRule says in words what ValidName demands.
const NameRule = "3 to 107 letters, digits, spaces and ( ) [ ] . / - ' @ _ : " +
	"what an AMI name may hold, with room for the version"

// ValidName reports whether a line may have this name.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateImage.html
func ValidName(name string) bool { return nameFormat.MatchString(name) }

// AMIName is the name of a version's AMI. It is deterministic, since CreateImage
// knows no client token: a name that is taken means "look up what is there".
func AMIName(name string, version int, fingerprint string) string {
	return fmt.Sprintf("%s-v%d-%s", name, version, fingerprint[:8])
}

// BuilderUserData returns what a builder is started with. The error is a
// *guest.TooLargeError when the steps do not fit.
func (s Spec) BuilderUserData(recipe Recipe) ([]byte, error) {
	script, err := guest.Bake{
		Nonce:   nonce(recipe.Fingerprint(), s.ChecksDigest(), cloud.RoleBuilder),
		Steps:   s.Bake.Steps,
		Checks:  s.Verify.Checks,
		CleanUp: s.Bake.CleanUp,
	}.Script()
	if err != nil {
		return nil, err
	}
	return guest.Encode(script)
}

// ProofUserData returns what a proof is started with.
func (s Spec) ProofUserData(fingerprint string) ([]byte, error) {
	script, err := guest.Proof{
		Nonce:  nonce(fingerprint, s.ChecksDigest(), cloud.RoleProof),
		Checks: s.Verify.Checks,
	}.Script()
	if err != nil {
		return nil, err
	}
	return guest.Encode(script)
}
