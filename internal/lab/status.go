package lab

import "time"

// Results of a status check.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceStatusSummary.html
const (
	checkOK            = "ok"
	checkImpaired      = "impaired"
	checkInitializing  = "initializing"
	checkNotApplicable = "not-applicable"
)

// maxStatusIDs is how many ids DescribeInstanceStatus takes.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceStatus.html
const maxStatusIDs = 100

// health is what both status checks say now. A fault of the host shows in both.
func (i *instance) health(now time.Time) string {
	switch {
	case i.state != stateRunning:
		return checkNotApplicable
	case !i.impairedSince.IsZero() && !now.Before(i.impairedSince):
		return checkImpaired
	case now.Before(i.healthyAt):
		return checkInitializing
	}
	return checkOK
}

type describeStatusInput struct {
	InstanceId              []string
	IncludeAllInstances     *bool
	IncludeManagedResources *bool
	Filter                  []filterParam
	pageParams
}

type checkDetailItem struct {
	ImpairedSince *time.Time `xml:"impairedSince"`
	Name          string     `xml:"name"`
	Status        string     `xml:"status"`
}

type checkItem struct {
	Status  string            `xml:"status"`
	Details []checkDetailItem `xml:"details"`
}

type statusItem struct {
	InstanceID string    `xml:"instanceId"`
	Zone       string    `xml:"availabilityZone"`
	ZoneID     string    `xml:"availabilityZoneId"`
	State      stateItem `xml:"instanceState"`
	System     checkItem `xml:"systemStatus"`
	Instance   checkItem `xml:"instanceStatus"`
	EBS        checkItem `xml:"attachedEbsStatus"`
	Events     []string  `xml:"eventsSet"`
}

type describeStatusOutput struct {
	Statuses  []statusItem `xml:"instanceStatusSet"`
	NextToken string       `xml:"nextToken,omitempty"`
}

func (r *region) statusFilters(now time.Time) filterable[*instance] {
	health := one(func(i *instance) string { return i.health(now) })
	reachable := one(func(i *instance) string { return reachability(i.health(now)) })
	return filterable[*instance]{
		"instance-status.status":       health,
		"system-status.status":         health,
		"attached-ebs-status.status":   one(func(i *instance) string { return i.ebsHealth(now) }),
		"instance-status.reachability": reachable,
		"system-status.reachability":   reachable,
		"instance-state-name":          instanceFilters["instance-state-name"],
		"instance-state-code":          instanceFilters["instance-state-code"],
		"availability-zone":            instanceFilters["availability-zone"],
		"availability-zone-id":         instanceFilters["availability-zone-id"],
	}
}

// describeInstanceStatus tells of running instances, and of all with
// IncludeAllInstances. Terminated ones have no status.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceStatus.html
func (r *region) describeInstanceStatus(in *describeStatusInput) (*describeStatusOutput, *apiError) {
	if len(in.InstanceId) > 0 && in.MaxResults != nil {
		return nil, combination("The parameter instancesSet cannot be used with the parameter maxResults")
	}
	if len(in.InstanceId) > maxStatusIDs {
		return nil, invalid("The request names %d instance IDs; at most %d are possible", len(in.InstanceId), maxStatusIDs)
	}
	if err := checkInstanceIDs(in.InstanceId); err != nil {
		return nil, err
	}
	now := r.now()
	all := isTrue(in.IncludeAllInstances)
	found, next, err := list(&r.instances, listing[*instance]{
		ids: in.InstanceId, absent: noInstance, filters: in.Filter, fields: r.statusFilters(now),
		also: func(i *instance) bool { return all || i.state == stateRunning },
		page: in.pageParams, limits: pageLimits{least: 5, most: 1000},
	})
	if err != nil {
		return nil, err
	}
	out := &describeStatusOutput{NextToken: next}
	for _, i := range found {
		check := i.check(now)
		out.Statuses = append(out.Statuses, statusItem{
			InstanceID: i.id, Zone: i.launch.subnet.zone.name, ZoneID: i.launch.subnet.zone.id, State: stateOf(i.state),
			System: check, Instance: check, EBS: checkItem{Status: i.ebsHealth(now)},
		})
	}
	return out, nil
}

// ebsHealth is the third check, of attached volumes; bad luck leaves it alone.
func (i *instance) ebsHealth(now time.Time) string {
	if health := i.health(now); health != checkImpaired {
		return health
	}
	return checkOK
}

func reachability(health string) string {
	switch health {
	case checkOK:
		return "passed"
	case checkImpaired:
		return "failed"
	}
	return health
}

func (i *instance) check(now time.Time) checkItem {
	health := i.health(now)
	item := checkItem{Status: health}
	if health == checkNotApplicable {
		return item
	}
	detail := checkDetailItem{Name: "reachability", Status: reachability(health)}
	if health == checkImpaired {
		detail.ImpairedSince = &i.impairedSince
	}
	item.Details = []checkDetailItem{detail}
	return item
}
