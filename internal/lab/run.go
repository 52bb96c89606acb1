package lab

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Limits of RunInstances.
const (
	// maxLaunch is the capacity of the bucket that RunInstances takes a token from
	// for each instance: a larger call can never be served.
	// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
	maxLaunch = 1000
	// maxUserData is in bytes, before base64.
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-add-user-data.html
	maxUserData = 16384
	// maxClientToken is in characters.
	// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
	maxClientToken = 64
)

// enabledParam, valueParam and their like are the one-field structures of requests.
type enabledParam struct{ Enabled *bool }

type profileParam struct{ Arn, Name string }

type placementParam struct{ AvailabilityZone, AvailabilityZoneId, GroupName, Tenancy string }

type creditParam struct{ CpuCredits string }

type metadataParam struct {
	HttpTokens, HttpEndpoint, HttpProtocolIpv6, InstanceMetadataTags string
	HttpPutResponseHopLimit                                          *int
}

// interfaceParam is one NetworkInterface parameter of a launch.
type interfaceParam struct {
	AssociatePublicIpAddress      *bool
	DeleteOnTermination           *bool
	DeviceIndex, NetworkCardIndex *int
	Description                   string
	SubnetId, PrivateIpAddress    string
	SecurityGroupId               []string
}

// runInstancesInput are the parameters that the lab understands; others are refused
// by name.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
type runInstancesInput struct {
	ImageId, InstanceType, SubnetId, KeyName, ClientToken, UserData string
	PrivateIpAddress                                                string
	MinCount, MaxCount                                              *int
	SecurityGroupId, SecurityGroup                                  []string
	NetworkInterface                                                []interfaceParam
	BlockDeviceMapping                                              []mappingParam
	TagSpecification                                                []tagSpecification
	IamInstanceProfile                                              *profileParam
	MetadataOptions                                                 *metadataParam
	Placement                                                       *placementParam
	Monitoring                                                      *enabledParam
	CreditSpecification                                             *creditParam
	InstanceInitiatedShutdownBehavior                               string
	EbsOptimized, DisableApiTermination, DisableApiStop             *bool
}

// launchKey is what a client token counts for: the zone if one is named, by a subnet
// or by itself, otherwise the region.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
type launchKey struct{ token, zone string }

// launch is one RunInstances call: what it asked for, checked, and what it made.
type launch struct {
	asked       *runInstancesInput
	token       string
	reservation string
	image       *image
	kind        *instanceType
	subnet      *subnet
	groups      []*securityGroup
	mappings    []mapping
	tags        map[string]tagMap
	profile     *profile
	metadata    metadataOptions
	userData    []byte
	keyName     string
	public      bool
	count       int
	instances   []*instance
}

// runInstances launches, unless its client token has been seen.
func (r *region) runInstances(in *runInstancesInput) (*reservationItem, *apiError) {
	if len(in.ClientToken) > maxClientToken {
		return nil, invalid("Value (%s) for parameter clientToken is invalid. It has more than %d characters.", in.ClientToken, maxClientToken)
	}
	key := launchKey{token: in.ClientToken, zone: r.namedZone(in)}
	if before := r.launches[key]; before != nil && in.ClientToken != "" {
		return r.again(before, in)
	}
	planned, err := r.planLaunch(in)
	if err != nil {
		return nil, err
	}
	r.start(planned)
	if in.ClientToken != "" {
		r.launches[key] = planned
	}
	return planned.answer(), nil
}

// again answers a repeated call: with what the first one made, as it is now.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
func (r *region) again(before *launch, in *runInstancesInput) (*reservationItem, *apiError) {
	if !reflect.DeepEqual(before.asked, in) {
		return nil, fail("IdempotentParameterMismatch",
			"Arguments on this idempotent request are inconsistent with arguments used in previous request(s).")
	}
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
	if !slices.ContainsFunc(before.instances, (*instance).live) {
		return nil, fail("IdempotentInstanceTerminated",
			"The client token '%s' was used for instances that have been terminated.", in.ClientToken)
	}
	return before.answer(), nil
}

