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
	memory       int
	burstable    bool
	manufacturer string
	// interfaces is how many network interfaces it takes, addresses how many IPv4
	// addresses each of them.
	interfaces, addresses int
}

// size is a size within a family.
type size struct {
	name  string
	vcpus int
	// gib is the memory of the T and M families; C families have half of it per vCPU, R
	// families twice as much.
	gib                   float64
	interfaces, addresses int
}

// Sizes as in https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html, co.html and mo.html.
var (
	burstableSizes = []size{
		{"nano", 2, 0.5, 2, 2},
		{"micro", 2, 1, 2, 2},
		{"small", 2, 2, 3, 4},
		{"medium", 2, 4, 3, 6},
		{"large", 2, 8, 3, 12},
		{"xlarge", 4, 16, 4, 15},
		{"2xlarge", 8, 32, 4, 15},
	}
	generalSizes = []size{
		{"medium", 1, 4, 2, 4},
		{"large", 2, 8, 3, 10},
		{"xlarge", 4, 16, 4, 15},
		{"2xlarge", 8, 32, 4, 15},
		{"4xlarge", 16, 64, 8, 30},
	}
)

// instanceTypes is the catalogue, by name.
var instanceTypes = map[string]*instanceType{}

func init() {
	burst := func(family, architecture, maker string) {
		addFamily(family, architecture, maker, burstableSizes, 1, true)
	}
	burst("t3", x86, "Intel")
	burst("t3a", x86, "AMD")
	burst("t4g", arm, "AWS")
	// Families with Intel or AMD processors begin at large.
	addFamily("m5", x86, "Intel", generalSizes[1:], 1, false)
	addFamily("m6i", x86, "Intel", generalSizes[1:], 1, false)
	addFamily("m7i", x86, "Intel", generalSizes[1:], 1, false)
	addFamily("m6g", arm, "AWS", generalSizes, 1, false)
	addFamily("m7g", arm, "AWS", generalSizes, 1, false)
	addFamily("c5", x86, "Intel", generalSizes[1:], 0.5, false)
	addFamily("c6i", x86, "Intel", generalSizes[1:], 0.5, false)
	addFamily("c7i", x86, "Intel", generalSizes[1:], 0.5, false)
	addFamily("c6g", arm, "AWS", generalSizes, 0.5, false)
	addFamily("c7g", arm, "AWS", generalSizes, 0.5, false)
	addFamily("r6i", x86, "Intel", generalSizes[1:], 2, false)
	addFamily("r7i", x86, "Intel", generalSizes[1:], 2, false)
	addFamily("r6g", arm, "AWS", generalSizes, 2, false)
	addFamily("r7g", arm, "AWS", generalSizes, 2, false)
}

func addFamily(family, architecture, maker string, sizes []size, memory float64, burstable bool) {
	for _, s := range sizes {
		cores := s.vcpus
		if architecture == x86 {
			cores = max(1, s.vcpus/2)
		}
		name := family + "." + s.name
		instanceTypes[name] = &instanceType{
			name: name, architecture: architecture, manufacturer: maker, burstable: burstable,
			cores: cores, vcpus: s.vcpus, memory: int(s.gib * memory * 1024),
			interfaces: s.interfaces, addresses: s.addresses,
		}
	}
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

type typeItem struct {
	Name            string          `xml:"instanceType"`
	Current         bool            `xml:"currentGeneration"`
	FreeTier        bool            `xml:"freeTierEligible"`
	Usage           []string        `xml:"supportedUsageClasses"`
	RootDevices     []string        `xml:"supportedRootDeviceTypes"`
	Virtualization  []string        `xml:"supportedVirtualizationTypes"`
	BareMetal       bool            `xml:"bareMetal"`
	Hypervisor      string          `xml:"hypervisor"`
	Processor       processorItem   `xml:"processorInfo"`
	VCPU            vcpuItem        `xml:"vCpuInfo"`
	Memory          memoryItem      `xml:"memoryInfo"`
	InstanceStorage bool            `xml:"instanceStorageSupported"`
	EBS             typeEBSItem     `xml:"ebsInfo"`
	Network         typeNetworkItem `xml:"networkInfo"`
	Hibernation     bool            `xml:"hibernationSupported"`
	Burstable       bool            `xml:"burstablePerformanceSupported"`
	DedicatedHosts  bool            `xml:"dedicatedHostsSupported"`
	AutoRecovery    bool            `xml:"autoRecoverySupported"`
	BootModes       []string        `xml:"supportedBootModes"`
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
	"hypervisor":                            one(func(*listedType) string { return "nitro" }),
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

func (t *instanceType) item() typeItem {
	modes := []string{"legacy-bios", "uefi"}
	if t.architecture == arm {
		modes = []string{"uefi"}
	}
	return typeItem{
		Name: t.name, Current: true, FreeTier: t.name == "t3.micro",
		Usage: []string{"on-demand", "spot"}, RootDevices: []string{"ebs"}, Virtualization: []string{"hvm"},
		Hypervisor: "nitro",
		Processor:  processorItem{Architectures: []string{t.architecture}, Manufacturer: t.manufacturer},
		VCPU:       vcpuItem{VCPUs: t.vcpus, Cores: t.cores, Threads: t.threads()},
		Memory:     memoryItem{MiB: t.memory},
		EBS:        typeEBSItem{Optimized: "default", Encryption: "supported", NVMe: "required"},
		Network: typeNetworkItem{
			Interfaces: t.interfaces, Cards: 1, Addresses4: t.addresses, Addresses6: t.addresses, IPv6: true, ENA: "required",
		},
		Burstable: t.burstable, AutoRecovery: true, BootModes: modes,
	}
}
