package lab

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// scalingGroup finds a group that a request names.
func (r *region) scalingGroup(name string) (*scalingGroup, *apiError) {
	if err := checkScalingName(name); err != nil {
		return nil, err
	}
	found := r.scalingGroups.get(name)
	if found == nil {
		return nil, validation("AutoScalingGroup name not found - AutoScalingGroup %s not found", name)
	}
	return found, nil
}

// maxScalingName is in characters.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateAutoScalingGroup.html
const maxScalingName = 255

func checkScalingName(name string) *apiError {
	switch {
	case name == "":
		return validation("1 validation error detected: Value null at 'autoScalingGroupName' failed to satisfy constraint: Member must not be null")
	case len(name) > maxScalingName:
		return validation("1 validation error detected: Value '%s' at 'autoScalingGroupName' failed to satisfy constraint: "+
			"Member must have length less than or equal to %d", name, maxScalingName)
	case strings.Contains(name, ":"):
		return validation("The name of a group cannot contain a colon")
	}
	return nil
}

// because writes down why the capacity changes.
func (g *scalingGroup) because(format string, args ...any) {
	g.cause = strings.TrimSpace(g.cause + " " + moment(g.region.now()) + fmt.Sprintf(format, args...))
}

// moment begins a sentence of an activity's cause.
func moment(at time.Time) string { return "At " + at.UTC().Format(time.RFC3339) + " " }

// act lets the group do what has become necessary by a call.
func (g *scalingGroup) act() {
	now := g.region.now()
	g.retryAt = time.Time{}
	g.wake(now.Add(g.region.lab.takes(toScale, g.name+moment(now))))
}

type deleteScalingInput struct {
	AutoScalingGroupName string
	ForceDelete          *bool
}

// deleteScalingGroup deletes a group without instances, or any group by force, which
// then is there until its instances have ended.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteAutoScalingGroup.html
func (r *region) deleteScalingGroup(in *deleteScalingInput) (*nothing, *apiError) {
	found, err := r.scalingGroup(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	switch {
	case len(found.members) == 0:
		r.scalingGroups.remove(found.id)
		return &nothing{}, nil
	case !isTrue(in.ForceDelete) && found.desired == 0:
		return nil, fail("ScalingActivityInProgress",
			"You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.")
	case !isTrue(in.ForceDelete):
		return nil, fail("ResourceInUse",
			"You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.")
	}
	found.deleting = true
	found.because("a user request force deleted the AutoScalingGroup changing the desired capacity from %d to 0.", found.desired)
	found.least, found.desired = 0, 0
	found.act()
	return &nothing{}, nil
}

type desiredInput struct {
	AutoScalingGroupName string
	DesiredCapacity      *int
	// HonorCooldown has no effect: without alarms no group of the lab is cooling down.
	HonorCooldown *bool
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SetDesiredCapacity.html
func (r *region) setDesiredCapacity(in *desiredInput) (*nothing, *apiError) {
	found, err := r.scalingGroup(in.AutoScalingGroupName)
	switch {
	case err != nil:
		return nil, err
	case in.DesiredCapacity == nil:
		return nil, validation("DesiredCapacity must be specified")
	case *in.DesiredCapacity > found.most:
		return nil, validation("New SetDesiredCapacity value %d is above max value %d for the AutoScalingGroup.", *in.DesiredCapacity, found.most)
	case *in.DesiredCapacity < found.least:
		return nil, validation("New SetDesiredCapacity value %d is below min value %d for the AutoScalingGroup.", *in.DesiredCapacity, found.least)
	}
	if *in.DesiredCapacity != found.desired {
		found.because("a user request explicitly set group desired capacity changing the desired capacity from %d to %d.", found.desired, *in.DesiredCapacity)
	}
	found.desired = *in.DesiredCapacity
	found.act()
	return &nothing{}, nil
}

// Processes of a group. Those that the lab has none of can be suspended as well.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html
const (
	processLaunch    = "Launch"
	processTerminate = "Terminate"
	processCheck     = "HealthCheck"
	processReplace   = "ReplaceUnhealthy"
	processAdd       = "AddToLoadBalancer"
	processRefresh   = "InstanceRefresh"
)

var scalingProcesses = []string{
	processAdd, "AlarmNotification", "AZRebalance", processCheck, processRefresh, processLaunch, processReplace,
	"ScheduledActions", processTerminate,
}

type processesInput struct {
	AutoScalingGroupName string
	ScalingProcesses     []string
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_SuspendProcesses.html
func (r *region) suspendProcesses(in *processesInput) (*nothing, *apiError) {
	return r.changeProcesses(in, func(g *scalingGroup, names []string) {
		for _, name := range names {
			if !g.pauses(name) {
				g.suspended = append(g.suspended, name)
			}
		}
	})
}

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_ResumeProcesses.html
func (r *region) resumeProcesses(in *processesInput) (*nothing, *apiError) {
	return r.changeProcesses(in, func(g *scalingGroup, names []string) {
		g.suspended = slices.DeleteFunc(g.suspended, func(name string) bool { return slices.Contains(names, name) })
	})
}

// changeProcesses takes no name for all of them.
func (r *region) changeProcesses(in *processesInput, change func(*scalingGroup, []string)) (*nothing, *apiError) {
	found, err := r.scalingGroup(in.AutoScalingGroupName)
	if err != nil {
		return nil, err
	}
	names := in.ScalingProcesses
	if len(names) == 0 {
		names = scalingProcesses
	}
	for _, name := range names {
		if !slices.Contains(scalingProcesses, name) {
			return nil, validation("'%s' is not a valid scaling process", name)
		}
	}
	change(found, names)
	found.act()
	return &nothing{}, nil
}

// pauses tells whether a process is suspended.
func (g *scalingGroup) pauses(process string) bool { return slices.Contains(g.suspended, process) }