func (l *launch) answer() *reservationItem {
	out := &reservationItem{ReservationID: l.reservation, OwnerID: accountID}
	for _, made := range l.instances {
		out.Instances = append(out.Instances, made.item())
	}
	return out
}

// namedZone is the zone that the request names, by a subnet or by itself.
func (r *region) namedZone(in *runInstancesInput) string {
	id := in.SubnetId
	for _, card := range in.NetworkInterface {
		id += card.SubnetId
	}
	if found := r.subnets.get(id); found != nil {
		return found.zone.name
	}
	if in.Placement != nil {
		return in.Placement.AvailabilityZone + in.Placement.AvailabilityZoneId
	}
	return ""
}

// planLaunch checks everything before anything is made.
func (r *region) planLaunch(in *runInstancesInput) (*launch, *apiError) {
	planned := &launch{asked: in, token: in.ClientToken, keyName: in.KeyName}
	for _, check := range []func(*launch, *runInstancesInput) *apiError{
		r.planImage, r.planNetwork, r.planCount, r.planVolumes, r.planInside, r.planRest,
	} {
		if err := check(planned, in); err != nil {
			return nil, err
		}
	}
	planned.reservation = r.ids.make("r")
	return planned, nil
}

func (r *region) planImage(planned *launch, in *runInstancesInput) *apiError {
	if in.ImageId == "" {
		return missing("ImageId")
	}
	found, err := r.image(in.ImageId)
	if err != nil {
		return err
	}
	if found.state != imageAvailable {
		return fail("InvalidAMIID.Unavailable", "The image ID '%s' is not available", in.ImageId)
	}
	// Without a type, EC2 takes m1.small, which the lab does not have.
	if in.InstanceType == "" {
		return missing("InstanceType")
	}
	kind := instanceTypes[in.InstanceType]
	if kind == nil {
		return invalid("Invalid value '%s' for InstanceType.", in.InstanceType)
	}
	if kind.architecture != found.architecture {
		return invalid("The architecture '%s' of the specified instance type does not match the architecture '%s' of the specified AMI. "+
			"Specify an instance type and an AMI that have matching architectures, and try again. "+
			"You can use 'describe-instance-types' or 'describe-images' to discover the architecture of the instance type or AMI.",
			kind.architecture, found.architecture)
	}
	planned.image, planned.kind = found, kind
	return nil
}

// planNetwork finds subnet and security groups.
func (r *region) planNetwork(planned *launch, in *runInstancesInput) *apiError {
	subnetID, groups, card := in.SubnetId, in.SecurityGroupId, interfaceParam{}
	if len(in.NetworkInterface) > 1 {
		return fail("UnsupportedOperation", "The lab gives an instance one network interface; the request has %d", len(in.NetworkInterface))
	}
	if len(in.NetworkInterface) == 1 {
		if subnetID != "" {
			return combination("Network interfaces and an instance-level subnet ID may not be specified on the same request")
		}
		if len(groups)+len(in.SecurityGroup) > 0 {
			return combination("Network interfaces and an instance-level security groups may not be specified on the same request")
		}
		card = in.NetworkInterface[0]
		if card.DeviceIndex == nil || *card.DeviceIndex != 0 {
			return invalid("The primary network interface must have device index 0")
		}
		subnetID, groups = card.SubnetId, card.SecurityGroupId
	}
	chosen, err := r.chooseSubnet(subnetID, in)
	if err != nil {
		return err
	}
	planned.subnet = chosen
	planned.public = chosen.defaultForZone
	if card.AssociatePublicIpAddress != nil {
		planned.public = *card.AssociatePublicIpAddress
	}
	planned.groups, err = r.groupsOf(groups, in.SecurityGroup, chosen.vpc)
	return err
}

