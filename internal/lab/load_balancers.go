package lab

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

var loadBalancerActions = map[string]action{
	"CreateLoadBalancer":             elb((*region).createLoadBalancer),
	"DescribeLoadBalancers":          elb((*region).describeLoadBalancers),
	"DeleteLoadBalancer":             elb((*region).deleteLoadBalancer),
	"DescribeLoadBalancerAttributes": elb((*region).describeLoadBalancerAttributes),
	"ModifyLoadBalancerAttributes":   elb((*region).modifyLoadBalancerAttributes),
}

// loadBalancer is one load balancer. No request ever passes through it; it is there
// so that target groups are in use.
type loadBalancer struct {
	object
	loadBalancerSpec
	// zones are its subnets, one in each zone.
	zones      []*subnet
	attributes map[string]string
	created    time.Time
	// activeAt is when it is provisioned.
	activeAt time.Time
}

// loadBalancerSpec is what it was created as, in a form that can be compared. subnets
// and groups are lists of ids.
type loadBalancerSpec struct{ name, kind, scheme, subnets, groups string }

// Types of load balancers that the lab has.
const (
	balancerApplication = "application"
	balancerNetwork     = "network"
	internetFacing      = "internet-facing"
	comma               = ","
)

// serves tells whether the balancer is in the zone.
func (b *loadBalancer) serves(at zone) bool {
	return slices.ContainsFunc(b.zones, func(s *subnet) bool { return s.zone == at })
}

type subnetMappingParam struct{ SubnetId string }

type createLoadBalancerInput struct {
	Name, Scheme, Type, IpAddressType string
	Subnets, SecurityGroups           []string
	SubnetMappings                    []subnetMappingParam
	Tags                              []tagItem
}

type balancerStateItem struct {
	Code string `xml:"Code"`
}

type balancerZoneItem struct {
	Zone      string   `xml:"ZoneName"`
	SubnetID  string   `xml:"SubnetId"`
	Addresses []string `xml:"LoadBalancerAddresses"`
}

// loadBalancerItem is one load balancer in an answer.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancer.html
type loadBalancerItem struct {
	ARN           string             `xml:"LoadBalancerArn"`
	DNSName       string             `xml:"DNSName"`
	HostedZone    string             `xml:"CanonicalHostedZoneId"`
	Created       time.Time          `xml:"CreatedTime"`
	Name          string             `xml:"LoadBalancerName"`
	Scheme        string             `xml:"Scheme"`
	VPCID         string             `xml:"VpcId"`
	State         balancerStateItem  `xml:"State"`
	Type          string             `xml:"Type"`
	Zones         []balancerZoneItem `xml:"AvailabilityZones"`
	Groups        []string           `xml:"SecurityGroups,omitempty"`
	IPAddressType string             `xml:"IpAddressType"`
}

type loadBalancersOutput struct {
	Balancers []loadBalancerItem `xml:"LoadBalancers"`
	Next      string             `xml:"NextMarker,omitempty"`
}

func (r *region) loadBalancerItem(b *loadBalancer) loadBalancerItem {
	last := b.id[strings.LastIndex(b.id, "/")+1:]
	item := loadBalancerItem{
		ARN: b.id, DNSName: strings.ToLower(b.name) + "-" + last + ".elb." + r.name + ".amazonaws.com", HostedZone: "Z35SXDOTRQ7X7K",
		Created: b.created, Name: b.name, Scheme: b.scheme, VPCID: b.zones[0].vpc.id, Type: b.kind, IPAddressType: "ipv4",
		State: balancerStateItem{Code: onOff(r.now().Before(b.activeAt), "provisioning", "active")},
	}
	if b.groups != "" {
		item.Groups = strings.Split(b.groups, comma)
	}
	for _, s := range b.zones {
		item.Zones = append(item.Zones, balancerZoneItem{Zone: s.zone.name, SubnetID: s.id})
	}
	return item
}

// provisioning is how many seconds a new load balancer is not yet active: some
// minutes, of which AWS says no number.
const provisioning = 120

// createLoadBalancer makes a load balancer; the same again answers the one that is
// there.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html
func (r *region) createLoadBalancer(in *createLoadBalancerInput) (*loadBalancersOutput, *apiError) {
	spec, zones, err := r.loadBalancerSpec(in)
	if err != nil {
		return nil, err
	}
	tags, err := elbTags(in.Tags)
	if err != nil {
		return nil, err
	}
	if before := r.balancerNamed(spec.name); before != nil {
		if before.loadBalancerSpec != spec || !maps.Equal(before.tags, tags) {
			return nil, fail("DuplicateLoadBalancerName", "A load balancer with the same name '%s' exists, but with different settings", spec.name)
		}
		return &loadBalancersOutput{Balancers: []loadBalancerItem{r.loadBalancerItem(before)}}, nil
	}
	now := r.now()
	path := onOff(spec.kind == balancerNetwork, "loadbalancer/net/", "loadbalancer/app/") + spec.name
	made := &loadBalancer{
		object: r.elbObject(path, tags), loadBalancerSpec: spec, zones: zones, created: now,
		activeAt: now.Add(r.lapse(provisioning)),
	}
	made.attributes = standards(made.known())
	r.balancers.put(made)
	return &loadBalancersOutput{Balancers: []loadBalancerItem{r.loadBalancerItem(made)}}, nil
}

