package lab

import (
	"net/netip"
	"strconv"
	"strings"
)

// reservedFirst and reservedLast are the addresses of a subnet that AWS keeps: the
// first four and the last.
// https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
const (
	reservedFirst = 4
	reservedLast  = 1
)

// vpc is one virtual private cloud.
type vpc struct {
	object
	cidr                     netip.Prefix
	isDefault                bool
	dhcpOptions, association string
}

// subnet is one subnet, with its addresses.
type subnet struct {
	object
	vpc  *vpc
	zone zone
	cidr netip.Prefix
	// defaultForZone subnets give public addresses at launch.
	defaultForZone bool
	used           map[netip.Addr]bool
	// next is where the search for a free address goes on, so that an address is not
	// given out again at once.
	next netip.Addr
}

func newSubnet(base object, in *vpc, at zone, cidr netip.Prefix) *subnet {
	s := &subnet{object: base, vpc: in, zone: at, cidr: cidr, defaultForZone: in.isDefault, used: map[netip.Addr]bool{}}
	s.next = s.first()
	return s
}

func (s *subnet) first() netip.Addr {
	address := s.cidr.Addr()
	for range reservedFirst {
		address = address.Next()
	}
	return address
}

// free is the number of free addresses.
func (s *subnet) free() int {
	return 1<<(32-s.cidr.Bits()) - reservedFirst - reservedLast - len(s.used)
}

// usable tells whether an instance may have the address: it is in the subnet and
// not one that AWS keeps.
func (s *subnet) usable(address netip.Addr) bool {
	return s.cidr.Contains(address) && !address.Less(s.first()) && s.cidr.Contains(address.Next())
}

// take gives out a free address. There must be one.
func (s *subnet) take() netip.Addr {
	for s.used[s.next] || !s.usable(s.next) {
		if s.next = s.next.Next(); !s.usable(s.next) {
			s.next = s.first()
		}
	}
	address := s.next
	s.used[address] = true
	s.next = address.Next()
	return address
}

type describeSubnetsInput struct {
	SubnetId []string
	Filter   []filterParam
	pageParams
}

type subnetItem struct {
	SubnetID         string    `xml:"subnetId"`
	SubnetARN        string    `xml:"subnetArn"`
	State            string    `xml:"state"`
	OwnerID          string    `xml:"ownerId"`
	VPCID            string    `xml:"vpcId"`
	CIDR             string    `xml:"cidrBlock"`
	IPv6CIDRs        []string  `xml:"ipv6CidrBlockAssociationSet"`
	Free             int       `xml:"availableIpAddressCount"`
	Zone             string    `xml:"availabilityZone"`
	ZoneID           string    `xml:"availabilityZoneId"`
	DefaultForZone   bool      `xml:"defaultForAz"`
	MapPublicIP      bool      `xml:"mapPublicIpOnLaunch"`
	MapCustomerIP    bool      `xml:"mapCustomerOwnedIpOnLaunch"`
	AssignIPv6       bool      `xml:"assignIpv6AddressOnCreation"`
	IPv6Native       bool      `xml:"ipv6Native"`
	EnableDNS64      bool      `xml:"enableDns64"`
	PrivateDNSNaming dnsNaming `xml:"privateDnsNameOptionsOnLaunch"`
	Tags             []tagItem `xml:"tagSet"`
}

type dnsNaming struct {
	HostnameType string `xml:"hostnameType"`
	ARecord      bool   `xml:"enableResourceNameDnsARecord"`
	AAAARecord   bool   `xml:"enableResourceNameDnsAAAARecord"`
}

