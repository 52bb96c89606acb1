package lab

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"time"
)

var targetGroupActions = map[string]action{
	"CreateTargetGroup":             elb((*region).createTargetGroup),
	"DescribeTargetGroups":          elb((*region).describeTargetGroups),
	"ModifyTargetGroup":             elb((*region).modifyTargetGroup),
	"DeleteTargetGroup":             elb((*region).deleteTargetGroup),
	"DescribeTargetGroupAttributes": elb((*region).describeTargetGroupAttributes),
	"ModifyTargetGroupAttributes":   elb((*region).modifyTargetGroupAttributes),
}

// Types of targets that the lab has.
const (
	targetInstance = "instance"
	targetIP       = "ip"
)

// targetGroup is one target group with its targets.
type targetGroup struct {
	object
	targetGroupSpec
	attributes map[string]string
	targets    []*target
	// usedSince is when a load balancer began to use the group; zero while none does.
	usedSince time.Time
}

// targetGroupSpec is what a group was created as. It is comparable, because creating
// the same again does nothing.
type targetGroupSpec struct {
	name, protocol, version, kind string
	port                          int
	vpc                           *vpc
	health                        healthSettings
}

func (g *targetGroup) application() bool { return application(g.protocol) }

// application tells whether a protocol is one of Application Load Balancers.
func application(protocol string) bool { return protocol == "HTTP" || protocol == "HTTPS" }

