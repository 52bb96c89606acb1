package lab

import (
	"slices"
	"strings"
	"time"
)

var listenerActions = map[string]action{
	"CreateListener":    elb((*region).createListener),
	"DescribeListeners": elb((*region).describeListeners),
	"ModifyListener":    elb((*region).modifyListener),
	"DeleteListener":    elb((*region).deleteListener),

	"DescribeListenerAttributes": elb((*region).describeListenerAttributes),
	"ModifyListenerAttributes":   elb((*region).modifyListenerAttributes),
}

// listener is one listener of a load balancer.
type listener struct {
	object
	of       *loadBalancer
	protocol string
	port     int
	actions  []listenerAction
	// attributes are those of its load balancer's type.
	attributes map[string]string
}

// Types of actions.
const (
	actionForward  = "forward"
	actionRedirect = "redirect"
	actionFixed    = "fixed-response"
)

// listenerAction is one action, in a request and in an answer.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Action.html
type listenerAction struct {
	Type                string          `xml:"Type"`
	TargetGroupArn      string          `xml:"TargetGroupArn,omitempty"`
	Order               *int            `xml:"Order"`
	ForwardConfig       *forwardConfig  `xml:"ForwardConfig"`
	RedirectConfig      *redirectConfig `xml:"RedirectConfig"`
	FixedResponseConfig *fixedConfig    `xml:"FixedResponseConfig"`
}

type forwardConfig struct {
	TargetGroups                []weightedGroup  `xml:"TargetGroups"`
	TargetGroupStickinessConfig *groupStickiness `xml:"TargetGroupStickinessConfig"`
}

type weightedGroup struct {
	TargetGroupArn string `xml:"TargetGroupArn"`
	Weight         *int   `xml:"Weight"`
}

type groupStickiness struct {
	Enabled         *bool `xml:"Enabled"`
	DurationSeconds *int  `xml:"DurationSeconds"`
}

type redirectConfig struct {
	Protocol   string `xml:"Protocol,omitempty"`
	Port       string `xml:"Port,omitempty"`
	Host       string `xml:"Host,omitempty"`
	Path       string `xml:"Path,omitempty"`
	Query      string `xml:"Query,omitempty"`
	StatusCode string `xml:"StatusCode"`
}

type fixedConfig struct {
	MessageBody string `xml:"MessageBody,omitempty"`
	StatusCode  string `xml:"StatusCode"`
	ContentType string `xml:"ContentType,omitempty"`
}

// groups are the ARNs of the target groups that an action forwards to.
func (a listenerAction) groups() []string {
	if a.ForwardConfig == nil {
		return nil
	}
	var arns []string
	for _, group := range a.ForwardConfig.TargetGroups {
		arns = append(arns, group.TargetGroupArn)
	}
	return arns
}

// balancerOf is the load balancer that uses a group; nil while none does.
func (r *region) balancerOf(g *targetGroup) *loadBalancer {
	for _, l := range r.listeners.all() {
		for _, action := range l.actions {
			if slices.Contains(action.groups(), g.id) {
				return l.of
			}
		}
	}
	return nil
}

// markUse writes down since when groups are in use, and begins to ask their targets.
func (r *region) markUse() {
	for _, g := range r.targetGroups.all() {
		switch used := r.balancerOf(g) != nil; {
		case used && g.usedSince.IsZero():
			g.usedSince = r.now()
			r.probeLater(g)
		case !used:
			g.usedSince = time.Time{}
		}
	}
}

type listenerParams struct {
	Protocol, SslPolicy string
	Port                *int
	DefaultActions      []listenerAction
	Certificates        []certificateParam
}

type certificateParam struct {
	CertificateArn string
	IsDefault      *bool
}

type createListenerInput struct {
	LoadBalancerArn string
	listenerParams
	Tags []tagItem
}

// listenerItem is one listener in an answer.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Listener.html
type listenerItem struct {
	ARN      string           `xml:"ListenerArn"`
	Balancer string           `xml:"LoadBalancerArn"`
	Port     int              `xml:"Port"`
	Protocol string           `xml:"Protocol"`
	Actions  []listenerAction `xml:"DefaultActions"`
}

