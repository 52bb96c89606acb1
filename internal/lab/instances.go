package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// States of an instance.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html
const (
	statePending      = "pending"
	stateRunning      = "running"
	stateShuttingDown = "shutting-down"
	stateTerminated   = "terminated"
	stateStopping     = "stopping"
	stateStopped      = "stopped"
)

var stateCodes = map[string]int{
	statePending: 0, stateRunning: 16, stateShuttingDown: 32,
	stateTerminated: 48, stateStopping: 64, stateStopped: 80,
}

// terminatedVisible is how long a terminated instance is still described.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html
const terminatedVisible = time.Hour

// stateReason is why an instance, or an image, is in its state.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html
type stateReason struct {
	Code    string `xml:"code"`
	Message string `xml:"message"`
}

var (
	reasonUserShutdown = stateReason{"Client.UserInitiatedShutdown", "Client.UserInitiatedShutdown: User initiated shutdown"}
	reasonSelfShutdown = stateReason{"Client.InstanceInitiatedShutdown", "Client.InstanceInitiatedShutdown: Instance initiated shutdown"}
	// reasonScheduledStop is the bad luck of a host's retirement.
	reasonScheduledStop = stateReason{"Server.ScheduledStop", "Server.ScheduledStop: Stopped due to a scheduled retirement"}
	// reasonGuest is a guest that could not be started.
	reasonGuest = stateReason{"Server.InternalError", "Server.InternalError: Internal error on launch"}
)

// instance is one instance, also for an hour after it has been terminated.
type instance struct {
	object
	region *region
	// launch is the RunInstances call that made it, index its place in that.
	launch *launch
	index  int
	// image is the launch's, until the root volume is replaced from another one.
	image *image
	kind  *instanceType
	state string
	// since is when the state began.
	since    time.Time
	launched time.Time
	reason   *stateReason
	// transition is the older, textual form of reason.
	transition string
	// healthyAt is when both status checks are passed; impairedSince is set while
	// they fail.
	healthyAt, impairedSince time.Time

	// origin is what the first root volume was made from; lineage are the ids of all
	// root volumes that there were.
	origin  rootSource
	lineage []string

	card    *networkInterface
	volumes []*volume
	// profile is the association with an instance profile; nil without one.
	profile *profileAssociation

	userData           []byte
	metadata           metadataOptions
	shutdownTerminates bool
	protected          bool // against termination
	stopProtected      bool
	monitoring         bool
	ebsOptimized       bool
	credits            string
	// reserved is the Capacity Reservation that it runs in; nil without one.
	reserved *capacityReservation
	// spotRequest is the Spot Instance request's id; empty on demand.
	spotRequest string

	// member is its place in an Auto Scaling group; nil without one.
	member *scalingMember

	console console
	machine *machine
	tokens  metadataTokens
	agent   agent
	// secrets makes what the metadata service gives out. It is the instance's own, so
	// that what guests ask for does not change the ids of what is made next.
	secrets ids
	// credentials are those of the instance's role; nil until somebody asks for them.
	credentials *roleCredentials
}

// live tells whether the instance is neither terminated nor about to be.
func (i *instance) live() bool { return i.state != stateTerminated && i.state != stateShuttingDown }

// lifecycle is empty for an instance on demand.
func (i *instance) lifecycle() string { return onOff(i.spotRequest != "", lifecycleSpot, "") }

func (i *instance) enter(state string, at time.Time) {
	i.state, i.since = state, at
	if i.member != nil {
		i.member.changed(at)
	}
}

// address is the private address; invalid once there is none any more.
func (i *instance) address() netip.Addr {
	if i.card == nil {
		return netip.Addr{}
	}
	return i.card.address
}

func onOff(condition bool, on, off string) string {
	if condition {
		return on
	}
	return off
}

type describeInstancesInput struct {
	InstanceId              []string
	IncludeManagedResources *bool
	Filter                  []filterParam
	pageParams
}

type describeInstancesOutput struct {
	Reservations []reservationItem `xml:"reservationSet"`
	NextToken    string            `xml:"nextToken,omitempty"`
}

type reservationItem struct {
	ReservationID string         `xml:"reservationId"`
	OwnerID       string         `xml:"ownerId"`
	Groups        []groupItem    `xml:"groupSet"`
	Instances     []instanceItem `xml:"instancesSet"`
}

func noInstance(ids []string) *apiError {
	if len(ids) == 1 {
		return fail("InvalidInstanceID.NotFound", "The instance ID '%s' does not exist", ids[0])
	}
	return fail("InvalidInstanceID.NotFound", "The instance IDs '%s' do not exist", joinIDs(ids))
}

// checkInstanceIDs refuses ids that could not be any.
func checkInstanceIDs(ids []string) *apiError {
	return checkIDs(ids, "i", func(id string) *apiError {
		return fail("InvalidInstanceID.Malformed", "Invalid id: \"%s\"", id)
	})
}

func (r *region) describeInstances(in *describeInstancesInput) (*describeInstancesOutput, *apiError) {
	if len(in.InstanceId) > 0 && in.MaxResults != nil {
		return nil, combination("The parameter instancesSet cannot be used with the parameter maxResults")
	}
	if err := checkInstanceIDs(in.InstanceId); err != nil {
		return nil, err
	}
	found, next, err := list(&r.instances, listing[*instance]{
		ids: in.InstanceId, absent: noInstance, filters: in.Filter, fields: instanceFilters,
		page: in.pageParams, limits: pageLimits{least: 5, most: 1000},
	})
	if err != nil {
		return nil, err
	}
	out := &describeInstancesOutput{NextToken: next}
	for _, i := range found {
		last := len(out.Reservations) - 1
		if last < 0 || out.Reservations[last].ReservationID != i.launch.reservation {
			out.Reservations = append(out.Reservations, reservationItem{ReservationID: i.launch.reservation, OwnerID: r.account.id})
			last++
		}
		out.Reservations[last].Instances = append(out.Reservations[last].Instances, i.item())
	}
	return out, nil
}

// forget takes terminated instances out of the books an hour after their end.
func (r *region) forget(ids []string, at time.Time) {
	r.lab.agenda.add(at.Add(terminatedVisible), func(time.Time) { r.instances.remove(ids...) })
}

// transitionText is the textual reason: "User initiated (2026-01-02 03:04:05 GMT)".
func transitionText(reason stateReason, at time.Time) string {
	if reason == reasonUserShutdown {
		return fmt.Sprintf("User initiated (%s)", at.Format("2006-01-02 15:04:05 GMT"))
	}
	return reason.Code + ": " + at.Format("2006-01-02 15:04:05 GMT")
}

func joinIDs(ids []string) string {
	return strings.Join(slices.Sorted(slices.Values(ids)), ", ")
}
