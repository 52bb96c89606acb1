package lab

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// TargetGroupState is one target group.
type TargetGroupState struct {
	Name     string `json:"name"`
	Region   string `json:"region"`
	Account  string `json:"account,omitempty"`
	Protocol string `json:"protocol"`
	Port     int    `json:"port"`
	// Balancer is the name of the load balancer that uses it; empty while none does.
	Balancer string        `json:"balancer,omitempty"`
	Targets  []TargetState `json:"targets"`
}

// TargetState is one target, as DescribeTargetHealth tells of it.
type TargetState struct {
	ID   string `json:"id"`
	Port int    `json:"port"`
	// Instance is the instance that answers for it; empty for an address of none.
	Instance string `json:"instance,omitempty"`
	// State is "healthy", "unhealthy" and so on; Reason and Description say why.
	State       string `json:"state"`
	Reason      string `json:"reason,omitempty"`
	Description string `json:"description,omitempty"`
}

// ParameterState is one SSM parameter.
type ParameterState struct {
	Name    string `json:"name"`
	Region  string `json:"region"`
	Account string `json:"account,omitempty"`
	// Value is left out of a SecureString.
	Value    string    `json:"value,omitempty"`
	Type     string    `json:"type"`
	Version  int       `json:"version"`
	Modified time.Time `json:"modified"`
}

// addServices adds what other services than EC2 have.
func (r *region) addServices(state *State, now time.Time) {
	for _, g := range r.targetGroups.all() {
		state.TargetGroups = append(state.TargetGroups, r.targetGroupForPage(g, now))
	}
	for _, name := range slices.Sorted(maps.Keys(r.parameters)) {
		p := r.parameters[name]
		if p.public {
			continue
		}
		latest := p.latest()
		state.Parameters = append(state.Parameters, ParameterState{
			Name: p.name, Region: r.name, Account: r.account.foreignID(), Value: onOff(latest.kind == secureString, "", latest.value),
			Type: latest.kind, Version: latest.number, Modified: latest.modified,
		})
	}
}

func (r *region) targetGroupForPage(g *targetGroup, now time.Time) TargetGroupState {
	r.forgetTargets(g)
	shown := TargetGroupState{
		Name: g.name, Region: r.name, Account: r.account.foreignID(), Protocol: g.protocol, Port: g.port, Targets: []TargetState{},
	}
	if used := r.balancerOf(g); used != nil {
		shown.Balancer = used.name
	}
	for _, t := range g.targets {
		health := r.health(t, now)
		one := TargetState{ID: t.id, Port: t.port, State: health.State, Reason: health.Reason, Description: health.Description}
		if behind := r.behind(t); behind != nil {
			one.Instance = behind.id
		}
		shown.Targets = append(shown.Targets, one)
	}
	return shown
}

// failedCommand is the comment of the newest command in an instance, if that has
// failed.
func (i *instance) failedCommand() string {
	for _, c := range slices.Backward(i.region.commands) {
		at := slices.IndexFunc(c.invocations, func(v *invocation) bool { return v.instance == i })
		switch {
		case at < 0:
		case c.invocations[at].status == cmdFailed, c.invocations[at].status == cmdTimedOut:
			return cmp.Or(c.asked.Comment, c.asked.DocumentName)
		default:
			return ""
		}
	}
	return ""
}
