package lab

import (
	"slices"
	"time"
)

// bootLater puts "running" on the agenda for new or started instances. Their guests
// start then too.
func (r *region) bootLater(booting []*instance, now time.Time) {
	for _, i := range booting {
		lasting := r.lab.takes(toRun, i.id)
		r.lab.agenda.add(now.Add(lasting), i.booted)
		i.machine.boot(lasting)
	}
}

// booted is the end of a boot. The first one may fail, and decides what befalls the
// instance later.
func (i *instance) booted(at time.Time) {
	if i.state != statePending {
		return
	}
	first := i.healthyAt.IsZero()
	if first {
		if why := i.region.launchFailure(i); why != nil {
			i.explain(*why, at)
			i.machine.destroy()
			i.region.finish([]*instance{i}, at)
			return
		}
	}
	i.enter(stateRunning, at)
	i.agentLater(at)
	i.healthyAt = at.Add(i.region.lab.takes(toPass, i.id))
	if first {
		i.region.afflict(i, at)
	}
}

// terminate begins the end of an instance. One that is ending is left alone.
func (i *instance) terminate(why stateReason) {
	if i.live() {
		i.region.endLater([]*instance{i}, why, i.region.now())
	}
}

// endLater begins the end of live instances, and puts the rest on the agenda.
func (r *region) endLater(ending []*instance, why stateReason, now time.Time) {
	byTime := map[time.Duration][]*instance{}
	for _, i := range ending {
		i.enter(stateShuttingDown, now)
		i.explain(why, now)
		i.machine.destroy()
		lasting := r.lab.takes(toTerminate, i.id)
		byTime[lasting] = append(byTime[lasting], i)
	}
	for lasting, some := range byTime { // in any order: no two are due at the same time
		r.lab.agenda.add(now.Add(lasting), func(at time.Time) { r.finish(some, at) })
	}
}

func (i *instance) explain(why stateReason, now time.Time) {
	i.reason = &why
	i.transition = transitionText(why, now)
}

// finish ends instances: they lose interface, volumes and profile, and are described
// for another hour.
func (r *region) finish(ending []*instance, at time.Time) {
	var ids, cards, disks, profiles []string
	for _, i := range ending {
		ids = append(ids, i.id)
		i.enter(stateTerminated, at)
		if i.card != nil {
			delete(i.card.subnet.used, i.card.address)
			cards = append(cards, i.card.id)
			i.card = nil
		}
		for _, v := range i.volumes {
			v.attached = nil
			if v.deleteOnTermination {
				disks = append(disks, v.id)
			}
		}
		i.volumes = nil
		if i.profile != nil {
			profiles = append(profiles, i.profile.id)
			i.profile = nil
		}
	}
	r.interfaces.remove(cards...)
	r.volumes.remove(disks...)
	r.profiles.remove(profiles...)
	r.forget(ids, at)
}

// stop begins the stop of an instance that is pending or running.
func (i *instance) stop(why stateReason) {
	if i.state != statePending && i.state != stateRunning {
		return
	}
	now := i.region.now()
	i.enter(stateStopping, now)
	i.explain(why, now)
	i.machine.powerOff(func(at time.Time) {
		i.region.lab.agenda.add(at.Add(i.region.lab.takes(toStop, i.id)), i.stopped)
	})
}

// stopped is the end of a stop. The public address is given back, and what impaired
// the instance is over: it starts on another host.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-ec2-instance-stop-start-works.html
func (i *instance) stopped(at time.Time) {
	if i.state != stateStopping {
		return
	}
	i.enter(stateStopped, at)
	i.impairedSince = time.Time{}
	if i.card != nil {
		i.card.public = noAddress
	}
}

// instanceIDsInput is what stop, start, terminate and reboot take. How a guest is
// shut down makes no difference in the lab.
type instanceIDsInput struct {
	InstanceId            []string
	Force, SkipOsShutdown *bool
}

type stateChangeItem struct {
	InstanceID string    `xml:"instanceId"`
	Current    stateItem `xml:"currentState"`
	Previous   stateItem `xml:"previousState"`
}

type stateChangesOutput struct {
	Changes []stateChangeItem `xml:"instancesSet"`
}