type listenersOutput struct {
	Listeners []listenerItem `xml:"Listeners"`
	Next      string         `xml:"NextMarker,omitempty"`
}

func (l *listener) item() listenerItem {
	return listenerItem{ARN: l.id, Balancer: l.of.id, Port: l.port, Protocol: l.protocol, Actions: l.actions}
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
func (r *region) createListener(in *createListenerInput) (*listenersOutput, *apiError) {
	of, err := r.loadBalancer(in.LoadBalancerArn)
	if err != nil {
		return nil, err
	}
	if in.Port == nil || in.Protocol == "" {
		return nil, validation("A listener port and a listener protocol must be specified")
	}
	tags, err := elbTags(in.Tags)
	if err != nil {
		return nil, err
	}
	made := &listener{of: of}
	if err := r.configure(made, &in.listenerParams); err != nil {
		return nil, err
	}
	path := "listener/" + strings.SplitN(of.id, "/", 2)[1]
	made.object, made.attributes = r.elbObject(path, tags), standards(of.listenerAttributes())
	r.listeners.put(made)
	r.markUse()
	return &listenersOutput{Listeners: []listenerItem{made.item()}}, nil
}

// configure checks a request's parameters and puts them over a listener's.
func (r *region) configure(l *listener, asked *listenerParams) *apiError {
	next := *l
	if asked.Port != nil {
		next.port = *asked.Port
	}
	if asked.Protocol != "" {
		next.protocol = asked.Protocol
	}
	protocols := []string{"HTTP", "HTTPS"}
	if l.of.kind == balancerNetwork {
		protocols = []string{"TCP", "TLS", "UDP", "TCP_UDP"}
	}
	switch {
	case !goodPort(next.port):
		return badPort(next.port)
	case !slices.Contains(protocols, next.protocol):
		return fail("UnsupportedProtocol", "The protocol '%s' is not supported by load balancers of type '%s'", next.protocol, l.of.kind)
	case next.protocol == "HTTPS" || next.protocol == "TLS":
		return r.noCertificate(asked)
	case slices.ContainsFunc(r.listeners.all(), func(o *listener) bool { return o != l && o.of == l.of && o.port == next.port && o.id != l.id }):
		return fail("DuplicateListener", "A listener already exists on port %d for load balancer '%s'", next.port, l.of.id)
	}
	if len(asked.DefaultActions) > 0 || len(l.actions) == 0 {
		actions, err := r.actions(l.of, asked.DefaultActions)
		if err != nil {
			return err
		}
		next.actions = actions
	}
	l.port, l.protocol, l.actions = next.port, next.protocol, next.actions
	return nil
}

// noCertificate is the answer to every certificate: the lab has none.
func (r *region) noCertificate(asked *listenerParams) *apiError {
	if len(asked.Certificates) == 0 {
		return validation("A certificate must be specified for HTTPS and TLS listeners")
	}
	return fail("CertificateNotFound", "Certificate '%s' not found", asked.Certificates[0].CertificateArn)
}

func (r *region) actions(of *loadBalancer, asked []listenerAction) ([]listenerAction, *apiError) {
	if len(asked) != 1 {
		return nil, validation("Exactly one default action must be specified; the request has %d", len(asked))
	}
	action := asked[0]
	switch {
	case action.Type == actionForward:
		return r.forward(of, action)
	case action.Type != actionRedirect && action.Type != actionFixed:
		return nil, fail("InvalidLoadBalancerAction", "The lab has no actions of type '%s'", action.Type)
	case of.kind == balancerNetwork:
		return nil, fail("InvalidLoadBalancerAction", "The action type '%s' is not valid with network load balancers", action.Type)
	case action.Type == actionRedirect && action.RedirectConfig == nil, action.Type == actionFixed && action.FixedResponseConfig == nil:
		return nil, validation("An action of type '%s' must have its configuration", action.Type)
	}
	return []listenerAction{action}, nil
}

// forward completes an action that forwards: either form of the request answers both.
func (r *region) forward(of *loadBalancer, action listenerAction) ([]listenerAction, *apiError) {
	if action.ForwardConfig == nil {
		action.ForwardConfig = &forwardConfig{TargetGroups: []weightedGroup{{TargetGroupArn: action.TargetGroupArn}}}
	}
	config := *action.ForwardConfig
	if len(config.TargetGroups) == 0 {
		return nil, validation("A target group ARN must be specified")
	}
	config.TargetGroups = slices.Clone(config.TargetGroups)
	for at := range config.TargetGroups {
		group, err := r.targetGroup(config.TargetGroups[at].TargetGroupArn)
		if err != nil {
			return nil, err
		}
		if group.application() != (of.kind == balancerApplication) {
			return nil, fail("IncompatibleProtocols", "The target group '%s' has the protocol '%s', which is not compatible with load balancers of type '%s'",
				group.id, group.protocol, of.kind)
		}
		if used := r.balancerOf(group); used != nil && used != of {
			return nil, fail("TargetGroupAssociationLimit", "The following target groups cannot be associated with more than one load balancer: %s", group.id)
		}
		if config.TargetGroups[at].Weight == nil && of.kind == balancerApplication {
			weight := 1
			config.TargetGroups[at].Weight = &weight
		}
	}
	if config.TargetGroupStickinessConfig == nil {
		config.TargetGroupStickinessConfig = &groupStickiness{Enabled: boolPointer(false)}
	}
	action.ForwardConfig = &config
	if len(config.TargetGroups) == 1 {
		action.TargetGroupArn = config.TargetGroups[0].TargetGroupArn
	}
	return []listenerAction{action}, nil
}

// listener finds a listener by its ARN.
func (r *region) listener(arn string) (*listener, *apiError) {
	if !r.isARN(arn, "listener/") {
		return nil, validation("'%s' is not a valid listener ARN", arn)
	}
	found := r.listeners.get(arn)
	if found == nil {
		return nil, noListener([]string{arn})
	}
	return found, nil
}

func noListener([]string) *apiError {
	return fail("ListenerNotFound", "One or more listeners not found")
}

type describeListenersInput struct {
	LoadBalancerArn string
	ListenerArns    []string
	elbPages
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeListeners.html
func (r *region) describeListeners(in *describeListenersInput) (*listenersOutput, *apiError) {
	if (in.LoadBalancerArn == "") == (len(in.ListenerArns) == 0) {
		return nil, validation("You must specify either a load balancer ARN or one or more listener ARNs")
	}
	if in.LoadBalancerArn != "" {
		if _, err := r.loadBalancer(in.LoadBalancerArn); err != nil {
			return nil, err
		}
	}
	all, err := r.listeners.pick(in.ListenerArns, noListener)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(l *listener) bool {
		return in.LoadBalancerArn != "" && l.of.id != in.LoadBalancerArn
	})
	some, next, err := elbPage(all, in.elbPages)
	if err != nil {
		return nil, err
	}
	out := &listenersOutput{Next: next}
	for _, l := range some {
		out.Listeners = append(out.Listeners, l.item())
	}
	return out, nil
}

type modifyListenerInput struct {
	ListenerArn string
	listenerParams
}

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyListener.html
func (r *region) modifyListener(in *modifyListenerInput) (*listenersOutput, *apiError) {
	found, err := r.listener(in.ListenerArn)
	if err != nil {
		return nil, err
	}
	if err := r.configure(found, &in.listenerParams); err != nil {
		return nil, err
	}
	r.markUse()
	return &listenersOutput{Listeners: []listenerItem{found.item()}}, nil
}

type listenerInput struct{ ListenerArn string }

// https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteListener.html
func (r *region) deleteListener(in *listenerInput) (*nothing, *apiError) {
	found, err := r.listener(in.ListenerArn)
	if err != nil {
		return nil, err
	}
	r.listeners.remove(found.id)
	r.markUse()
	return &nothing{}, nil
}
