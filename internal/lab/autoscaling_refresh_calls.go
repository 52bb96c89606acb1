package lab

import (
	"slices"
	"strings"
	"time"
)

var scalingRefreshActions = map[string]action{
	"StartInstanceRefresh":      scaled((*region).startRefresh),
	"CancelInstanceRefresh":     scaled((*region).cancelRefresh),
	"RollbackInstanceRefresh":   scaled((*region).rollBackRefresh),
	"DescribeInstanceRefreshes": scaled((*region).describeRefreshes),
}

// desiredConfiguration is what a refresh brings the group to.
type desiredConfiguration struct {
	LaunchTemplate *scalingTemplate `xml:"LaunchTemplate"`
}

type startRefreshInput struct {
	AutoScalingGroupName, Strategy string
	Preferences                    *refreshParam
	DesiredConfiguration           *desiredConfiguration
}

type refreshOutput struct {
	ID string `xml:"InstanceRefreshId"`
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StartInstanceRefresh.html
func (r *region) startRefresh(in *startRefreshInput) (*refreshOutput, *apiError) {
	g, err := r.scalingGroup(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	if g.refreshing() != nil {
		return nil, fail("InstanceRefreshInProgress",
			"An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.")
	}
	if in.Strategy != "" && in.Strategy != "Rolling" {
		return nil, validation("In the lab the strategy of an instance refresh is Rolling, not '%s'", in.Strategy)
	}
	now := r.now()
	made := &instanceRefresh{object: r.newest(), group: g, status: refreshPending, started: now, moved: now}
	set(&made.preferences, in.Preferences)
	if err := made.preferences.check(); err != nil {
		return nil, err
	}
	if in.DesiredConfiguration != nil && in.DesiredConfiguration.LaunchTemplate != nil {
		complete, err := r.checkScalingTemplate(*in.DesiredConfiguration.LaunchTemplate, g.subnets[0])
		if err != nil {
			return nil, err
		}
		made.desired = &complete
	}
	if isTrue(made.preferences.AutoRollback) {
		if err := made.returnable(); err != nil {
			return nil, err
		}
	}
	made.choose()
	g.refreshes = slices.Insert(g.refreshes, 0, made)
	g.act()
	return &refreshOutput{made.id}, nil
}

// check refuses preferences that contradict each other.
func (p refreshParam) check() *apiError {
	if p.MaxHealthyPercentage != nil && p.MinHealthyPercentage == nil {
		return validation("If you specify MaxHealthyPercentage, you must also specify MinHealthyPercentage")
	}
	if p.ScaleInProtectedInstances != "" &&
		!slices.Contains([]string{protectedRefresh, protectedIgnore, protectedWait}, p.ScaleInProtectedInstances) {
		return validation("'%s' is not a valid value of ScaleInProtectedInstances", p.ScaleInProtectedInstances)
	}
	return checkPercentages(p.MinHealthyPercentage, p.MaxHealthyPercentage)
}

// checkPercentages refuses bounds that no group could keep.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RefreshPreferences.html
func checkPercentages(least, most *int) *apiError {
	switch {
	case least != nil && (*least < 0 || *least > 100):
		return validation("MinHealthyPercentage must be between 0 and 100")
	case most != nil && (*most < 100 || *most > 200):
		return validation("MaxHealthyPercentage must be between 100 and 200")
	case least != nil && most != nil && *most-*least > 100:
		return validation("The difference between MinHealthyPercentage and MaxHealthyPercentage cannot be greater than 100")
	}
	return nil
}

// returnable refuses what could not be rolled back: without a desired configuration,
// to a version that moves, to an image by a parameter.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-refresh-rollback.html
func (f *instanceRefresh) returnable() *apiError {
	g := f.group
	if f.desired == nil {
		return validation("The request isn't valid. The AutoRollback parameter cannot be set to true when the DesiredConfiguration " +
			"parameter is empty. Set AutoRollback to false or specify a desired configuration and try again.")
	}
	if strings.HasPrefix(g.template.Version, "$") || g.template.Version == "" {
		return validation("A rollback needs a launch template version that is a number, not $Latest or $Default.")
	}
	of, err := g.region.launchTemplate(templateRef{LaunchTemplateId: g.template.LaunchTemplateId})
	if err != nil {
		return asValidation(err)
	}
	version, err := of.find(g.template.Version)
	if err != nil {
		return asValidation(err)
	}
	if strings.HasPrefix(version.data.ImageId, byParameter) {
		return validation("A rollback is not possible to a launch template that names a Systems Manager parameter in place of an image.")
	}
	return nil
}

// choose marks the instances that are to be replaced: all, or those that do not match.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/asg-instance-refresh-skip-matching.html
func (f *instanceRefresh) choose() {
	target := f.group.template
	set(&target, f.desired)
	for _, m := range f.group.alive() {
		m.stale = nil
		if f.spares(m) || isTrue(f.preferences.SkipMatching) && f.group.region.matches(m, target) {
			continue
		}
		m.stale = f
		f.total++
	}
	f.left = f.total
	if f.total == 0 {
		f.reason = refreshReasonSkips
	}
}

// matches tells whether an instance is of that version of that template.
func (r *region) matches(m *scalingMember, target scalingTemplate) bool {
	of := r.templates.get(target.LaunchTemplateId)
	if of == nil || of.id != m.template.LaunchTemplateId {
		return false
	}
	version, err := of.find(target.Version)
	own, ownErr := of.find(m.template.Version)
	return err == nil && ownErr == nil && version == own
}

type namedRefreshInput struct{ AutoScalingGroupName string }

// active finds the refresh that is in progress.
func (r *region) activeRefresh(in *namedRefreshInput) (*instanceRefresh, *apiError) {
	g, err := r.scalingGroup(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	if f := g.refreshing(); f != nil {
		return f, nil
	}
	return nil, fail("ActiveInstanceRefreshNotFound", "No in progress or pending Instance Refresh found for Auto Scaling group %s", g.name)
}

// cancelRefresh leaves what has been replaced as it is.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CancelInstanceRefresh.html
func (r *region) cancelRefresh(in *namedRefreshInput) (*refreshOutput, *apiError) {
	f, err := r.activeRefresh(in)
	if err != nil {
		return nil, err
	}
	f.status, f.ended, f.reason = refreshCancelled, r.now(), "Cancelled due to user request."
	f.group.act()
	return &refreshOutput{f.id}, nil
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_RollbackInstanceRefresh.html
func (r *region) rollBackRefresh(in *namedRefreshInput) (*refreshOutput, *apiError) {
	f, err := r.activeRefresh(in)
	if err != nil {
		return nil, err
	}
	if err := f.returnable(); err != nil {
		return nil, fail("IrreversibleInstanceRefresh", "%s", err.message)
	}
	f.reason = "Rolled back due to user request."
	f.goBack(r.now())
	return &refreshOutput{f.id}, nil
}

// refreshItem is a refresh in an answer.
type refreshItem struct {
	ID          string                `xml:"InstanceRefreshId"`
	Group       string                `xml:"AutoScalingGroupName"`
	Status      string                `xml:"Status"`
	Reason      string                `xml:"StatusReason,omitempty"`
	Strategy    string                `xml:"Strategy"`
	Started     *time.Time            `xml:"StartTime"`
	Ended       *time.Time            `xml:"EndTime"`
	Percentage  int                   `xml:"PercentageComplete"`
	Left        int                   `xml:"InstancesToUpdate"`
	Preferences refreshParam          `xml:"Preferences"`
	Desired     *desiredConfiguration `xml:"DesiredConfiguration"`
}

func (f *instanceRefresh) item(now time.Time) refreshItem {
	item := refreshItem{
		ID: f.id, Group: f.group.name, Status: f.status, Reason: f.reason, Strategy: "Rolling", Started: &f.started,
		Left: f.left, Preferences: f.preferences, Percentage: 100,
	}
	if f.ended.IsZero() {
		item.Left = f.toUpdate(now)
	} else {
		item.Ended = &f.ended
	}
	if f.status == refreshSuccessful {
		item.Left = 0
	}
	if f.total > 0 {
		item.Percentage = 100 * (f.total - item.Left) / f.total
	}
	least, most := f.percentages()
	item.Preferences.MinHealthyPercentage, item.Preferences.MaxHealthyPercentage = &least, &most
	if f.desired != nil {
		item.Desired = &desiredConfiguration{f.desired}
	}
	return item
}

type describeRefreshesInput struct {
	AutoScalingGroupName string
	InstanceRefreshIds   []string
	scalingPages
}

type refreshesOutput struct {
	Refreshes []refreshItem `xml:"InstanceRefreshes"`
	Next      string        `xml:"NextToken,omitempty"`
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeInstanceRefreshes.html
func (r *region) describeRefreshes(in *describeRefreshesInput) (*refreshesOutput, *apiError) {
	g, err := r.scalingGroup(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	chosen := slices.DeleteFunc(slices.Clone(g.refreshes), func(f *instanceRefresh) bool {
		return len(in.InstanceRefreshIds) > 0 && !slices.Contains(in.InstanceRefreshIds, f.id)
	})
	some, next, err := scalingPage(chosen, in.scalingPages)
	if err != nil {
		return nil, err
	}
	out := &refreshesOutput{Next: next}
	for _, f := range some {
		out.Refreshes = append(out.Refreshes, f.item(r.now()))
	}
	return out, nil
}
