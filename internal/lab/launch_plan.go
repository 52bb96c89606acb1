package lab

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// planLaunch checks everything before anything is made.
func (r *region) planLaunch(in *runInstancesInput) (*launch, *apiError) {
	planned := &launch{asked: in, token: in.ClientToken, keyName: in.KeyName}
	for _, check := range []func(*launch, *runInstancesInput) *apiError{
		r.planImage, r.planNetwork, r.planPlacement, r.planReservation, r.planMarket, r.planCount, r.planAddress,
		r.planVolumes, r.planInside, r.planRest, r.planCapacity,
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
	id, err := r.resolveImage(in.ImageId)
	if err != nil {
		return err
	}
	found, err := r.image(id)
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
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/enhanced-networking-ena.html
	if found.withoutENA && !kind.xen {
		return combination("Enhanced networking with the Elastic Network Adapter (ENA) is required for the '%s' instance type. "+
			"Ensure that you are using an AMI that is enabled for ENA.", kind.name)
	}
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ebs-optimized.html
	if kind.xen && isTrue(in.EbsOptimized) {
		return fail("Unsupported", "EBS-optimized instances are not supported for your requested configuration. "+
			"Please check the documentation for supported configurations.")
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
		if card.DeleteOnTermination != nil && !*card.DeleteOnTermination {
			return fail("UnsupportedOperation", "In the lab no network interface outlives its instance")
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
	}
	planned.count = min(*in.MaxCount, planned.subnet.free())
	if planned.count < *in.MinCount {
		return fail("InsufficientFreeAddressesInSubnet",
			"There are not enough free addresses in subnet '%s' to satisfy the requested number of instances.", planned.subnet.id)
	}
	return nil
}

// planAddress checks the private address that was asked for, which only one instance
// can have.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
func (r *region) planAddress(planned *launch, in *runInstancesInput) *apiError {
	asked := in.PrivateIpAddress
	for _, card := range in.NetworkInterface {
		if asked != "" {
			return combination("Network interfaces and an instance-level private IP address may not be specified on the same request")
		}
		asked = card.PrivateIpAddress
	}
	if asked == "" {
		return nil
	}
	if *in.MaxCount > 1 {
		return combination("The parameter privateIpAddress cannot be used when more than one instance is launched.")
	}
	address, bad := netip.ParseAddr(asked)
	switch {
	case bad != nil || !address.Is4():
		return invalid("invalid value for parameter address: %s", asked)
	case !planned.subnet.cidr.Contains(address):
		return invalid("Address does not fall within the subnet's address range")
	case !planned.subnet.usable(address):
		return invalid("Address is in subnet's reserved address range")
	case planned.subnet.used[address]:
		return fail("InvalidIPAddress.InUse", "Address %s is in use.", asked)
	}
	planned.address = address
	return nil
}

// takeAddress gives an instance the address that was asked for, or a free one.
func (l *launch) takeAddress() netip.Addr {
	if !l.address.IsValid() {
		return l.subnet.take()
	}
	l.subnet.used[l.address] = true
	return l.address
}

func (r *region) planVolumes(planned *launch, in *runInstancesInput) *apiError {
	merged, err := r.merge(planned.image.withOwnKeys(r.account), in.BlockDeviceMapping)
	if err != nil {
		return err
	}
	if root := planned.image.rootDevice; !slices.ContainsFunc(merged, func(m mapping) bool { return m.device == root }) {
		return fail("InvalidBlockDeviceMapping", "The root device %s cannot be left out", root)
	}
	for _, m := range merged {
		if m.snapshotID != "" && r.place.snapshots.get(m.snapshotID) == nil {
			return noSnapshot([]string{m.snapshotID})
		}
	}
	planned.mappings = merged
	planned.tags, err = specifiedTags(in.TagSpecification, "instance", "volume", "network-interface", "spot-instances-request")
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
	if planned.metadata, err = planned.image.metadataDefaults().with(in.MetadataOptions); err != nil {
		return err
	}
	return planned.metadata.checkTags(planned.tags["instance"])
}

func (r *region) planRest(planned *launch, in *runInstancesInput) *apiError {
	if err := in.extras(); err != nil {
		return err
	}
	if in.KeyName != "" {
		pair := r.key(in.KeyName)
		if pair == nil {
			return fail("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", in.KeyName)
		}
		planned.publicKey = strings.TrimSpace(pair.public)
	}
	if !slices.Contains([]string{"", "stop", "terminate"}, in.InstanceInitiatedShutdownBehavior) {
		return invalid("Value (%s) for parameter instanceInitiatedShutdownBehavior is invalid.", in.InstanceInitiatedShutdownBehavior)
	}
	if in.CreditSpecification != nil && !slices.Contains([]string{creditsStandard, creditsUnlimited}, in.CreditSpecification.CpuCredits) {
		return invalid("Value (%s) for parameter cpuCredits is invalid.", in.CreditSpecification.CpuCredits)
	}
	return nil
}

// planCapacity lowers the number to what the zone has of the type. A request that
// leaves the zone to EC2 gets one that has enough.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html
func (r *region) planCapacity(planned *launch, in *runInstancesInput) *apiError {
	candidates := []*subnet{planned.subnet}
	if r.namedZone(in) == "" && !planned.address.IsValid() && planned.target == nil {
		for _, other := range r.subnets.all() {
			if other != planned.subnet && other.defaultForZone && other.free() >= planned.count {
				candidates = append(candidates, other)
			}
		}
	}
	for _, candidate := range candidates {
		if count := r.room(planned, candidate, *in.MinCount); count >= *in.MinCount {
			planned.subnet, planned.count = candidate, count
			return nil
		}
	}
	return planned.noRoom()
}