func (r *region) balancerNamed(name string) *loadBalancer {
	at := slices.IndexFunc(r.balancers.all(), func(b *loadBalancer) bool { return b.name == name })
	if at < 0 {
		return nil
	}
	return r.balancers.all()[at]
}

func (r *region) loadBalancerSpec(in *createLoadBalancerInput) (loadBalancerSpec, []*subnet, *apiError) {
	spec := loadBalancerSpec{name: in.Name, kind: cmp.Or(in.Type, balancerApplication), scheme: cmp.Or(in.Scheme, internetFacing)}
	if err := checkELBName("Load balancer", in.Name); err != nil {
		return spec, nil, err
	}
	switch {
	case strings.HasPrefix(in.Name, "internal-"):
		return spec, nil, validation("Load balancer name '%s' cannot begin with 'internal-'", in.Name)
	case spec.kind != balancerApplication && spec.kind != balancerNetwork:
		return spec, nil, fail("InvalidConfigurationRequest", "The lab has application and network load balancers, not of type '%s'", spec.kind)
	case spec.scheme != internetFacing && spec.scheme != "internal":
		return spec, nil, fail("InvalidScheme", "The scheme '%s' is not valid", spec.scheme)
	case in.IpAddressType != "" && in.IpAddressType != "ipv4":
		return spec, nil, fail("InvalidConfigurationRequest", "In the lab the only IP address type of load balancers is ipv4")
	}
	zones, err := r.balancerZones(in, spec.kind)
	if err != nil {
		return spec, nil, err
	}
	ids := make([]string, len(zones))
	for at, s := range zones {
		ids[at] = s.id
	}
	spec.subnets = strings.Join(ids, comma)
	spec.groups, err = r.balancerGroups(in.SecurityGroups, zones[0].vpc, spec.kind)
	return spec, zones, err
}

func (r *region) balancerZones(in *createLoadBalancerInput, kind string) ([]*subnet, *apiError) {
	ids := slices.Clone(in.Subnets)
	if len(in.Subnets) > 0 && len(in.SubnetMappings) > 0 {
		return nil, validation("Both subnets and subnet mappings cannot be specified")
	}
	for _, mapping := range in.SubnetMappings {
		ids = append(ids, mapping.SubnetId)
	}
	var zones []*subnet
	for _, id := range ids {
		found := r.subnets.get(id)
		if found == nil {
			return nil, fail("SubnetNotFound", "The subnet ID '%s' does not exist", id)
		}
		if slices.ContainsFunc(zones, func(s *subnet) bool { return s.zone == found.zone }) {
			return nil, fail("InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in the same Availability Zone")
		}
		zones = append(zones, found)
	}
	switch {
	case len(zones) == 0:
		return nil, validation("At least one subnet must be specified")
	case kind == balancerApplication && len(zones) < 2:
		return nil, validation("At least two subnets in two different Availability Zones must be specified")
	}
	slices.SortFunc(zones, func(a, b *subnet) int { return a.seq - b.seq })
	return zones, nil
}

// balancerGroups finds security groups; an application load balancer without any gets
// the default one.
func (r *region) balancerGroups(ids []string, home *vpc, kind string) (string, *apiError) {
	if kind == balancerNetwork && len(ids) == 0 {
		return "", nil
	}
	groups, err := r.groupsOf(ids, nil, home)
	if err != nil {
		return "", fail("InvalidSecurityGroup", "%s", err.message)
	}
	return strings.Join(groupIDs(groups), comma), nil
}

// loadBalancer finds a load balancer by its ARN.
func (r *region) loadBalancer(arn string) (*loadBalancer, *apiError) {
	if !r.isARN(arn, "loadbalancer/") {
		return nil, validation("'%s' is not a valid load balancer ARN", arn)
	}
	found := r.balancers.get(arn)
	if found == nil {
		return nil, noBalancer([]string{arn})
	}
	return found, nil
}

func noBalancer(arns []string) *apiError {
	return fail("LoadBalancerNotFound", "One or more load balancers not found: '[%s]'", joinIDs(arns))
}