// elbName is the form of the names of target groups and load balancers.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
var elbName = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$`)

const maxELBName = 32

func checkELBName(what, name string) *apiError {
	switch {
	case name == "":
		return validation("%s name must be specified", what)
	case len(name) > maxELBName:
		return validation("%s name '%s' cannot be longer than '%d' characters", what, name, maxELBName)
	case !elbName.MatchString(name):
		return validation("%s name '%s' can only contain characters that are alphanumeric characters and hyphens(-), "+
			"and cannot begin or end with a hyphen", what, name)
	}
	return nil
}

type createTargetGroupInput struct {
	Name, Protocol, ProtocolVersion, VpcId, TargetType, IpAddressType string
	Port                                                              *int
	healthParams
	Tags []tagItem
}

type matcherItem struct {
	HTTPCode string `xml:"HttpCode"`
}

// targetGroupItem is one target group in an answer.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroup.html
type targetGroupItem struct {
	ARN             string       `xml:"TargetGroupArn"`
	Name            string       `xml:"TargetGroupName"`
	Protocol        string       `xml:"Protocol"`
	ProtocolVersion string       `xml:"ProtocolVersion,omitempty"`
	Port            int          `xml:"Port"`
	VPCID           string       `xml:"VpcId"`
	HealthProtocol  string       `xml:"HealthCheckProtocol"`
	HealthPort      string       `xml:"HealthCheckPort"`
	HealthEnabled   bool         `xml:"HealthCheckEnabled"`
	Interval        int          `xml:"HealthCheckIntervalSeconds"`
	Timeout         int          `xml:"HealthCheckTimeoutSeconds"`
	Healthy         int          `xml:"HealthyThresholdCount"`
	Unhealthy       int          `xml:"UnhealthyThresholdCount"`
	Path            string       `xml:"HealthCheckPath,omitempty"`
	Matcher         *matcherItem `xml:"Matcher"`
	LoadBalancers   []string     `xml:"LoadBalancerArns"`
	TargetType      string       `xml:"TargetType"`
	IPAddressType   string       `xml:"IpAddressType"`
}

type targetGroupsOutput struct {
	Groups []targetGroupItem `xml:"TargetGroups"`
	Next   string            `xml:"NextMarker,omitempty"`
}

func (r *region) targetGroupItem(g *targetGroup) targetGroupItem {
	item := targetGroupItem{
		ARN: g.id, Name: g.name, Protocol: g.protocol, ProtocolVersion: g.version, Port: g.port, VPCID: g.vpc.id,
		HealthProtocol: g.health.protocol, HealthPort: g.health.port, HealthEnabled: true,
		Interval: g.health.interval, Timeout: g.health.timeout, Healthy: g.health.healthy, Unhealthy: g.health.unhealthy,
		Path: g.health.path, TargetType: g.kind, IPAddressType: "ipv4",
	}
	if g.health.matcher != "" {
		item.Matcher = &matcherItem{HTTPCode: g.health.matcher}
	}
	if used := r.balancerOf(g); used != nil {
		item.LoadBalancers = []string{used.id}
	}
	return item
}

// createTargetGroup makes a group; the same again answers the one that is there.
func (r *region) createTargetGroup(in *createTargetGroupInput) (*targetGroupsOutput, *apiError) {
	spec, err := r.targetGroupSpec(in)
	if err != nil {
		return nil, err
	}
	tags, err := elbTags(in.Tags)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(r.targetGroups.all(), func(g *targetGroup) bool { return g.name == spec.name })
	if at >= 0 {
		before := r.targetGroups.all()[at]
		if before.targetGroupSpec != spec || !maps.Equal(before.tags, tags) {
			return nil, fail("DuplicateTargetGroupName", "A target group with the same name '%s' exists, but with different settings", spec.name)
		}
		return &targetGroupsOutput{Groups: []targetGroupItem{r.targetGroupItem(before)}}, nil
	}
	made := &targetGroup{object: r.elbObject("targetgroup/"+spec.name, tags), targetGroupSpec: spec}
	made.attributes = made.defaults()
	r.targetGroups.put(made)
	return &targetGroupsOutput{Groups: []targetGroupItem{r.targetGroupItem(made)}}, nil
}

func (r *region) targetGroupSpec(in *createTargetGroupInput) (targetGroupSpec, *apiError) {
	spec := targetGroupSpec{
		name: in.Name, protocol: in.Protocol, version: in.ProtocolVersion, kind: cmp.Or(in.TargetType, targetInstance),
		vpc: r.vpcs.get(in.VpcId),
	}
	if err := spec.check(in); err != nil {
		return spec, err
	}
	spec.port = *in.Port
	if spec.application() {
		spec.version = cmp.Or(spec.version, "HTTP1")
	}
	if spec.version != "" && (!spec.application() || !slices.Contains([]string{"HTTP1", "HTTP2"}, spec.version)) {
		return spec, fail("InvalidConfigurationRequest", "Protocol version '%s' is not supported for protocol '%s'", spec.version, spec.protocol)
	}
	var err *apiError
	spec.health, err = defaultHealth(spec.protocol, in.HealthCheckProtocol).with(spec, &in.healthParams)
	return spec, err
}

// check refuses what no group is made of.
func (s targetGroupSpec) check(in *createTargetGroupInput) *apiError {
	if err := checkELBName("Target group", in.Name); err != nil {
		return err
	}
	switch {
	case s.kind != targetInstance && s.kind != targetIP:
		return fail("InvalidConfigurationRequest", "The lab has target groups of instances and of IP addresses, not of type '%s'", s.kind)
	case in.Protocol == "":
		return validation("A protocol must be specified")
	case !slices.Contains([]string{"HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP"}, in.Protocol):
		return fail("InvalidConfigurationRequest", "The lab has no target groups with the protocol '%s'", in.Protocol)
	case in.Port == nil:
		return validation("A port must be specified")
	case !goodPort(*in.Port):
		return badPort(*in.Port)
	case in.VpcId == "":
		return validation("A VPC ID must be specified")
	case s.vpc == nil:
		return validation("The VPC ID '%s' is not found", in.VpcId)
	case in.IpAddressType != "" && in.IpAddressType != "ipv4":
		return fail("InvalidConfigurationRequest", "In the lab the only IP address type of target groups is ipv4")
	}
	return nil
}

func (s targetGroupSpec) application() bool { return application(s.protocol) }

func goodPort(port int) bool { return port >= 1 && port <= 65535 }

func badPort(port int) *apiError {
	return validation("1 validation error detected: Value '%d' at 'port' failed to satisfy constraint: Member must have value between 1 and 65535", port)
}

// targetGroup finds a group by its ARN.
func (r *region) targetGroup(arn string) (*targetGroup, *apiError) {
	if arn == "" {
		return nil, validation("A target group ARN must be specified")
	}
	if !r.isARN(arn, "targetgroup/") {
		return nil, validation("'%s' is not a valid target group ARN", arn)
	}
	found := r.targetGroups.get(arn)
	if found == nil {
		return nil, noTargetGroup()
	}
	return found, nil
}

func noTargetGroup() *apiError {
	return fail("TargetGroupNotFound", "One or more target groups not found")
}

type describeTargetGroupsInput struct {
	LoadBalancerArn        string
	TargetGroupArns, Names []string
	elbPages
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroups.html
func (r *region) describeTargetGroups(in *describeTargetGroupsInput) (*targetGroupsOutput, *apiError) {
	narrowed := 0
	for _, given := range []bool{in.LoadBalancerArn != "", len(in.TargetGroupArns) > 0, len(in.Names) > 0} {
		if given {
			narrowed++
		}
	}
	if narrowed > 1 {
		return nil, validation("Target group ARNs, target group names and a load balancer ARN cannot be specified at the same time")
	}
	if in.LoadBalancerArn != "" {
		if _, err := r.loadBalancer(in.LoadBalancerArn); err != nil {
			return nil, err
		}
	}
	all, err := r.targetGroups.pick(in.TargetGroupArns, func([]string) *apiError { return noTargetGroup() })
	if err != nil {
		return nil, err
	}
	for _, name := range in.Names {
		if !slices.ContainsFunc(all, func(g *targetGroup) bool { return g.name == name }) {
			return nil, noTargetGroup()
		}
	}
	all = slices.DeleteFunc(slices.Clone(all), func(g *targetGroup) bool {
		used := r.balancerOf(g)
		return len(in.Names) > 0 && !slices.Contains(in.Names, g.name) ||
			in.LoadBalancerArn != "" && (used == nil || used.id != in.LoadBalancerArn)
	})
	some, next, err := elbPage(all, in.elbPages)
	if err != nil {
		return nil, err
	}
	out := &targetGroupsOutput{Next: next}
	for _, g := range some {
		out.Groups = append(out.Groups, r.targetGroupItem(g))
	}
	return out, nil
}

type targetGroupInput struct{ TargetGroupArn string }

// deleteTargetGroup deletes a group that no load balancer uses. One that is not there
// is no error.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteTargetGroup.html
func (r *region) deleteTargetGroup(in *targetGroupInput) (*nothing, *apiError) {
	found, err := r.targetGroup(in.TargetGroupArn)
	if err != nil {
		if err.code == noTargetGroup().code {
			return &nothing{}, nil
		}
		return nil, err
	}
	if r.balancerOf(found) != nil {
		return nil, fail("ResourceInUse", "Target group '%s' is currently in use by a listener or a rule", found.id)
	}
	r.targetGroups.remove(found.id)
	return &nothing{}, nil
}
