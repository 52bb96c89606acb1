package lab

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// networkInterface is the primary network interface of an instance. Others are not
// made in the lab.
type networkInterface struct {
	object
	instance            *instance
	subnet              *subnet
	groups              []*securityGroup
	address, public     netip.Addr
	mac, attachment     string
	attachedAt          time.Time
	description         string
	deleteOnTermination bool
	sourceDestCheck     bool
}

// dashed writes an address as names do: 172-31-0-5.
func dashed(address netip.Addr) string { return strings.ReplaceAll(address.String(), ".", "-") }

// privateDNS and publicDNS are the names that AWS gives an address; us-east-1, the
// oldest region, has domains of its own.
// https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html
func (r *region) privateDNS(address netip.Addr) string {
	if r.name == "us-east-1" {
		return "ip-" + dashed(address) + ".ec2.internal"
	}
	return "ip-" + dashed(address) + "." + r.name + ".compute.internal"
}

func (r *region) publicDNS(address netip.Addr) string {
	if r.name == "us-east-1" {
		return "ec2-" + dashed(address) + ".compute-1.amazonaws.com"
	}
	return "ec2-" + dashed(address) + "." + r.name + ".compute.amazonaws.com"
}

// publicAddress gives out the next public address. They are from 198.18.0.0/15,
// which is reserved for tests and routed nowhere (RFC 2544).
func (r *region) publicAddress() netip.Addr {
	r.place.publicAddresses++
	n := r.place.publicAddresses % (1 << 17)
	return netip.AddrFrom4([4]byte{198, 18 + byte(n>>16), byte(n >> 8), byte(n)})
}

// associationItem is the public address of an interface in an answer.
type associationItem struct {
	IPOwnerID string `xml:"ipOwnerId"`
	PublicDNS string `xml:"publicDnsName"`
	PublicIP  string `xml:"publicIp"`
}

func (n *networkInterface) association(r *region) *associationItem {
	if !n.public.IsValid() {
		return nil
	}
	return &associationItem{IPOwnerID: amazonAlias, PublicDNS: r.publicDNS(n.public), PublicIP: n.public.String()}
}

type interfaceAttachmentItem struct {
	ID                  string    `xml:"attachmentId"`
	InstanceID          string    `xml:"instanceId,omitempty"`
	InstanceOwnerID     string    `xml:"instanceOwnerId,omitempty"`
	DeviceIndex         int       `xml:"deviceIndex"`
	CardIndex           int       `xml:"networkCardIndex"`
	Status              string    `xml:"status"`
	AttachTime          time.Time `xml:"attachTime"`
	DeleteOnTermination bool      `xml:"deleteOnTermination"`
}

type privateAddressItem struct {
	Address     string           `xml:"privateIpAddress"`
	DNS         string           `xml:"privateDnsName"`
	Primary     bool             `xml:"primary"`
	Association *associationItem `xml:"association"`
}

// interfaceItem is an interface in an answer, of its own or in an instance; the
// latter leaves out zone and tags.
type interfaceItem struct {
	ID              string                  `xml:"networkInterfaceId"`
	SubnetID        string                  `xml:"subnetId"`
	VPCID           string                  `xml:"vpcId"`
	Zone            string                  `xml:"availabilityZone,omitempty"`
	Description     string                  `xml:"description"`
	OwnerID         string                  `xml:"ownerId"`
	Status          string                  `xml:"status"`
	MAC             string                  `xml:"macAddress"`
	Address         string                  `xml:"privateIpAddress"`
	DNS             string                  `xml:"privateDnsName"`
	SourceDestCheck bool                    `xml:"sourceDestCheck"`
	Groups          []groupItem             `xml:"groupSet"`
	Attachment      interfaceAttachmentItem `xml:"attachment"`
	Association     *associationItem        `xml:"association"`
	Addresses       []privateAddressItem    `xml:"privateIpAddressesSet"`
	Addresses6      []string                `xml:"ipv6AddressesSet"`
	Type            string                  `xml:"interfaceType"`
	Tags            []tagItem               `xml:"tagSet,omitempty"`
}