type describeLoadBalancersInput struct {
	LoadBalancerArns, Names []string
	elbPages
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancers.html
func (r *region) describeLoadBalancers(in *describeLoadBalancersInput) (*loadBalancersOutput, *apiError) {
	switch {
	case len(in.LoadBalancerArns) > 0 && len(in.Names) > 0:
		return nil, validation("Load balancer ARNs and load balancer names cannot be specified at the same time")
	case len(in.LoadBalancerArns) > maxELBTagged || len(in.Names) > maxELBTagged:
		return nil, validation("At most %d load balancers can be specified", maxELBTagged)
	}
	all, err := r.balancers.pick(in.LoadBalancerArns, noBalancer)
	if err != nil {
		return nil, err
	}
	for _, name := range in.Names {
		if r.balancerNamed(name) == nil {
			return nil, noBalancer([]string{name})
		}
	}
	all = slices.DeleteFunc(slices.Clone(all), func(b *loadBalancer) bool {
		return len(in.Names) > 0 && !slices.Contains(in.Names, b.name)
	})
	some, next, err := elbPage(all, in.elbPages)
	if err != nil {
		return nil, err
	}
	out := &loadBalancersOutput{Next: next}
	for _, b := range some {
		out.Balancers = append(out.Balancers, r.loadBalancerItem(b))
	}
	return out, nil
}

type loadBalancerInput struct{ LoadBalancerArn string }

// deleteLoadBalancer deletes a load balancer with its listeners. One that is not
// there is no error.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html
func (r *region) deleteLoadBalancer(in *loadBalancerInput) (*nothing, *apiError) {
	if !r.isARN(in.LoadBalancerArn, "loadbalancer/") {
		return nil, validation("'%s' is not a valid load balancer ARN", in.LoadBalancerArn)
	}
	found := r.balancers.get(in.LoadBalancerArn)
	if found == nil {
		return &nothing{}, nil
	}
	if found.attributes[protectionAttribute] == "true" {
		return nil, fail("OperationNotPermitted", "Load balancer '%s' cannot be deleted because deletion protection is enabled", found.id)
	}
	var listeners []string
	for _, l := range r.listeners.all() {
		if l.of == found {
			listeners = append(listeners, l.id)
		}
	}
	r.listeners.remove(listeners...)
	r.balancers.remove(found.id)
	r.markUse()
	return &nothing{}, nil
}

const protectionAttribute = "deletion_protection.enabled"

// Attributes of load balancers, of both types and of application load balancers. Logs
// cannot be turned on: the lab has no S3.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
var (
	balancerAttributes = []elbAttribute{
		{protectionAttribute, "false", trueOrFalse},
		{"access_logs.s3.enabled", "false", anyOf("false")},
		{"access_logs.s3.bucket", "", anything},
		{"access_logs.s3.prefix", "", anything},
		{"ipv6.deny_all_igw_traffic", "false", trueOrFalse},
		{"zonal_shift.config.enabled", "false", trueOrFalse},
	}
	applicationAttributes = []elbAttribute{
		{"load_balancing.cross_zone.enabled", "true", anyOf("true")},
		{"idle_timeout.timeout_seconds", "60", numberIn(1, 4000)},
		{"client_keep_alive.seconds", "3600", numberIn(60, week)},
		{"connection_logs.s3.enabled", "false", anyOf("false")},
		{"connection_logs.s3.bucket", "", anything},
		{"connection_logs.s3.prefix", "", anything},
		{"routing.http.desync_mitigation_mode", "defensive", anyOf("monitor", "defensive", "strictest")},
		{"routing.http.drop_invalid_header_fields.enabled", "false", trueOrFalse},
		{"routing.http.preserve_host_header.enabled", "false", trueOrFalse},
		{"routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false", trueOrFalse},
		{"routing.http.xff_client_port.enabled", "false", trueOrFalse},
		{"routing.http.xff_header_processing.mode", "append", anyOf("append", "preserve", "remove")},
		{"routing.http2.enabled", "true", trueOrFalse},
		{"waf.fail_open.enabled", "false", trueOrFalse},
	}
	networkAttributes = []elbAttribute{
		{"load_balancing.cross_zone.enabled", "false", trueOrFalse},
		{"dns_record.client_routing_policy", "any_availability_zone", anyOf(
			"any_availability_zone", "availability_zone_affinity", "partial_availability_zone_affinity")},
	}
)

func (b *loadBalancer) known() []elbAttribute {
	if b.kind == balancerNetwork {
		return slices.Concat(balancerAttributes, networkAttributes)
	}
	return slices.Concat(balancerAttributes, applicationAttributes)
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancerAttributes.html
func (r *region) describeLoadBalancerAttributes(in *loadBalancerInput) (*attributesOutput, *apiError) {
	found, err := r.loadBalancer(in.LoadBalancerArn)
	if err != nil {
		return nil, err
	}
	return &attributesOutput{Attributes: attributeItems(found.attributes)}, nil
}

type modifyBalancerAttributesInput struct {
	LoadBalancerArn string
	Attributes      []attributeItem
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyLoadBalancerAttributes.html
func (r *region) modifyLoadBalancerAttributes(in *modifyBalancerAttributesInput) (*attributesOutput, *apiError) {
	found, err := r.loadBalancer(in.LoadBalancerArn)
	if err != nil {
		return nil, err
	}
	values, err := changed(found.attributes, found.known(), in.Attributes)
	if err != nil {
		return nil, err
	}
	found.attributes = values
	return &attributesOutput{Attributes: attributeItems(found.attributes)}, nil
}