// named finds the instances of a request that must name some.
func (r *region) named(ids []string) ([]*instance, *apiError) {
	if len(ids) == 0 {
		return nil, missing("InstanceId")
	}
	if err := checkInstanceIDs(ids); err != nil {
		return nil, err
	}
	return r.instances.pick(ids, noInstance)
}

// change carries out a transition of instances and answers the states before and
// after it.
func change(instances []*instance, apply func()) *stateChangesOutput {
	out := &stateChangesOutput{}
	for _, i := range instances {
		out.Changes = append(out.Changes, stateChangeItem{InstanceID: i.id, Previous: stateOf(i.state)})
	}
	apply()
	for at, i := range instances {
		out.Changes[at].Current = stateOf(i.state)
	}
	return out
}

// terminateInstances ends all or none: one wrong id, and nothing happens. Protected
// instances keep those of their own zone alive.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TerminateInstances.html
func (r *region) terminateInstances(in *instanceIDsInput) (*stateChangesOutput, *apiError) {
	instances, err := r.named(in.InstanceId)
	if err != nil {
		return nil, err
	}
	var guard *instance
	guarded := map[string]bool{}
	for _, i := range instances {
		if i.protected && i.live() {
			guard, guarded[i.launch.subnet.zone.name] = i, true
		}
	}
	ending := slices.DeleteFunc(slices.Clone(instances), func(i *instance) bool {
		return !i.live() || guarded[i.launch.subnet.zone.name]
	})
	if err := r.spend("TerminateInstances", len(instances)); err != nil {
		return nil, err
	}
	out := change(instances, func() { r.endLater(ending, reasonUserShutdown, r.now()) })
	if guard != nil {
		return nil, fail("OperationNotPermitted",
			"The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.", guard.id)
	}
	return out, nil
}

func wrongState(i *instance, verb string) *apiError {
	return fail("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s.", i.id, verb)
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StopInstances.html
func (r *region) stopInstances(in *instanceIDsInput) (*stateChangesOutput, *apiError) {
	instances, err := r.named(in.InstanceId)
	if err != nil {
		return nil, err
	}
	for _, i := range instances {
		if !i.live() || i.state == statePending {
			return nil, wrongState(i, "stopped")
		}
		if i.spotRequest != "" {
			return nil, unstoppable(i)
		}
		if i.stopProtected {
			return nil, fail("OperationNotPermitted",
				"The instance '%s' may not be stopped. Modify its 'disableApiStop' instance attribute and try again.", i.id)
		}
	}
	if err := r.spend("StopInstances", len(instances)); err != nil {
		return nil, err
	}
	return change(instances, func() {
		for _, i := range instances {
			i.stop(reasonUserShutdown)
		}
	}), nil
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StartInstances.html
func (r *region) startInstances(in *instanceIDsInput) (*stateChangesOutput, *apiError) {
	instances, err := r.named(in.InstanceId)
	if err != nil {
		return nil, err
	}
	for _, i := range instances {
		if !i.live() || i.state == stateStopping {
			return nil, wrongState(i, "started")
		}
		if i.state == stateStopped && i.reserved != nil && i.reserved == i.launch.target && i.reserved.available() < 1 {
			return nil, i.launch.noRoom()
		}
	}
	if err := r.spend("StartInstances", len(instances)); err != nil {
		return nil, err
	}
	now := r.now()
	starting := slices.DeleteFunc(slices.Clone(instances), func(i *instance) bool { return i.state != stateStopped })
	return change(instances, func() {
		for _, i := range starting {
			i.enter(statePending, now)
			i.launched, i.reason, i.transition = now.Truncate(time.Second), nil, ""
			if i.launch.public {
				i.card.public = r.publicAddress()
			}
		}
		r.bootLater(starting, now)
	}), nil
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RebootInstances.html
func (r *region) rebootInstances(in *instanceIDsInput) (*success, *apiError) {
	instances, err := r.named(in.InstanceId)
	if err != nil {
		return nil, err
	}
	for _, i := range instances {
		if i.state != stateRunning {
			return nil, wrongState(i, "rebooted")
		}
	}
	for _, i := range instances {
		i.machine.reboot()
	}
	return &success{Return: true}, nil
}
