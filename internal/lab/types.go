package lab

import (
	"slices"
	"strconv"
	"strings"
)

const (
	x86 = "x86_64"
	arm = "arm64"
)

// instanceType is one kind of instance.
type instanceType struct {
	name, architecture string
	cores, vcpus       int
	// memory is in MiB.
	memory    int
	burstable bool
	// xen tells the families from before the Nitro hypervisor.
	// https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-nitro-instances.html
	xen          bool
	manufacturer string
	// interfaces is how many network interfaces it takes, addresses how many IPv4
	// addresses each of them.
	interfaces, addresses int
}

func (t *instanceType) threads() int { return t.vcpus / t.cores }

type describeTypesInput struct {
	InstanceType               []string
	IncludeUnsupportedInRegion *bool
	Filter                     []filterParam
	pageParams
}

type processorItem struct {
	Architectures []string `xml:"supportedArchitectures"`
	Manufacturer  string   `xml:"manufacturer"`
}

type vcpuItem struct {
	VCPUs   int `xml:"defaultVCpus"`
	Cores   int `xml:"defaultCores"`
	Threads int `xml:"defaultThreadsPerCore"`
}

type memoryItem struct {
	MiB int `xml:"sizeInMiB"`
}

type typeEBSItem struct {
	Optimized  string `xml:"ebsOptimizedSupport"`
	Encryption string `xml:"encryptionSupport"`
	NVMe       string `xml:"nvmeSupport"`
}

type typeNetworkItem struct {
	Interfaces int    `xml:"maximumNetworkInterfaces"`
	Cards      int    `xml:"maximumNetworkCards"`
	Default    int    `xml:"defaultNetworkCardIndex"`
	Addresses4 int    `xml:"ipv4AddressesPerInterface"`
	Addresses6 int    `xml:"ipv6AddressesPerInterface"`
	IPv6       bool   `xml:"ipv6Supported"`
	ENA        string `xml:"enaSupport"`
	EFA        bool   `xml:"efaSupported"`
}

// typePlacementItem is what placement groups the type can be in.
type typePlacementItem struct {
	Strategies []string `xml:"supportedStrategies"`
}

type typeItem struct {
	Name            string            `xml:"instanceType"`
	Current         bool              `xml:"currentGeneration"`
	FreeTier        bool              `xml:"freeTierEligible"`
	Usage           []string          `xml:"supportedUsageClasses"`
	RootDevices     []string          `xml:"supportedRootDeviceTypes"`
	Virtualization  []string          `xml:"supportedVirtualizationTypes"`
	BareMetal       bool              `xml:"bareMetal"`
	Hypervisor      string            `xml:"hypervisor"`
	Processor       processorItem     `xml:"processorInfo"`
	VCPU            vcpuItem          `xml:"vCpuInfo"`
	Memory          memoryItem        `xml:"memoryInfo"`
	InstanceStorage bool              `xml:"instanceStorageSupported"`
	EBS             typeEBSItem       `xml:"ebsInfo"`
	Network         typeNetworkItem   `xml:"networkInfo"`
	Placement       typePlacementItem `xml:"placementGroupInfo"`
	Hibernation     bool              `xml:"hibernationSupported"`
	Burstable       bool              `xml:"burstablePerformanceSupported"`
	DedicatedHosts  bool              `xml:"dedicatedHostsSupported"`
	AutoRecovery    bool              `xml:"autoRecoverySupported"`
	BootModes       []string          `xml:"supportedBootModes"`
}

type describeTypesOutput struct {
	Types     []typeItem `xml:"instanceTypeSet"`
	NextToken string     `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html
var typeFilters = filterable[*listedType]{
	"instance-type":                         one(func(t *listedType) string { return t.name }),
	"processor-info.supported-architecture": one(func(t *listedType) string { return t.architecture }),
	"current-generation":                    one(func(*listedType) string { return "true" }),
	"bare-metal":                            one(func(*listedType) string { return "false" }),
	"hypervisor":                            one(func(t *listedType) string { return t.hypervisor() }),
	"burstable-performance-supported":       one(func(t *listedType) string { return strconv.FormatBool(t.burstable) }),
	"vcpu-info.default-vcpus":               one(func(t *listedType) string { return strconv.Itoa(t.vcpus) }),
	"memory-info.size-in-mib":               one(func(t *listedType) string { return strconv.Itoa(t.memory) }),
	"supported-usage-class":                 func(*listedType) []string { return []string{"on-demand", "spot"} },
	"supported-root-device-type":            one(func(*listedType) string { return "ebs" }),
	"supported-virtualization-type":         one(func(*listedType) string { return "hvm" }),
}

// listedType is a type in the order in which it is listed.
type listedType struct {
	object
	*instanceType
}

func (r *region) describeInstanceTypes(in *describeTypesInput) (*describeTypesOutput, *apiError) {
	catalogue := table[*listedType]{}
	for i, name := range typeNames() {
		catalogue.put(&listedType{object: object{id: name, seq: i + 1}, instanceType: instanceTypes[name]})
	}
	absent := func(names []string) *apiError {
		return fail("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", strings.Join(names, ", "))
	}
	if len(in.InstanceType) > 0 && in.MaxResults != nil {
		return nil, combination("The parameter InstanceTypes cannot be used with the parameter maxResults")
	}
	found, next, err := list(&catalogue, listing[*listedType]{
		ids: in.InstanceType, absent: absent, filters: in.Filter, fields: typeFilters,
		page: in.pageParams, limits: pageLimits{least: 5, most: 100},
	})
	if err != nil {
		return nil, err
	}
	out := &describeTypesOutput{NextToken: next}
	for _, t := range found {
		out.Types = append(out.Types, t.item())
	}
	return out, nil
}

func typeNames() []string {
	names := make([]string, 0, len(instanceTypes))
	for name := range instanceTypes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (t *instanceType) hypervisor() string { return onOff(t.xen, "xen", "nitro") }

// strategies are those of the placement groups that the type can be in: what bursts is
// in no cluster.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-strategies.html
func (t *instanceType) strategies() []string {
	if t.burstable {
		return []string{strategyPartition, strategySpread}
	}
	return []string{strategyCluster, strategyPartition, strategySpread}
}

func (t *instanceType) bootModes() []string {
	switch {
	case t.architecture == arm:
		return []string{"uefi"}
	case t.xen:
		return []string{"legacy-bios"}
	}
	return []string{"legacy-bios", "uefi"}
}

func (t *instanceType) item() typeItem {
	return typeItem{
		Name: t.name, Current: true, FreeTier: t.name == "t3.micro",
		Usage: []string{"on-demand", "spot"}, RootDevices: []string{"ebs"}, Virtualization: []string{"hvm"},
		Hypervisor: t.hypervisor(),
		Processor:  processorItem{Architectures: []string{t.architecture}, Manufacturer: t.manufacturer},
		VCPU:       vcpuItem{VCPUs: t.vcpus, Cores: t.cores, Threads: t.threads()},
		Memory:     memoryItem{MiB: t.memory},
		EBS: typeEBSItem{
			Optimized: onOff(t.xen, "unsupported", "default"), Encryption: "supported", NVMe: onOff(t.xen, "unsupported", "required"),
		},
		Network: typeNetworkItem{
			Interfaces: t.interfaces, Cards: 1, Addresses4: t.addresses, Addresses6: t.addresses, IPv6: true,
			ENA: onOff(t.xen, "unsupported", "required"),
		},
		Placement: typePlacementItem{Strategies: t.strategies()},
		Burstable: t.burstable, AutoRecovery: true, BootModes: t.bootModes(),
	}
}
