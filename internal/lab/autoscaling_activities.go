package lab

import (
	"slices"
	"time"
)

// States of an activity.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Activity.html
const (
	activityRunning    = "InProgress"
	activityDraining   = "WaitingForELBConnectionDraining"
	activitySuccessful = "Successful"
	activityFailed     = "Failed"
	activityCancelled  = "Cancelled"
)

// scalingActivity is one thing that a group does.
type scalingActivity struct {
	object
	group              *scalingGroup
	description, cause string
	started, ended     time.Time
	status, message    string
}

// newestFirst turns an order round: newer things are listed first.
const newestFirst = 1 << 40

// newest makes the common part of a thing of which the newest is listed first.
func (r *region) newest() object {
	r.place.created++
	return object{id: r.ids.uuid(), seq: newestFirst - r.place.created}
}

// note begins an activity.
func (g *scalingGroup) note(description, cause string, at time.Time) *scalingActivity {
	made := &scalingActivity{
		object: g.region.newest(), group: g, description: description, cause: cause, started: at, status: activityRunning,
	}
	g.activities = slices.Insert(g.activities, 0, made)
	return made
}

// end ends an activity, unless it has ended before.
func (a *scalingActivity) end(status, message string, at time.Time) {
	if a.ended.IsZero() {
		a.status, a.message, a.ended = status, message, at
	}
}

// activityItem is an activity in an answer.
type activityItem struct {
	ID          string     `xml:"ActivityId"`
	Group       string     `xml:"AutoScalingGroupName"`
	GroupARN    string     `xml:"AutoScalingGroupARN"`
	Description string     `xml:"Description"`
	Cause       string     `xml:"Cause"`
	Started     time.Time  `xml:"StartTime"`
	Ended       *time.Time `xml:"EndTime"`
	Status      string     `xml:"StatusCode"`
	Message     string     `xml:"StatusMessage,omitempty"`
	Progress    int        `xml:"Progress"`
}

func (a *scalingActivity) item() activityItem {
	item := activityItem{
		ID: a.id, Group: a.group.name, GroupARN: a.group.arn, Description: a.description, Cause: a.cause,
		Started: a.started, Status: a.status, Message: a.message, Progress: 50,
	}
	if !a.ended.IsZero() {
		item.Ended, item.Progress = &a.ended, 100
	}
	return item
}

type describeActivitiesInput struct {
	ActivityIds          []string
	AutoScalingGroupName string
	scalingPages
}

type activitiesOutput struct {
	Activities []activityItem `xml:"Activities"`
	Next       string         `xml:"NextToken,omitempty"`
}

// describeActivities tells of one group's activities. Those of deleted groups are gone
// with them.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeScalingActivities.html
func (r *region) describeActivities(in *describeActivitiesInput) (*activitiesOutput, *apiError) {
	var all []*scalingActivity
	for _, g := range r.scalingGroups.all() {
		if in.AutoScalingGroupName == "" || in.AutoScalingGroupName == g.name {
			all = append(all, g.activities...)
		}
	}
	if in.AutoScalingGroupName != "" {
		if _, err := r.scalingGroup(in.AutoScalingGroupName); err != nil {
			return nil, err
		}
	}
	all = slices.DeleteFunc(all, func(a *scalingActivity) bool {
		return len(in.ActivityIds) > 0 && !slices.Contains(in.ActivityIds, a.id)
	})
	slices.SortFunc(all, func(a, b *scalingActivity) int { return a.seq - b.seq })
	some, next, err := scalingPage(all, in.scalingPages)
	if err != nil {
		return nil, err
	}
	out := &activitiesOutput{Next: next}
	for _, a := range some {
		out.Activities = append(out.Activities, a.item())
	}
	return out, nil
}
