package lab

import "time"

type stateItem struct {
	Code int    `xml:"code"`
	Name string `xml:"name"`
}

func stateOf(name string) stateItem { return stateItem{Code: stateCodes[name], Name: name} }

type placementItem struct {
	Zone    string `xml:"availabilityZone"`
	ZoneID  string `xml:"availabilityZoneId"`
	Group   string `xml:"groupName"`
	GroupID string `xml:"groupId,omitempty"`
	Tenancy string `xml:"tenancy"`
	// Partition is in a partition placement group.
	Partition int `xml:"partitionNumber,omitempty"`
}

type monitoringItem struct {
	State string `xml:"state"`
}

type profileItem struct {
	ARN string `xml:"arn"`
	ID  string `xml:"id"`
}

type instanceEBSItem struct {
	VolumeID            string    `xml:"volumeId"`
	Status              string    `xml:"status"`
	AttachTime          time.Time `xml:"attachTime"`
	DeleteOnTermination bool      `xml:"deleteOnTermination"`
}

type instanceMappingItem struct {
	Device string          `xml:"deviceName"`
	EBS    instanceEBSItem `xml:"ebs"`
}

type cpuItem struct {
	Cores   int `xml:"coreCount"`
	Threads int `xml:"threadsPerCore"`
}

type enabledItem struct {
	Enabled bool `xml:"enabled"`
}

type configuredItem struct {
	Configured bool `xml:"configured"`
}

type reservationPreference struct {
	Preference string                 `xml:"capacityReservationPreference,omitempty"`
	Target     *reservationTargetItem `xml:"capacityReservationTarget"`
}

type maintenanceItem struct {
	AutoRecovery    string `xml:"autoRecovery"`
	RebootMigration string `xml:"rebootMigration"`
}

type metadataItem struct {
	State    string `xml:"state"`
	Tokens   string `xml:"httpTokens"`
	HopLimit int    `xml:"httpPutResponseHopLimit"`
	Endpoint string `xml:"httpEndpoint"`
	IPv6     string `xml:"httpProtocolIpv6"`
	Tags     string `xml:"instanceMetadataTags"`
}

// instanceItem is one instance in an answer.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html
type instanceItem struct {
	ID                  string                `xml:"instanceId"`
	ImageID             string                `xml:"imageId"`
	State               stateItem             `xml:"instanceState"`
	PrivateDNS          string                `xml:"privateDnsName"`
	PublicDNS           string                `xml:"dnsName"`
	Transition          string                `xml:"reason"`
	KeyName             string                `xml:"keyName,omitempty"`
	LaunchIndex         int                   `xml:"amiLaunchIndex"`
	ProductCodes        []string              `xml:"productCodes"`
	Type                string                `xml:"instanceType"`
	LaunchTime          time.Time             `xml:"launchTime"`
	Placement           placementItem         `xml:"placement"`
	Monitoring          monitoringItem        `xml:"monitoring"`
	SubnetID            string                `xml:"subnetId,omitempty"`
	VPCID               string                `xml:"vpcId,omitempty"`
	PrivateIP           string                `xml:"privateIpAddress,omitempty"`
	PublicIP            string                `xml:"ipAddress,omitempty"`
	SourceDestCheck     *bool                 `xml:"sourceDestCheck"`
	Groups              []groupItem           `xml:"groupSet"`
	StateReason         *stateReason          `xml:"stateReason"`
	Architecture        string                `xml:"architecture"`
	RootDeviceType      string                `xml:"rootDeviceType"`
	RootDevice          string                `xml:"rootDeviceName"`
	Mappings            []instanceMappingItem `xml:"blockDeviceMapping"`
	Virtualization      string                `xml:"virtualizationType"`
	ClientToken         string                `xml:"clientToken"`
	ReservedID          string                `xml:"capacityReservationId,omitempty"`
	Lifecycle           string                `xml:"instanceLifecycle,omitempty"`
	SpotRequestID       string                `xml:"spotInstanceRequestId,omitempty"`
	Tags                []tagItem             `xml:"tagSet,omitempty"`
	Hypervisor          string                `xml:"hypervisor"`
	Interfaces          []interfaceItem       `xml:"networkInterfaceSet"`
	Profile             *profileItem          `xml:"iamInstanceProfile"`
	EBSOptimized        bool                  `xml:"ebsOptimized"`
	ENA                 bool                  `xml:"enaSupport"`
	CPU                 cpuItem               `xml:"cpuOptions"`
	CapacityReservation reservationPreference `xml:"capacityReservationSpecification"`
	Hibernation         configuredItem        `xml:"hibernationOptions"`
	Metadata            metadataItem          `xml:"metadataOptions"`
	Enclave             enabledItem           `xml:"enclaveOptions"`
	BootMode            string                `xml:"currentInstanceBootMode"`
	System              string                `xml:"platform,omitempty"`
	Platform            string                `xml:"platformDetails"`
	UsageOperation      string                `xml:"usageOperation"`
	UsageTime           time.Time             `xml:"usageOperationUpdateTime"`
	DNSNaming           *dnsNaming            `xml:"privateDnsNameOptions"`
	Maintenance         maintenanceItem       `xml:"maintenanceOptions"`
}

