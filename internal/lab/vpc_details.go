package lab

import "strconv"

var vpcDetailActions = map[string]action{
	"DescribeVpcAttribute":     of((*region).describeVpcAttribute),
	"DescribeRouteTables":      of((*region).describeRouteTables),
	"DescribeInternetGateways": of((*region).describeInternetGateways),
}

type vpcAttributeInput struct{ VpcId, Attribute string }

type vpcAttributeOutput struct {
	VPCID     string     `xml:"vpcId"`
	Hostnames *boolValue `xml:"enableDnsHostnames"`
	Support   *boolValue `xml:"enableDnsSupport"`
	Usage     *boolValue `xml:"enableNetworkAddressUsageMetrics"`
}

func noVPC(ids []string) *apiError {
	return fail("InvalidVpcID.NotFound", "The vpc ID '%s' does not exist", ids[0])
}

// describeVpcAttribute answers what a default VPC has: names for its instances.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcAttribute.html
// https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html#vpc-dns-support
func (r *region) describeVpcAttribute(in *vpcAttributeInput) (*vpcAttributeOutput, *apiError) {
	switch {
	case in.VpcId == "":
		return nil, missing("VpcId")
	case in.Attribute == "":
		return nil, missing("Attribute")
	case r.vpcs.get(in.VpcId) == nil:
		return nil, noVPC([]string{in.VpcId})
	}
	out := &vpcAttributeOutput{VPCID: in.VpcId}
	switch in.Attribute {
	case "enableDnsHostnames":
		out.Hostnames = &boolValue{true}
	case "enableDnsSupport":
		out.Support = &boolValue{true}
	case "enableNetworkAddressUsageMetrics":
		out.Usage = &boolValue{false}
	default:
		return nil, invalid("Value (%s) for parameter attribute is invalid. Unknown attribute.", in.Attribute)
	}
	return out, nil
}

// routeTable is the main route table of a VPC: its own addresses stay inside, all
// others go to the internet gateway.
// https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
type routeTable struct {
	object
	vpc         *vpc
	association string
	gateway     *internetGateway
}

type internetGateway struct {
	object
	vpc *vpc
}

// connect gives a default VPC what connects it.
func (r *region) connect(home *vpc) {
	gateway := &internetGateway{object: r.object("igw", tagMap{}), vpc: home}
	r.gateways.put(gateway)
	r.routeTables.put(&routeTable{object: r.object("rtb", tagMap{}), vpc: home, association: r.ids.make("rtbassoc"), gateway: gateway})
}

type routeItem struct {
	Destination string `xml:"destinationCidrBlock"`
	Gateway     string `xml:"gatewayId"`
	State       string `xml:"state"`
	Origin      string `xml:"origin"`
}

type routeAssociationItem struct {
	ID      string    `xml:"routeTableAssociationId"`
	TableID string    `xml:"routeTableId"`
	Main    bool      `xml:"main"`
	State   cidrState `xml:"associationState"`
}

type routeTableItem struct {
	ID           string                 `xml:"routeTableId"`
	VPCID        string                 `xml:"vpcId"`
	OwnerID      string                 `xml:"ownerId"`
	Routes       []routeItem            `xml:"routeSet"`
	Associations []routeAssociationItem `xml:"associationSet"`
	Propagating  []string               `xml:"propagatingVgwSet"`
	Tags         []tagItem              `xml:"tagSet"`
}

type describeRouteTablesInput struct {
	RouteTableId []string
	Filter       []filterParam
	pageParams
}

type describeRouteTablesOutput struct {
	Tables    []routeTableItem `xml:"routeTableSet"`
	NextToken string           `xml:"nextToken,omitempty"`
}

// Subnets have no table of their own, and those that have the main one by implication
// are not named.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeRouteTables.html
var routeTableFilters = filterable[*routeTable]{
	"route-table-id":        one(func(t *routeTable) string { return t.id }),
	"vpc-id":                one(func(t *routeTable) string { return t.vpc.id }),
	"owner-id":              one(func(t *routeTable) string { return t.accountID() }),
	"association.main":      one(func(*routeTable) string { return strconv.FormatBool(true) }),
	"association.subnet-id": func(*routeTable) []string { return nil },
	"association.route-table-association-id": one(func(t *routeTable) string {
		return t.association
	}),
	"association.route-table-id": one(func(t *routeTable) string { return t.id }),
	"route.gateway-id":           func(t *routeTable) []string { return []string{"local", t.gateway.id} },
}

func (r *region) describeRouteTables(in *describeRouteTablesInput) (*describeRouteTablesOutput, *apiError) {
	absent := func(ids []string) *apiError {
		return fail("InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist", ids[0])
	}
	found, next, err := list(&r.routeTables, listing[*routeTable]{
		ids: in.RouteTableId, absent: absent, filters: in.Filter, fields: routeTableFilters,
		page: in.pageParams, limits: pageLimits{least: 5, most: 100},
	})
	if err != nil {
		return nil, err
	}
	out := &describeRouteTablesOutput{NextToken: next}
	for _, t := range found {
		out.Tables = append(out.Tables, routeTableItem{
			ID: t.id, VPCID: t.vpc.id, OwnerID: r.account.id, Tags: t.seenTags().items(),
			Routes: []routeItem{
				{Destination: t.vpc.cidr.String(), Gateway: "local", State: "active", Origin: "CreateRouteTable"},
				{Destination: "0.0.0.0/0", Gateway: t.gateway.id, State: "active", Origin: "CreateRoute"},
			},
			Associations: []routeAssociationItem{{ID: t.association, TableID: t.id, Main: true, State: cidrState{State: "associated"}}},
		})
	}
	return out, nil
}

type gatewayAttachment struct {
	VPCID string `xml:"vpcId"`
	State string `xml:"state"`
}

type gatewayItem struct {
	ID          string              `xml:"internetGatewayId"`
	OwnerID     string              `xml:"ownerId"`
	Attachments []gatewayAttachment `xml:"attachmentSet"`
	Tags        []tagItem           `xml:"tagSet"`
}

type describeGatewaysInput struct {
	InternetGatewayId []string
	Filter            []filterParam
	pageParams
}

type describeGatewaysOutput struct {
	Gateways  []gatewayItem `xml:"internetGatewaySet"`
	NextToken string        `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInternetGateways.html
var gatewayFilters = filterable[*internetGateway]{
	"internet-gateway-id": one(func(g *internetGateway) string { return g.id }),
	"attachment.vpc-id":   one(func(g *internetGateway) string { return g.vpc.id }),
	"attachment.state":    one(func(*internetGateway) string { return "available" }),
	"owner-id":            one(func(g *internetGateway) string { return g.accountID() }),
}

func (r *region) describeInternetGateways(in *describeGatewaysInput) (*describeGatewaysOutput, *apiError) {
	absent := func(ids []string) *apiError {
		return fail("InvalidInternetGatewayID.NotFound", "The internetGateway ID '%s' does not exist", ids[0])
	}
	found, next, err := list(&r.gateways, listing[*internetGateway]{
		ids: in.InternetGatewayId, absent: absent, filters: in.Filter, fields: gatewayFilters,
		page: in.pageParams, limits: pageLimits{least: 5, most: 1000},
	})
	if err != nil {
		return nil, err
	}
	out := &describeGatewaysOutput{NextToken: next}
	for _, g := range found {
		out.Gateways = append(out.Gateways, gatewayItem{
			ID: g.id, OwnerID: r.account.id, Tags: g.seenTags().items(), Attachments: []gatewayAttachment{{VPCID: g.vpc.id, State: "available"}},
		})
	}
	return out, nil
}