func (n *networkInterface) item(r *region) interfaceItem {
	dns := r.privateDNS(n.address)
	return interfaceItem{
		ID: n.id, SubnetID: n.subnet.id, VPCID: n.subnet.vpc.id, Description: n.description, OwnerID: n.accountID(),
		Status: "in-use", MAC: n.mac, Address: n.address.String(), DNS: dns, SourceDestCheck: n.sourceDestCheck,
		Groups: groupItems(n.groups), Association: n.association(r), Type: "interface",
		Attachment: interfaceAttachmentItem{
			ID: n.attachment, Status: "attached", AttachTime: n.attachedAt, DeleteOnTermination: n.deleteOnTermination,
		},
		Addresses: []privateAddressItem{{Address: n.address.String(), DNS: dns, Primary: true, Association: n.association(r)}},
	}
}

type describeInterfacesInput struct {
	NetworkInterfaceId      []string
	IncludeManagedResources *bool
	Filter                  []filterParam
	pageParams
}

type describeInterfacesOutput struct {
	Interfaces []interfaceItem `xml:"networkInterfaceSet"`
	NextToken  string          `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html
var interfaceFilters = filterable[*networkInterface]{
	"network-interface-id":    one(func(n *networkInterface) string { return n.id }),
	"attachment.instance-id":  one(func(n *networkInterface) string { return n.instance.id }),
	"attachment.device-index": one(func(*networkInterface) string { return "0" }),
	"attachment.status":       one(func(*networkInterface) string { return "attached" }),
	"status":                  one(func(*networkInterface) string { return "in-use" }),
	"subnet-id":               one(func(n *networkInterface) string { return n.subnet.id }),
	"vpc-id":                  one(func(n *networkInterface) string { return n.subnet.vpc.id }),
	"availability-zone":       one(func(n *networkInterface) string { return n.subnet.zone.name }),
	"private-ip-address":      one(func(n *networkInterface) string { return n.address.String() }),
	"addresses.private-ip-address": one(func(n *networkInterface) string {
		return n.address.String()
	}),
	"mac-address":       one(func(n *networkInterface) string { return n.mac }),
	"owner-id":          one(func(n *networkInterface) string { return n.accountID() }),
	"description":       one(func(n *networkInterface) string { return n.description }),
	"interface-type":    one(func(*networkInterface) string { return "interface" }),
	"source-dest-check": one(func(n *networkInterface) string { return strconv.FormatBool(n.sourceDestCheck) }),
	"group-id": func(n *networkInterface) []string {
		return groupIDs(n.groups)
	},
}

func groupIDs(groups []*securityGroup) []string {
	ids := make([]string, len(groups))
	for i, group := range groups {
		ids[i] = group.id
	}
	return ids
}

func (r *region) describeNetworkInterfaces(in *describeInterfacesInput) (*describeInterfacesOutput, *apiError) {
	if len(in.NetworkInterfaceId) > 0 && in.MaxResults != nil {
		return nil, combination("The parameter networkInterfaceIds cannot be used with the parameter maxResults")
	}
	absent := func(ids []string) *apiError {
		return fail("InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '%s' does not exist", ids[0])
	}
	found, next, err := list(&r.interfaces, listing[*networkInterface]{
		ids: in.NetworkInterfaceId, absent: absent, filters: in.Filter, fields: interfaceFilters,
		page: in.pageParams, limits: pageLimits{least: 5, most: 1000},
	})
	if err != nil {
		return nil, err
	}
	out := &describeInterfacesOutput{NextToken: next}
	for _, n := range found {
		item := n.item(r)
		item.Zone, item.Tags = n.subnet.zone.name, n.seenTags().items()
		item.Attachment.InstanceID, item.Attachment.InstanceOwnerID = n.instance.id, r.account.id
		out.Interfaces = append(out.Interfaces, item)
	}
	return out, nil
}
