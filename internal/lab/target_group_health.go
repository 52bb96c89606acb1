package lab

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
)

// healthSettings are how a group's targets are checked.
type healthSettings struct {
	protocol, port, path, matcher string
	// interval and timeout are in seconds, healthy and unhealthy in checks.
	interval, timeout, healthy, unhealthy int
}

// trafficPort is the health check port that means each target's own.
const trafficPort = "traffic-port"

type matcherParam struct{ HttpCode, GrpcCode string }

// healthParams are the settings in a request.
type healthParams struct {
	HealthCheckProtocol, HealthCheckPort, HealthCheckPath string
	HealthCheckEnabled                                    *bool
	HealthCheckIntervalSeconds, HealthCheckTimeoutSeconds *int
	HealthyThresholdCount, UnhealthyThresholdCount        *int
	Matcher                                               *matcherParam
}

// defaultHealth are the settings of a group for which none are asked, except perhaps
// the protocol of the checks.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
func defaultHealth(protocol, checks string) healthSettings {
	settings := healthSettings{port: trafficPort, interval: 30, healthy: 5, unhealthy: 2, timeout: 10}
	switch {
	case application(protocol):
		settings.protocol, settings.timeout = "HTTP", 5
	case checks == "HTTP":
		settings.protocol, settings.timeout = "TCP", 6
	default:
		settings.protocol = "TCP"
	}
	return settings
}

// with returns the settings with a request's over them, checked.
func (s healthSettings) with(of targetGroupSpec, asked *healthParams) (healthSettings, *apiError) {
	if asked.HealthCheckEnabled != nil && !*asked.HealthCheckEnabled {
		return s, validation("Health check enabled must be true for target groups with target type '%s'", of.kind)
	}
	s.protocol = cmp.Or(asked.HealthCheckProtocol, s.protocol)
	switch {
	case s.protocol != "TCP" && !application(s.protocol):
		return s, validation("Health check protocol '%s' is not supported", s.protocol)
	case s.protocol == "TCP" && of.application():
		return s, fail("InvalidConfigurationRequest",
			"Health check protocol 'TCP' is not supported for target groups with the protocol '%s'", of.protocol)
	}
	s.port = cmp.Or(asked.HealthCheckPort, s.port)
	if number, bad := strconv.Atoi(s.port); s.port != trafficPort && (bad != nil || !goodPort(number)) {
		return s, validation("Health check port '%s' must be '%s' or in the range 1-65535", s.port, trafficPort)
	}
	if err := s.times(of, asked); err != nil {
		return s, err
	}
	return s.request(of, asked)
}

func (s *healthSettings) times(of targetGroupSpec, asked *healthParams) *apiError {
	for _, number := range []struct {
		name        string
		into, value *int
		least, most int
	}{
		{"healthCheckIntervalSeconds", &s.interval, asked.HealthCheckIntervalSeconds, 5, 300},
		{"healthCheckTimeoutSeconds", &s.timeout, asked.HealthCheckTimeoutSeconds, 2, 120},
		{"healthyThresholdCount", &s.healthy, asked.HealthyThresholdCount, 2, 10},
		{"unhealthyThresholdCount", &s.unhealthy, asked.UnhealthyThresholdCount, 2, 10},
	} {
		if number.value == nil {
			continue
		}
		if *number.value < number.least || *number.value > number.most {
			return validation("1 validation error detected: Value '%d' at '%s' failed to satisfy constraint: "+
				"Member must have value between %d and %d", *number.value, number.name, number.least, number.most)
		}
		*number.into = *number.value
	}
	switch {
	case of.application() && s.timeout >= s.interval:
		return validation("Health check timeout '%d' must be smaller than the interval '%d'", s.timeout, s.interval)
	case s.timeout > s.interval:
		return validation("Health check timeout '%d' must be smaller than or equal to the interval '%d'", s.timeout, s.interval)
	}
	return nil
}

// request sets path and matcher, which only HTTP checks have.
func (s healthSettings) request(of targetGroupSpec, asked *healthParams) (healthSettings, *apiError) {
	if !application(s.protocol) {
		if asked.HealthCheckPath != "" || asked.Matcher != nil {
			return s, fail("InvalidConfigurationRequest", "Health check path and matcher are not supported for health checks with the protocol '%s'", s.protocol)
		}
		s.path, s.matcher = "", ""
		return s, nil
	}
	s.path = cmp.Or(asked.HealthCheckPath, s.path, "/")
	if !strings.HasPrefix(s.path, "/") || len(s.path) > 1024 {
		return s, validation("Health check path '%s' must begin with a '/' character", s.path)
	}
	usual, most := "200", 499
	if !of.application() {
		usual, most = "200-399", 599
	}
	if s.matcher = cmp.Or(s.matcher, usual); asked.Matcher == nil {
		return s, nil
	}
	if asked.Matcher.GrpcCode != "" {
		return s, fail("InvalidConfigurationRequest", "gRPC codes are for target groups with the protocol version GRPC")
	}
	s.matcher = cmp.Or(asked.Matcher.HttpCode, s.matcher)
	if !goodMatcher(s.matcher, most) {
		return s, validation("Health check matcher HTTP code '%s' must be within '200-%d' inclusive", s.matcher, most)
	}
	return s, nil
}

var matcherForm = regexp.MustCompile(`^[0-9]{3}(?:-[0-9]{3})?(?:,[0-9]{3}(?:-[0-9]{3})?)*$`)

func goodMatcher(matcher string, most int) bool {
	if !matcherForm.MatchString(matcher) {
		return false
	}
	for _, part := range strings.Split(matcher, ",") {
		low, high := codeRange(part)
		if low < 200 || high > most || low > high {
			return false
		}
	}
	return true
}

// matches tells whether a status code is one of "200,202" or "200-299".
func (s healthSettings) matches(status int) bool {
	for _, part := range strings.Split(s.matcher, ",") {
		if low, high := codeRange(part); status >= low && status <= high {
			return true
		}
	}
	return false
}

// codeRange reads a part that has matcherForm.
func codeRange(part string) (low, high int) {
	first, last, found := strings.Cut(part, "-")
	low, _ = strconv.Atoi(first)
	if !found {
		return low, low
	}
	high, _ = strconv.Atoi(last)
	return low, high
}

type modifyTargetGroupInput struct {
	TargetGroupArn string
	healthParams
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyTargetGroup.html
func (r *region) modifyTargetGroup(in *modifyTargetGroupInput) (*targetGroupsOutput, *apiError) {
	found, err := r.targetGroup(in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	settings, err := found.health.with(found.targetGroupSpec, &in.healthParams)
	if err != nil {
		return nil, err
	}
	found.health = settings
	return &targetGroupsOutput{Groups: []targetGroupItem{r.targetGroupItem(found)}}, nil
}
