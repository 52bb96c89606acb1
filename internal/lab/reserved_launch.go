package lab

import (
	"cmp"
	"slices"
)

// Preferences of a launch about Capacity Reservations.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservationSpecification.html
const (
	reservedOpen = "open"
	reservedNone = "none"
	reservedOnly = "capacity-reservations-only"
)

// reservationParam is the CapacityReservationSpecification parameter of a launch.
type reservationParam struct {
	CapacityReservationPreference string
	CapacityReservationTarget     *reservationTargetParam
}

type reservationTargetParam struct{ CapacityReservationId, CapacityReservationResourceGroupArn string }

type reservationTargetItem struct {
	ID string `xml:"capacityReservationId"`
}

// preference is what the launch says, or what it means without a word.
func (in *runInstancesInput) preference() string {
	if in.CapacityReservationSpecification == nil {
		return reservedOpen
	}
	return cmp.Or(in.CapacityReservationSpecification.CapacityReservationPreference, reservedOpen)
}

// planReservation finds the reservation that the launch is meant for.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/capacity-reservations-launch.html
func (r *region) planReservation(planned *launch, in *runInstancesInput) *apiError {
	asked := in.CapacityReservationSpecification
	if asked == nil {
		return nil
	}
	target := asked.CapacityReservationTarget
	switch {
	case !slices.Contains([]string{"", reservedOpen, reservedNone, reservedOnly}, asked.CapacityReservationPreference):
		return invalid("Value (%s) for parameter capacityReservationPreference is invalid.", asked.CapacityReservationPreference)
	case target == nil:
		return nil
	case asked.CapacityReservationPreference != "" && asked.CapacityReservationPreference != reservedOnly:
		return combination("The parameters CapacityReservationPreference and CapacityReservationTarget may not be specified on the same request")
	case target.CapacityReservationResourceGroupArn != "":
		return fail("UnsupportedOperation", "The lab has no groups of Capacity Reservations")
	}
	found, err := r.capacityReservation(target.CapacityReservationId)
	if err != nil {
		return err
	}
	if found.kind != planned.kind || found.zone != planned.subnet.zone || found.tenancy != planned.tenancy() {
		return invalid("The instance type, the Availability Zone or the tenancy do not match those of the capacity reservation '%s': %s, %s, %s",
			found.id, found.kind.name, found.zone.name, found.tenancy)
	}
	planned.target = found
	return nil
}

// takes tells whether the launch's instances in a zone may run in the reservation.
func (c *capacityReservation) takes(planned *launch, in zone) bool {
	if planned.target != nil {
		return c == planned.target
	}
	return planned.image.disk.os != windowsOS && planned.asked.preference() != reservedNone && !planned.spot && c.criteria == "open" &&
		c.kind == planned.kind && c.zone == in && c.tenancy == planned.tenancy()
}

// room is how many instances of a launch a subnet's zone takes: in a spread group no
// more than that allows, in reservations first, which have their capacity whatever the
// weather, and then where there is some.
func (r *region) room(planned *launch, in *subnet, least int) int {
	wanted := min(planned.count, r.spreadRoom(planned.group, in.zone))
	reserved := 0
	for _, c := range r.reservations.all() {
		if c.takes(planned, in.zone) {
			reserved += c.available()
		}
	}
	if reserved >= wanted || planned.target != nil || planned.asked.preference() == reservedOnly {
		return min(wanted, reserved)
	}
	return reserved + r.capacity(planned.kind, in, max(0, least-reserved), wanted-reserved)
}

// settleIn puts a new instance into a reservation that takes it, if there is one.
func (i *instance) settleIn() {
	for _, c := range i.region.reservations.all() {
		if c.takes(i.launch, i.launch.subnet.zone) && c.available() > 0 {
			i.reserved = c
			return
		}
	}
}

// noRoom is the error of a launch that fits nowhere.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func (l *launch) noRoom() *apiError {
	if l.target != nil || l.asked.preference() == reservedOnly {
		return fail("ReservationCapacityExceeded", "The requested reservation does not have sufficient compatible and available capacity for this request.")
	}
	err := codedFailure("InsufficientInstanceCapacity")
	err.message = "We currently do not have sufficient " + l.kind.name + " capacity in the Availability Zone you requested (" +
		l.subnet.zone.name + "). Our system will be working on provisioning additional capacity."
	return err
}

// reservation is how an instance's reservation is described.
func (i *instance) reservation() reservationPreference {
	if i.launch.target != nil {
		return reservationPreference{Target: &reservationTargetItem{ID: i.launch.target.id}}
	}
	return reservationPreference{Preference: i.launch.asked.preference()}
}