// chooseSubnet takes the named subnet, or a default one of the named zone, or the
// default one with the most free addresses.
func (r *region) chooseSubnet(id string, in *runInstancesInput) (*subnet, *apiError) {
	if id != "" {
		found := r.subnets.get(id)
		if found == nil {
			return nil, noSubnet([]string{id})
		}
		if in.Placement != nil && in.Placement.AvailabilityZone != "" && in.Placement.AvailabilityZone != found.zone.name {
			return nil, invalid("The availability zone '%s' does not match that of the subnet '%s'", in.Placement.AvailabilityZone, id)
		}
		return found, nil
	}
	named := r.namedZone(in)
	var chosen *subnet
	for _, candidate := range r.subnets.all() {
		inZone := named == "" || named == candidate.zone.name || named == candidate.zone.id
		if candidate.defaultForZone && inZone && (chosen == nil || candidate.free() > chosen.free()) {
			chosen = candidate
		}
	}
	if chosen == nil {
		return nil, invalid("Invalid availability zone: [%s]", named)
	}
	return chosen, nil
}

// planCount decides how many: the largest possible number between MinCount and
// MaxCount, or none.
func (r *region) planCount(planned *launch, in *runInstancesInput) *apiError {
	switch {
	case in.MinCount == nil:
		return missing("MinCount")
	case in.MaxCount == nil:
		return missing("MaxCount")
	case *in.MinCount < 1:
		return invalid("Value (%d) for parameter minCount is invalid. Minimum count should be at least 1.", *in.MinCount)
	case *in.MaxCount < *in.MinCount:
		return invalid("Value (%d) for parameter maxCount is invalid. Maximum count should not be less than minimum count.", *in.MaxCount)
	case *in.MaxCount > maxLaunch:
		return throttled(fmt.Sprintf("Request limit exceeded: one request launches at most %d instances.", maxLaunch))
	case in.PrivateIpAddress != "" || len(in.NetworkInterface) > 0 && in.NetworkInterface[0].PrivateIpAddress != "":
		return fail("UnsupportedOperation", "The lab does not place instances at chosen private addresses")
	}
	planned.count = min(*in.MaxCount, planned.subnet.free())
	if planned.count < *in.MinCount {
		return fail("InsufficientFreeAddressesInSubnet",
			"There are not enough free addresses in subnet '%s' to satisfy the requested number of instances.", planned.subnet.id)
	}
	return nil
}

func (r *region) planVolumes(planned *launch, in *runInstancesInput) *apiError {
	merged, err := r.merge(planned.image.mappings, in.BlockDeviceMapping)
	if err != nil {
		return err
	}
	for _, m := range merged {
		if m.snapshotID != "" && r.snapshots.get(m.snapshotID) == nil {
			return noSnapshot([]string{m.snapshotID})
		}
	}
	planned.mappings = merged
	planned.tags, err = specifiedTags(in.TagSpecification, "instance", "volume", "network-interface")
	return err
}

// planInside checks what the instance finds inside: user data, profile, metadata.
func (r *region) planInside(planned *launch, in *runInstancesInput) *apiError {
	content, bad := base64.StdEncoding.DecodeString(in.UserData)
	if bad != nil {
		return fail("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")
	}
	if len(content) > maxUserData {
		return invalid("User data is limited to %d bytes", maxUserData)
	}
	planned.userData = content
	var err *apiError
	if in.IamInstanceProfile != nil {
		if planned.profile, err = r.findProfile(in.IamInstanceProfile); err != nil {
			return err
		}
	}
	planned.metadata, err = planned.image.metadataDefaults().with(in.MetadataOptions)
	return err
}

