package cloud

import "time"

// Tags are the tags of one AWS object.
type Tags map[string]string

// States of an instance.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html
const (
	InstancePending      = "pending"
	InstanceRunning      = "running"
	InstanceShuttingDown = "shutting-down"
	InstanceTerminated   = "terminated"
	InstanceStopping     = "stopping"
	InstanceStopped      = "stopped"
)

// LiveInstanceStates are the states in which an instance exists for its owner.
func LiveInstanceStates() []string {
	return []string{InstancePending, InstanceRunning, InstanceStopping, InstanceStopped}
}

// Instance is one EC2 instance.
type Instance struct {
	ID               string
	ImageID          string
	Type             string
	Architecture     string
	SubnetID         string
	VPCID            string
	AvailabilityZone string
	PrivateIP        string
	PublicIP         string
	PrivateDNS       string
	// State is one of the Instance… constants.
	State string
	// StateReason is AWS's own "Code: message" for the last change of state.
	StateReason string
	// LaunchIndex is the instance's place in its RunInstances call, from 0.
	LaunchIndex int
	LaunchedAt  time.Time
	ClientToken string
	// SecurityGroupIDs are those of the primary network interface, sorted.
	SecurityGroupIDs []string
	// DefaultGroup is set when there is one alone, and it is its VPC's default one: no other may
	// have that name.
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
	DefaultGroup bool
	// InstanceProfileARN is empty without a profile.
	InstanceProfileARN string
	KeyName            string
	RootDeviceName     string
	Metadata           MetadataOptions
	// Monitoring is set when detailed monitoring is on, or about to be.
	Monitoring bool
	// Spot is set for a spot instance.
	Spot         bool
	EBSOptimized bool
	Placement    Placement
	Tags         Tags
}

// Live reports whether the instance is neither terminated nor about to be.
func (i Instance) Live() bool {
	return i.State != InstanceTerminated && i.State != InstanceShuttingDown
}

// InstanceQuery selects instances. Every field that is set must match; values
// within a field are alternatives. A list that is empty but not nil matches nothing.
type InstanceQuery struct {
	IDs      []string
	Tags     Tags
	ImageIDs []string
	// States defaults to LiveInstanceStates.
	States []string
}

// InstanceStatus is what EC2's two status checks say.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-system-instance-status-check.html
type InstanceStatus struct {
	InstanceID string
	// State is the instance's state.
	State string
	// System and Instance are "ok", "impaired", "insufficient-data",
	// "not-applicable" or "initializing".
	System   string
	Instance string
	// ImpairedSince is when the first check began to fail; zero if none does.
	ImpairedSince time.Time
}

// Ready reports whether the instance runs and both checks are passed.
func (s InstanceStatus) Ready() bool {
	return s.State == InstanceRunning && s.System == "ok" && s.Instance == "ok"
}

// Impaired reports whether one of the two checks failed.
func (s InstanceStatus) Impaired() bool {
	return s.System == "impaired" || s.Instance == "impaired"
}

// Volume is one entry of a block device mapping. Zero fields are left to the image.
type Volume struct {
	DeviceName string
	// Size is in GiB.
	Size int
	Type string
	IOPS int
	// Throughput is in MiB/s.
	Throughput int
	Encrypted  *bool
	KMSKeyID   string
}

// Launch is one RunInstances call.
type Launch struct {
	// ClientToken makes a repeated call return the first one's result.
	ClientToken  string
	ImageID      string
	InstanceType string
	SubnetID     string
	// MinCount and MaxCount are EC2's: with fewer than MinCount nothing is launched.
	MinCount         int
	MaxCount         int
	SecurityGroupIDs []string
	// InstanceProfile is a name or an ARN.
	InstanceProfile string
	KeyName         string
	// UserData is raw; at most 16,384 bytes before base64.
	UserData          []byte
	Volumes           []Volume
	AssociatePublicIP *bool
	Metadata          MetadataOptions
	// PrivateIP is for a launch of one instance.
	PrivateIP    string
	Placement    Placement
	Spot         bool
	Monitoring   bool
	EBSOptimized *bool
	// Credits is "standard" or "unlimited", for burstable types.
	Credits string
	// TerminationProtection and StopProtection make EC2 refuse to end or stop the
	// instances until they are lifted.
	TerminationProtection, StopProtection bool
	// Tags are put on the instances and on their volumes by the launch itself.
	Tags Tags
}

