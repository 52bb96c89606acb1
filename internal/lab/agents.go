package lab

import (
	"fmt"
	"slices"
	"time"
)

// What the agent in an instance is, and says of it.
const (
	agentVersion = "3.3.1611.0"
	pingOnline   = "Online"
	pingLost     = "ConnectionLost"
	typeInstance = "AWS::EC2::Instance"
)

// agent is Systems Manager's agent in an instance. It is part of Amazon Linux's
// images and of those of Windows, not of Debian's, and needs an instance profile to be let in; where nothing
// runs inside instances, no agent does.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/ami-preinstalled-agent.html
// https://docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html
type agent struct {
	// registered is when it first came up; zero means that the instance is not managed.
	registered time.Time
	// boot is the beginning of the state in which it last came up.
	boot time.Time
}

func (i *instance) hasAgent() bool {
	return i.machine.on && slices.Contains([]string{"al2023", windowsOS}, i.disk().os)
}

// agentLater puts the agent of an instance on the agenda, which has begun to run or
// has got a profile.
func (i *instance) agentLater(now time.Time) {
	l := i.region.lab
	l.agenda.add(now.Add(l.takes(toRegister, i.id)), func(at time.Time) {
		if i.state != stateRunning || i.profile == nil || !i.hasAgent() {
			return
		}
		if i.agent.registered.IsZero() {
			i.agent.registered = at
		}
		i.agent.boot = i.since
		i.region.deliver(at)
	})
}

// managed tells whether Systems Manager knows the instance.
func (i *instance) managed() bool { return i.live() && !i.agent.registered.IsZero() }

// online tells whether the agent can be reached. A fault of the host cuts it off, as
// a lost profile does.
func (i *instance) online() bool {
	return i.state == stateRunning && i.agent.boot.Equal(i.since) && i.managed() && i.profile != nil && i.impairedSince.IsZero()
}

func (i *instance) ping() string { return onOff(i.online(), pingOnline, pingLost) }

var agentActions = map[string]jsonAction{
	"DescribeInstanceInformation": asJSON((*region).describeInstanceInformation),
}

type agentFilter struct {
	Key    string   `must:"required,length 1 200"`
	Values []string `must:"required,length 1 100"`
}

type oldAgentFilter struct {
	Key      string   `must:"required,enum InstanceIds|AgentVersion|PingStatus|PlatformTypes|ActivationIds|IamRole|ResourceType|AssociationStatus"`
	ValueSet []string `must:"required,length 1 100"`
}

type instanceInformationInput struct {
	Filters                       []agentFilter
	InstanceInformationFilterList []oldAgentFilter
	MaxResults                    *int `must:"value 5 50"`
	NextToken                     string
}

// agentItem is one managed instance.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_InstanceInformation.html
type agentItem struct {
	AgentVersion               string
	ComputerName               string
	IPAddress                  string
	InstanceId                 string
	IsLatestVersion            bool
	LastPingDateTime           float64
	PingStatus                 string
	PlatformName, PlatformType string
	PlatformVersion            string
	ResourceType               string
	SourceId, SourceType       string
}

type instanceInformationOutput struct {
	InstanceInformationList []agentItem
	NextToken               string `json:",omitempty"`
}

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_InstanceInformationStringFilter.html
var agentFields = map[string]func(*instance) []string{
	"InstanceIds":       func(i *instance) []string { return []string{i.id} },
	"PingStatus":        func(i *instance) []string { return []string{i.ping()} },
	"PlatformTypes":     func(i *instance) []string { return []string{i.disk().platform().kind} },
	"AgentVersion":      func(*instance) []string { return []string{agentVersion} },
	"ResourceType":      func(*instance) []string { return []string{"EC2Instance"} },
	"SourceIds":         func(i *instance) []string { return []string{i.id} },
	"SourceTypes":       func(*instance) []string { return []string{typeInstance} },
	"ActivationIds":     func(*instance) []string { return nil },
	"IamRole":           func(*instance) []string { return nil },
	"AssociationStatus": func(*instance) []string { return nil },
}

// agentValues are the values that a filter looks at; nil for a key that is none.
func agentValues(key string) func(*instance) []string {
	if values := agentFields[key]; values != nil {
		return values
	}
	return tagFilter(key, func(i *instance) tagMap { return i.seenTags() })
}

// describeInstanceInformation lists the managed instances. A stopped one stays in the
// list, with its connection lost; a terminated one does not.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstanceInformation.html
func (r *region) describeInstanceInformation(in *instanceInformationInput) (*instanceInformationOutput, *apiError) {
	if len(in.Filters) > 0 && len(in.InstanceInformationFilterList) > 0 {
		return nil, fail("ValidationException", "You can use either Filters or InstanceInformationFilterList in a single request.")
	}
	filters := in.Filters
	for _, old := range in.InstanceInformationFilterList {
		filters = append(filters, agentFilter{Key: old.Key, Values: old.ValueSet})
	}
	managed := slices.DeleteFunc(slices.Clone(r.instances.all()), func(i *instance) bool { return !i.managed() })
	for _, filter := range filters {
		values := agentValues(filter.Key)
		if values == nil {
			return nil, fail("InvalidFilterKey", "The filter key %s isn't valid.", filter.Key)
		}
		managed = slices.DeleteFunc(managed, func(i *instance) bool {
			return !slices.ContainsFunc(values(i), func(have string) bool { return slices.Contains(filter.Values, have) })
		})
	}
	some, next, err := window(managed, func(i *instance) string { return fmt.Sprintf("%09d", i.seq) }, in.MaxResults, 50, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &instanceInformationOutput{InstanceInformationList: []agentItem{}, NextToken: next}
	for _, i := range some {
		out.InstanceInformationList = append(out.InstanceInformationList, i.agentItem())
	}
	return out, nil
}

func (i *instance) agentItem() agentItem {
	runs := i.disk().platform()
	item := agentItem{
		AgentVersion: agentVersion, ComputerName: i.region.privateDNS(i.address()), IPAddress: i.address().String(),
		InstanceId: i.id, IsLatestVersion: true, LastPingDateTime: epoch(i.region.now()), PingStatus: i.ping(),
		PlatformName: runs.name, PlatformType: runs.kind, PlatformVersion: runs.version, ResourceType: "EC2Instance",
		SourceId: i.id, SourceType: typeInstance,
	}
	if !i.online() {
		item.LastPingDateTime = epoch(i.since)
	}
	return item
}