func (r *region) planRest(_ *launch, in *runInstancesInput) *apiError {
	if in.KeyName != "" && r.key(in.KeyName) == nil {
		return fail("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", in.KeyName)
	}
	if !slices.Contains([]string{"", "stop", "terminate"}, in.InstanceInitiatedShutdownBehavior) {
		return invalid("Value (%s) for parameter instanceInitiatedShutdownBehavior is invalid.", in.InstanceInitiatedShutdownBehavior)
	}
	if in.Placement != nil && (in.Placement.GroupName != "" || !slices.Contains([]string{"", "default"}, in.Placement.Tenancy)) {
		return fail("UnsupportedOperation", "The lab has neither placement groups nor dedicated tenancy")
	}
	if in.CreditSpecification != nil && !slices.Contains([]string{"standard", "unlimited"}, in.CreditSpecification.CpuCredits) {
		return invalid("Value (%s) for parameter cpuCredits is invalid.", in.CreditSpecification.CpuCredits)
	}
	return nil
}

// start makes the instances of a checked launch.
func (r *region) start(planned *launch) {
	now := r.now()
	for index := range planned.count {
		planned.instances = append(planned.instances, r.makeInstance(planned, index, now))
	}
	r.bootLater(planned.instances, now)
}

func (r *region) makeInstance(planned *launch, index int, now time.Time) *instance {
	in := planned.asked
	made := &instance{
		object: r.object("i", tagMap{}.with(planned.tags["instance"])), region: r, launch: planned, index: index,
		kind: planned.kind, launched: now.Truncate(time.Second), userData: planned.userData, metadata: planned.metadata,
		shutdownTerminates: in.InstanceInitiatedShutdownBehavior == "terminate",
		protected:          isTrue(in.DisableApiTermination), stopProtected: isTrue(in.DisableApiStop),
		monitoring: in.Monitoring != nil && isTrue(in.Monitoring.Enabled), ebsOptimized: isTrue(in.EbsOptimized),
	}
	made.enter(statePending, now)
	made.card = &networkInterface{
		object: r.object("eni", tagMap{}.with(planned.tags["network-interface"])), instance: made,
		subnet: planned.subnet, groups: slices.Clone(planned.groups), address: planned.subnet.take(),
		mac: r.ids.mac(), attachment: r.ids.make("eni-attach"), attachedAt: made.launched,
		deleteOnTermination: true, sourceDestCheck: true,
	}
	if planned.public {
		made.card.public = r.publicAddress()
	}
	if len(in.NetworkInterface) == 1 {
		made.card.description = in.NetworkInterface[0].Description
	}
	r.interfaces.put(made.card)
	for _, m := range planned.mappings {
		attached := &volume{
			object: r.object("vol", tagMap{}.with(planned.tags["volume"])), created: now, zone: planned.subnet.zone,
			size: m.size, iops: m.iops, throughput: m.throughput, kind: m.kind, snapshotID: m.snapshotID,
			encrypted: m.encrypted, kmsKeyID: r.kmsARN(m), attached: made, device: m.device,
			attachedAt: made.launched, deleteOnTermination: m.deleteOnTermination,
		}
		made.volumes = append(made.volumes, attached)
		r.volumes.put(attached)
	}
	if planned.profile != nil {
		r.associate(made, planned.profile, now)
	}
	r.instances.put(made)
	made.machine = newMachine(made)
	return made
}

// kmsARN is the key of an encrypted volume: the named one, or the account's own for
// EBS, whose id is made from the region's name so that it is always the same.
func (r *region) kmsARN(m mapping) string {
	switch {
	case !m.encrypted:
		return ""
	case strings.HasPrefix(m.kmsKeyID, "arn:"):
		return m.kmsKeyID
	case strings.HasPrefix(m.kmsKeyID, "alias/"):
		return r.arn("kms", m.kmsKeyID)
	case m.kmsKeyID != "":
		return r.arn("kms", "key/"+m.kmsKeyID)
	}
	return r.arn("kms", "key/"+newIDs(0, "aws/ebs "+r.name).uuid())
}

func isTrue(value *bool) bool { return value != nil && *value }