type describeSubnetsOutput struct {
	Subnets   []subnetItem `xml:"subnetSet"`
	NextToken string       `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html
var subnetFilters = filterable[*subnet]{
	"subnet-id":               one(func(s *subnet) string { return s.id }),
	"vpc-id":                  one(func(s *subnet) string { return s.vpc.id }),
	"availability-zone":       one(func(s *subnet) string { return s.zone.name }),
	"availabilityZone":        one(func(s *subnet) string { return s.zone.name }),
	"availability-zone-id":    one(func(s *subnet) string { return s.zone.id }),
	"cidr-block":              one(func(s *subnet) string { return s.cidr.String() }),
	"cidr":                    one(func(s *subnet) string { return s.cidr.String() }),
	"state":                   one(func(*subnet) string { return "available" }),
	"owner-id":                one(func(s *subnet) string { return s.accountID() }),
	"default-for-az":          one(func(s *subnet) string { return strconv.FormatBool(s.defaultForZone) }),
	"defaultForAz":            one(func(s *subnet) string { return strconv.FormatBool(s.defaultForZone) }),
	"map-public-ip-on-launch": one(func(s *subnet) string { return strconv.FormatBool(s.defaultForZone) }),
	"available-ip-address-count": one(func(s *subnet) string {
		return strconv.Itoa(s.free())
	}),
}

func (r *region) describeSubnets(in *describeSubnetsInput) (*describeSubnetsOutput, *apiError) {
	found, next, err := list(&r.subnets, listing[*subnet]{
		ids: in.SubnetId, absent: noSubnet, filters: in.Filter, fields: subnetFilters,
		page: in.pageParams, limits: pageLimits{least: 5, most: 1000},
	})
	if err != nil {
		return nil, err
	}
	out := &describeSubnetsOutput{NextToken: next}
	for _, s := range found {
		out.Subnets = append(out.Subnets, subnetItem{
			SubnetID: s.id, SubnetARN: r.arn("ec2", "subnet/"+s.id), State: "available", OwnerID: r.account.id,
			VPCID: s.vpc.id, CIDR: s.cidr.String(), Free: s.free(), Zone: s.zone.name, ZoneID: s.zone.id,
			DefaultForZone: s.defaultForZone, MapPublicIP: s.defaultForZone,
			PrivateDNSNaming: dnsNaming{HostnameType: "ip-name"}, Tags: s.seenTags().items(),
		})
	}
	return out, nil
}

func noSubnet(ids []string) *apiError {
	return fail("InvalidSubnetID.NotFound", "The subnet ID '%s' does not exist", ids[0])
}

// arn names something of the account in this region.
func (r *region) arn(service, resource string) string {
	return strings.Join([]string{"arn:aws", service, r.name, r.account.id, resource}, ":")
}

type describeVpcsInput struct {
	VpcId  []string
	Filter []filterParam
	pageParams
}

type cidrState struct {
	State string `xml:"state"`
}

type vpcCIDR struct {
	AssociationID string    `xml:"associationId"`
	CIDR          string    `xml:"cidrBlock"`
	State         cidrState `xml:"cidrBlockState"`
}

type vpcItem struct {
	VPCID       string    `xml:"vpcId"`
	OwnerID     string    `xml:"ownerId"`
	State       string    `xml:"state"`
	CIDR        string    `xml:"cidrBlock"`
	CIDRs       []vpcCIDR `xml:"cidrBlockAssociationSet"`
	IPv6CIDRs   []string  `xml:"ipv6CidrBlockAssociationSet"`
	DHCPOptions string    `xml:"dhcpOptionsId"`
	Tenancy     string    `xml:"instanceTenancy"`
	IsDefault   bool      `xml:"isDefault"`
	Tags        []tagItem `xml:"tagSet"`
}

type describeVpcsOutput struct {
	VPCs      []vpcItem `xml:"vpcSet"`
	NextToken string    `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html
var vpcFilters = filterable[*vpc]{
	"vpc-id":                            one(func(v *vpc) string { return v.id }),
	"cidr":                              one(func(v *vpc) string { return v.cidr.String() }),
	"cidr-block-association.cidr-block": one(func(v *vpc) string { return v.cidr.String() }),
	"is-default":                        one(func(v *vpc) string { return strconv.FormatBool(v.isDefault) }),
	"isDefault":                         one(func(v *vpc) string { return strconv.FormatBool(v.isDefault) }),
	"state":                             one(func(*vpc) string { return "available" }),
	"owner-id":                          one(func(v *vpc) string { return v.accountID() }),
	"dhcp-options-id":                   one(func(v *vpc) string { return v.dhcpOptions }),
}

func (r *region) describeVpcs(in *describeVpcsInput) (*describeVpcsOutput, *apiError) {
	found, next, err := list(&r.vpcs, listing[*vpc]{
		ids: in.VpcId, absent: noVPC, filters: in.Filter, fields: vpcFilters,
		page: in.pageParams, limits: pageLimits{least: 5, most: 1000},
	})
	if err != nil {
		return nil, err
	}
	out := &describeVpcsOutput{NextToken: next}
	for _, v := range found {
		out.VPCs = append(out.VPCs, vpcItem{
			VPCID: v.id, OwnerID: r.account.id, State: "available", CIDR: v.cidr.String(),
			CIDRs:       []vpcCIDR{{AssociationID: v.association, CIDR: v.cidr.String(), State: cidrState{State: "associated"}}},
			DHCPOptions: v.dhcpOptions, Tenancy: "default", IsDefault: v.isDefault, Tags: v.seenTags().items(),
		})
	}
	return out, nil
}