func (i *instance) item() instanceItem {
	runs := i.image.disk.platform()
	item := instanceItem{
		ID: i.id, ImageID: i.image.id, State: stateOf(i.state), Transition: i.transition,
		KeyName: i.launch.keyName, LaunchIndex: i.index, Type: i.kind.name, LaunchTime: i.launched,
		Placement: i.placement(), Lifecycle: i.lifecycle(), SpotRequestID: i.spotRequest,
		Monitoring:  monitoringItem{State: onOff(i.monitoring, "enabled", "disabled")},
		StateReason: i.reason, Architecture: i.image.architecture, RootDeviceType: "ebs",
		RootDevice: i.rootDevice(), Virtualization: "hvm", ClientToken: i.launch.token,
		Tags: i.seenTags().items(), Hypervisor: "xen", EBSOptimized: i.ebsOptimized, ENA: true,
		CPU:                 cpuItem{Cores: i.kind.cores, Threads: i.kind.threads()},
		CapacityReservation: i.reservation(),
		Metadata:            i.metadata.item(i.state),
		BootMode:            i.boots(),
		System:              runs.value, Platform: runs.details, UsageOperation: runs.usage, UsageTime: i.launched,
		Maintenance: maintenanceItem{AutoRecovery: "default", RebootMigration: "default"},
	}
	if i.reserved != nil {
		item.ReservedID = i.reserved.id
	}
	if i.profile != nil {
		item.Profile = &i.profile.profile.profileItem
	}
	for _, v := range i.volumes {
		item.Mappings = append(item.Mappings, instanceMappingItem{Device: v.device, EBS: instanceEBSItem{
			VolumeID: v.id, Status: v.attachment(), AttachTime: v.attachedAt, DeleteOnTermination: v.deleteOnTermination,
		}})
	}
	i.network(&item)
	return item
}

// boots is how the instance has booted: by UEFI where the image allows it, since all
// types of the lab do.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-boot.html
func (i *instance) boots() string {
	if mode := i.image.boots(); mode != "uefi-preferred" {
		return mode
	}
	return "uefi"
}

// network fills in what comes from the network interface, which a terminated
// instance has lost.
func (i *instance) network(item *instanceItem) {
	if i.card == nil {
		return
	}
	card := i.card
	item.SubnetID, item.VPCID = card.subnet.id, card.subnet.vpc.id
	item.PrivateIP, item.PrivateDNS = card.address.String(), i.region.privateDNS(card.address)
	item.SourceDestCheck = &card.sourceDestCheck
	item.Groups = groupItems(card.groups)
	item.Interfaces = []interfaceItem{card.item(i.region)}
	item.DNSNaming = &dnsNaming{HostnameType: "ip-name"}
	if card.public.IsValid() {
		item.PublicIP, item.PublicDNS = card.public.String(), i.region.publicDNS(card.public)
	}
}
