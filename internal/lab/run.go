package lab

import (
	"cmp"
	"net/netip"
	"reflect"
	"slices"
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
	// launchReported is when an image's launch is reported.
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-last-launched-time.html
	launchReported = 24 * time.Hour
	// maxClientToken is in characters.
	// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
	maxClientToken = 64
)

// enabledParam, valueParam and their like are the one-field structures of requests.
type enabledParam struct{ Enabled *bool }

type profileParam struct{ Arn, Name string }

type placementParam struct {
	AvailabilityZone, AvailabilityZoneId, GroupName, GroupId, Tenancy string
	PartitionNumber                                                   *int
}

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
	LaunchTemplate                                                  *templateParam
	HibernationOptions                                              *configuredParam
	EnclaveOptions                                                  *enabledParam
	InstanceInitiatedShutdownBehavior                               string
	EbsOptimized, DisableApiTermination, DisableApiStop             *bool
	InstanceMarketOptions                                           *marketParam
	CapacityReservationSpecification                                *reservationParam
}

// launchKey is what a client token counts for: the zone if one is named, by a subnet
// or by itself, otherwise the region.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
type launchKey struct{ token, zone string }

// launch is one RunInstances call: what it asked for, checked, and what it made.
type launch struct {
	// request is the call as it was made, asked the same with its template's data.
	request     *runInstancesInput
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
	publicKey   string
	public      bool
	// address is the private address that was asked for; invalid without one.
	address netip.Addr
	// group is the placement group; nil without one.
	group *placementGroup
	// target is the Capacity Reservation that was asked for; nil without one.
	target    *capacityReservation
	spot      bool
	count     int
	instances []*instance
}

// runInstances launches what the request says.
func (r *region) runInstances(in *runInstancesInput) (*reservationItem, *apiError) {
	made, err := r.launch(in)
	if err != nil {
		return nil, err
	}
	return made.answer(), nil
}

// launch launches, unless the client token has been seen: what counts for that is the
// request, not what its launch template says at the time.
func (r *region) launch(in *runInstancesInput) (*launch, *apiError) {
	if len(in.ClientToken) > maxClientToken {
		return nil, invalid("Value (%s) for parameter clientToken is invalid. It has more than %d characters.", in.ClientToken, maxClientToken)
	}
	key := launchKey{token: in.ClientToken, zone: r.namedZone(in)}
	if before := r.launches[key]; before != nil && in.ClientToken != "" {
		return r.again(before, in)
	}
	merged, marks, err := r.fromTemplate(in)
	if err != nil {
		return nil, err
	}
	planned, err := r.planLaunch(merged)
	if err != nil {
		return nil, err
	}
	planned.request, planned.tags["instance"] = in, planned.tags["instance"].with(marks)
	if err := r.spend("RunInstances", planned.count); err != nil {
		return nil, err
	}
	r.start(planned, r.now())
	if in.ClientToken != "" {
		r.launches[key] = planned
	}
	return planned, nil
}

// again answers a repeated call: with what the first one made, as it is now.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
func (r *region) again(before *launch, in *runInstancesInput) (*launch, *apiError) {
	if !reflect.DeepEqual(before.request, in) {
		return nil, tokenMismatch()
	}
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
	if !slices.ContainsFunc(before.instances, (*instance).live) {
		return nil, fail("IdempotentInstanceTerminated",
			"The client token '%s' was used for instances that have been terminated.", in.ClientToken)
	}
	return before, nil
}

func (l *launch) answer() *reservationItem {
	out := &reservationItem{ReservationID: l.reservation, OwnerID: l.subnet.accountID()}
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

// start makes the instances of a checked launch.
func (r *region) start(planned *launch, now time.Time) {
	for index := range planned.count {
		planned.instances = append(planned.instances, r.makeInstance(planned, index, now))
	}
	r.occupy(planned)
	r.bootLater(planned.instances, now)
	r.lab.agenda.add(now.Add(launchReported), func(time.Time) { planned.image.lastLaunched = now })
}

func (r *region) makeInstance(planned *launch, index int, now time.Time) *instance {
	in := planned.asked
	made := &instance{
		object: r.object("i", tagMap{}.with(planned.tags["instance"])), region: r, launch: planned, index: index, image: planned.image,
		kind: planned.kind, launched: now.Truncate(time.Second), userData: planned.userData, metadata: planned.metadata,
		shutdownTerminates: in.InstanceInitiatedShutdownBehavior == "terminate",
		protected:          isTrue(in.DisableApiTermination), stopProtected: isTrue(in.DisableApiStop),
		monitoring: in.Monitoring != nil && isTrue(in.Monitoring.Enabled), ebsOptimized: isTrue(in.EbsOptimized),
		credits: planned.kind.credits(in.CreditSpecification),
	}
	made.enter(statePending, now)
	made.card = &networkInterface{
		object: r.object("eni", tagMap{}.with(planned.tags["network-interface"])), instance: made,
		subnet: planned.subnet, groups: slices.Clone(planned.groups), address: planned.takeAddress(),
		mac: r.ids.mac(), attachment: r.ids.make("eni-attach"), attachedAt: made.launched,
		deleteOnTermination: true, sourceDestCheck: true,
	}
	made.settleIn()
	if planned.spot {
		made.spotRequest = r.askSpot(made).id
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
		if m.device == planned.image.rootDevice {
			attached.disk = r.contentOf(m, planned.image)
			made.origin, made.lineage = attached.origin(), []string{attached.id}
		}
		made.volumes = append(made.volumes, attached)
		r.volumes.put(attached)
	}
	if planned.profile != nil {
		r.associate(made, planned.profile, now)
	}
	r.instances.put(made)
	made.machine = newMachine(made)
	made.secrets = newIDs(r.lab.seed, made.id)
	return made
}

// kmsARN is the key of an encrypted volume: the named one, or the one that AWS manages
// for EBS. What names no key is kept as it was named, since EC2 finds out only later.
// https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption.html
func (r *region) kmsARN(m mapping) string {
	if !m.encrypted {
		return ""
	}
	if key := r.usableKey(cmp.Or(m.kmsKeyID, "alias/aws/ebs")); key != nil {
		return key.arn
	}
	return r.kmsName(m.kmsKeyID)
}

func isTrue(value *bool) bool { return value != nil && *value }