// MetadataOptions are those of an instance's metadata service. Zero fields are left to
// the image and to EC2.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html
type MetadataOptions struct {
	// Tokens is "required", which is IMDSv2 alone, or "optional".
	Tokens string
	// Endpoint is "enabled" or "disabled".
	Endpoint string
	// HopLimit is 1 to 64.
	HopLimit int
	// InstanceTags is "enabled" or "disabled".
	InstanceTags string
}

// Placement says on which hosts, and out of which reservation, instances run.
type Placement struct {
	// Group is a placement group's name.
	Group string
	// Tenancy is "default" or "dedicated".
	Tenancy string
	// CapacityReservation is the id of a reservation; empty means EC2's default.
	CapacityReservation string
}

// States of an image.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html
const (
	ImagePending      = "pending"
	ImageAvailable    = "available"
	ImageInvalid      = "invalid"
	ImageDeregistered = "deregistered"
	ImageTransient    = "transient"
	ImageFailed       = "failed"
	ImageError        = "error"
	ImageDisabled     = "disabled"
)

// Image is one AMI.
type Image struct {
	ID          string
	Name        string
	Description string
	OwnerID     string
	// State is one of the Image… constants.
	State       string
	StateReason string
	// Architecture is "x86_64", "arm64", "i386", "x86_64_mac" or "arm64_mac".
	Architecture string
	// Platform is "windows", or empty for all others.
	Platform       string
	RootDeviceName string
	CreatedAt      time.Time
	IMDSSupport    string
	// BootMode, TPMSupport and ENASupport are as in the image's source.
	BootMode   string
	TPMSupport string
	ENASupport bool
	// DeprecatesAt is when it becomes deprecated, or has become; zero is never.
	DeprecatesAt time.Time
	Protection   Protection
	// Public reports whether everyone may launch it.
	Public bool
	// SourceInstanceID is the instance that CreateImage has captured, SourceImageID and
	// SourceImageRegion the image that this one was made from or is a copy of. AWS writes
	// them, and nobody can change them.
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Image.html
	SourceInstanceID  string
	SourceImageID     string
	SourceImageRegion string
	Volumes           []ImageVolume
	Tags              Tags
}

// SnapshotIDs returns the ids of the image's snapshots, in the order of its
// mappings.
func (i Image) SnapshotIDs() []string {
	var ids []string
	for _, volume := range i.Volumes {
		if volume.SnapshotID != "" {
			ids = append(ids, volume.SnapshotID)
		}
	}
	return ids
}

// ImageVolume is one block device mapping of an image.
type ImageVolume struct {
	DeviceName string
	SnapshotID string
	// Size is in GiB.
	Size      int
	Type      string
	Encrypted bool
	// Kept is set when the volume stays when an instance of the image ends.
	Kept bool
}

// ImageQuery selects images. Every field that is set must match.
type ImageQuery struct {
	IDs []string
	// Owners are account ids, "self", "amazon" or "aws-marketplace".
	Owners []string
	Tags   Tags
	// Filters are DescribeImages' own, by name.
	Filters map[string][]string
	// IncludeDeprecated finds deprecated images of other owners too; by id they always
	// are.
	IncludeDeprecated bool
	// IncludeDisabled finds one's own images also when somebody has disabled them.
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/disable-an-ami.html
	IncludeDisabled bool
}

// Capture is one CreateImage call, with the instance already stopped.
type Capture struct {
	InstanceID  string
	Name        string
	Description string
	// Tags are put on the image and on its snapshots by the call itself.
	Tags Tags
	// KeepOnTermination are the devices whose volumes stay when an instance of the image ends.
	KeepOnTermination []string
}

// Snapshot is one EBS snapshot.
type Snapshot struct {
	ID          string
	Description string
	State       string
	// Progress is how much of it is done, like "63%".
	Progress  string
	StartedAt time.Time
	Tags      Tags
}

// Subnet is one subnet.
type Subnet struct {
	ID               string
	VPCID            string
	AvailabilityZone string
	FreeAddresses    int
	// CIDR is the block of its IPv4 addresses, like 10.0.1.0/24; "" where it has none.
	CIDR string
}

// StatusQuery selects the statuses of instances that run. With IDs it asks for those,
// otherwise for all of the region's.
type StatusQuery struct {
	IDs []string
	// AnyState asks, for IDs, for those that do not run too.
	AnyState bool
	// ImpairedOnly asks only for instances of which a check failed.
	ImpairedOnly bool
	// Until stops the reading of pages as soon as it returns true for what has been
	// read so far; nil reads all.
	Until func([]InstanceStatus) bool
}
