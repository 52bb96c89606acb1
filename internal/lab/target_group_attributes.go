package lab

import (
	"maps"
	"slices"
	"strconv"
)

// drainAttribute is how long a deregistered target is draining, in seconds.
const drainAttribute = "deregistration_delay.timeout_seconds"

// elbAttribute is one attribute: its default and what it may be.
type elbAttribute struct {
	key, standard string
	takes         func(value string) bool
}

func anyOf(values ...string) func(string) bool {
	return func(value string) bool { return slices.Contains(values, value) }
}

func numberIn(least, most int, others ...string) func(string) bool {
	return func(value string) bool {
		number, err := strconv.Atoi(value)
		return slices.Contains(others, value) || err == nil && number >= least && number <= most
	}
}

func anything(string) bool { return true }

var trueOrFalse = anyOf("true", "false")

const week = 7 * 24 * 60 * 60

// Attributes of target groups, of all of them, of those of Application Load Balancers
// and of those of Network Load Balancers.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
var (
	groupAttributes = []elbAttribute{
		{drainAttribute, "300", numberIn(0, 3600)},
		{"stickiness.enabled", "false", trueOrFalse},
		{"load_balancing.cross_zone.enabled", "use_load_balancer_configuration", anyOf("true", "false", "use_load_balancer_configuration")},
		{"target_group_health.dns_failover.minimum_healthy_targets.count", "1", numberIn(1, 1000, "off")},
		{"target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", numberIn(1, 100, "off")},
		{"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1", numberIn(1, 1000)},
		{"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off", numberIn(1, 100, "off")},
	}
	applicationGroupAttributes = []elbAttribute{
		{"stickiness.type", "lb_cookie", anyOf("lb_cookie", "app_cookie")},
		{"stickiness.lb_cookie.duration_seconds", "86400", numberIn(1, week)},
		{"stickiness.app_cookie.cookie_name", "", anything},
		{"stickiness.app_cookie.duration_seconds", "86400", numberIn(1, week)},
		{"slow_start.duration_seconds", "0", numberIn(30, 900, "0")},
		{"load_balancing.algorithm.type", "round_robin", anyOf("round_robin", "least_outstanding_requests", "weighted_random")},
		{"load_balancing.algorithm.anomaly_mitigation", "off", anyOf("on", "off")},
	}
	networkGroupAttributes = []elbAttribute{
		{"stickiness.type", "source_ip", anyOf("source_ip")},
		{"deregistration_delay.connection_termination.enabled", "false", trueOrFalse},
		{"preserve_client_ip.enabled", "true", trueOrFalse},
		{"proxy_protocol_v2.enabled", "false", trueOrFalse},
		{"target_health_state.unhealthy.connection_termination.enabled", "true", trueOrFalse},
		{"target_health_state.unhealthy.draining_interval_seconds", "0", numberIn(0, 360000)},
	}
)

// standards are the defaults of attributes.
func standards(known []elbAttribute) map[string]string {
	values := map[string]string{}
	for _, attribute := range known {
		values[attribute.key] = attribute.standard
	}
	return values
}

func (g *targetGroup) known() []elbAttribute {
	if g.application() {
		return slices.Concat(groupAttributes, applicationGroupAttributes)
	}
	return slices.Concat(groupAttributes, networkGroupAttributes)
}

// defaults are the attributes of a new group.
func (g *targetGroup) defaults() map[string]string {
	values := standards(g.known())
	if g.protocol == "UDP" || g.protocol == "TCP_UDP" {
		values["deregistration_delay.connection_termination.enabled"] = "true"
	}
	if g.kind == targetIP && (g.protocol == "TCP" || g.protocol == "TLS") {
		values["preserve_client_ip.enabled"] = "false"
	}
	return values
}

// number reads an attribute that takes only numbers.
func (g *targetGroup) number(key string) int {
	number, _ := strconv.Atoi(g.attributes[key])
	return number
}

type attributeItem struct {
	Key   string `xml:"Key"`
	Value string `xml:"Value"`
}

type attributesOutput struct {
	Attributes []attributeItem `xml:"Attributes"`
}

func attributeItems(values map[string]string) []attributeItem {
	var items []attributeItem
	for _, key := range slices.Sorted(maps.Keys(values)) {
		items = append(items, attributeItem{Key: key, Value: values[key]})
	}
	return items
}

// changed returns attributes with a request's over them, all or none.
func changed(values map[string]string, known []elbAttribute, asked []attributeItem) (map[string]string, *apiError) {
	if len(asked) == 0 {
		return nil, validation("At least one attribute must be specified")
	}
	values = maps.Clone(values)
	for _, attribute := range asked {
		at := slices.IndexFunc(known, func(a elbAttribute) bool { return a.key == attribute.Key })
		switch {
		case at < 0:
			return nil, fail("InvalidConfigurationRequest", "Attribute key '%s' is not recognized", attribute.Key)
		case !known[at].takes(attribute.Value):
			return nil, fail("InvalidConfigurationRequest", "The provided value '%s' for attribute '%s' is not valid", attribute.Value, attribute.Key)
		}
		values[attribute.Key] = attribute.Value
	}
	return values, nil
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroupAttributes.html
func (r *region) describeTargetGroupAttributes(in *targetGroupInput) (*attributesOutput, *apiError) {
	found, err := r.targetGroup(in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	return &attributesOutput{Attributes: attributeItems(found.attributes)}, nil
}

type modifyGroupAttributesInput struct {
	TargetGroupArn string
	Attributes     []attributeItem
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyTargetGroupAttributes.html
func (r *region) modifyTargetGroupAttributes(in *modifyGroupAttributesInput) (*attributesOutput, *apiError) {
	found, err := r.targetGroup(in.TargetGroupArn)
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
