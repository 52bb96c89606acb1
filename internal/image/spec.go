package image

import (
	"fmt"
	"regexp"
	"time"

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
	Distribute  Distribute
	Refresh     Refresh
	// Platform is what the source runs: PlatformWindows, or "" for Linux. It is known once
	// the source is, and decides nothing but how builder and proof are driven.
	Platform string
	// KeepFailed leaves a builder or proof that has failed to be looked at.
	KeepFailed bool
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
	// source's architecture, and t3.large for Windows.
	InstanceTypes []string
	// SubnetIDs are tried in order; empty means the default VPC's.
	SubnetIDs         []string
	SecurityGroupIDs  []string
	InstanceProfile   string
	AssociatePublicIP *bool
	// RootVolume overrides the source's; its device name is ignored.
	RootVolume cloud.Volume
	// Volumes are further ones by device name, part of the image; they also override
	// the source's.
	Volumes []cloud.Volume
	// KeepOnTermination are the devices of Volumes that stay when an instance of the image
	// ends.
	KeepOnTermination []string
	// Tags are put on what is temporary, beside the spec's own.
	Tags cloud.Tags
	// HopLimit and InstanceTags are options of the metadata service of builder and proof;
	// zero and "" leave them to EC2.
	HopLimit     int
	InstanceTags string
	// UserData is the builder's, for TransportSSM only: it runs before the first step.
	UserData string
	Steps    []guest.Step
	// Remembered are steps, by name, whose files are not looked at: they are as they were.
	// Nothing can be baked with them.
	Remembered map[string]StepDigest
	CleanUp    guest.CleanUp
	// Transport is how the steps reach the builder: TransportUserData, which is also what
	// "" means, or TransportSSM.
	Transport string
	// StagingBucket takes what is too large for the transport, for a while.
	StagingBucket string
	// KeyName is an EC2 key pair for those who want to look into a builder.
	KeyName string
	// Secrets are variables of the steps' environment, for TransportSSM only. They are
	// known in an apply, never in a plan, and decide nothing.
	Secrets map[string]string
	// SecretsVersion changes when the secrets do, so that they are used.
	SecretsVersion string
}

// PlatformWindows is EC2's name of the one platform that has a name.
const PlatformWindows = "windows"

func (s Spec) windows() bool { return s.Platform == PlatformWindows }

// Transports.
const (
	TransportUserData = "user_data"
	TransportSSM      = "ssm"
)

// Verify says what proves that a version works.
type Verify struct {
	Checks []guest.Check
	// FreshInstance runs the checks again on an instance of the captured image.
	FreshInstance bool
	// InstanceTypes are proved on one by one; without them it is the bake's first type
	// that there is room for.
	InstanceTypes []string
}

// Capture says how a version is kept.
type Capture struct {
	Encrypted bool
	// KMSKeyID is a key id, alias or ARN; empty means the account's EBS key.
	KMSKeyID string
	// RetainVersions counts the kept versions, the current one included.
	RetainVersions int
	// DeprecateAfter is how long after its bake a version becomes deprecated; zero is
	// never.
	DeprecateAfter time.Duration
	// Protect keeps others from deregistering the images.
	Protect bool
	// IMDSAsSource leaves the image's default for the metadata service as the source has
	// it; otherwise session tokens are required (IMDSv2).
	IMDSAsSource bool
}

// Distribute says where a version is handed out, and to whom.
type Distribute struct {
	// Regions get a copy each, encrypted with the region's own KMS key; an empty key is
	// the account's for EBS.
	Regions map[string]string
	// Permissions are given on the image and on all copies.
	Permissions cloud.Permissions
	// Snapshots gives the accounts, or everyone, the snapshots as well.
	Snapshots bool
	// Parameter is the name of an SSM parameter that always holds the current image.
	Parameter string
}

// Refresh says when a version is made that nobody has asked for by a change of the
// recipe, and when not.
type Refresh struct {
	// HoldSource keeps a newer source image alone from making a version.
	HoldSource bool
	// MaxAge makes a version when the current one is older; zero is never.
	MaxAge time.Duration
	// Triggers make a version when one of them changes.
	Triggers map[string]string
	// PinVersion holds on to a kept version, or goes back to it; zero is none.
	PinVersion int
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
