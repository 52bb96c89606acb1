package lab

import (
	"cmp"
	"slices"
	"strconv"
	"time"
)

// reservationActions are those of Capacity Reservations.
var reservationActions = map[string]action{
	"CreateCapacityReservation":    of((*region).createReservation),
	"DescribeCapacityReservations": of((*region).describeReservations),
	"CancelCapacityReservation":    of((*region).cancelReservation),
}

// maxReserved is how many instances one reservation can be for.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateCapacityReservation.html
const maxReserved = 1000

// platformLinux is the platform of the lab's reservations, and of all images but those of
// Windows.
const platformLinux = "Linux/UNIX"

// capacityReservation is capacity of one type in one zone.
type capacityReservation struct {
	object
	region   *region
	kind     *instanceType
	zone     zone
	total    int
	criteria string
	tenancy  string
	state    string
	created  time.Time
	// ends is zero for no end.
	ends time.Time
}

// available is how many instances it still has room for: stopped ones take none.
func (c *capacityReservation) available() int {
	if c.state != "active" {
		return 0
	}
	left := c.total
	for _, i := range c.region.instances.all() {
		if i.reserved == c && i.live() && i.state != stateStopped {
			left--
		}
	}
	return left
}

type createReservationInput struct {
	InstanceType, InstancePlatform, AvailabilityZone, AvailabilityZoneId string
	InstanceMatchCriteria, Tenancy, EndDateType, EndDate, ClientToken    string
	InstanceCount                                                        *int
	EbsOptimized                                                         *bool
	// TagSpecifications has, unlike that of other calls, a name in the plural.
	TagSpecifications []tagSpecification
}

// capacityReservationItem is one reservation in an answer.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CapacityReservation.html
type capacityReservationItem struct {
	ID        string     `xml:"capacityReservationId"`
	OwnerID   string     `xml:"ownerId"`
	ARN       string     `xml:"capacityReservationArn"`
	ZoneID    string     `xml:"availabilityZoneId"`
	Zone      string     `xml:"availabilityZone"`
	Type      string     `xml:"instanceType"`
	Platform  string     `xml:"instancePlatform"`
	Tenancy   string     `xml:"tenancy"`
	Total     int        `xml:"totalInstanceCount"`
	Available int        `xml:"availableInstanceCount"`
	EBS       bool       `xml:"ebsOptimized"`
	State     string     `xml:"state"`
	Start     time.Time  `xml:"startDate"`
	End       *time.Time `xml:"endDate"`
	EndType   string     `xml:"endDateType"`
	Criteria  string     `xml:"instanceMatchCriteria"`
	Created   time.Time  `xml:"createDate"`
	Tags      []tagItem  `xml:"tagSet"`
}

func (c *capacityReservation) item() capacityReservationItem {
	item := capacityReservationItem{
		ID: c.id, OwnerID: c.accountID(), ARN: c.region.arn("ec2", "capacity-reservation/"+c.id), ZoneID: c.zone.id, Zone: c.zone.name,
		Type: c.kind.name, Platform: platformLinux, Tenancy: c.tenancy, Total: c.total, Available: c.available(), State: c.state,
		Start: c.created, EndType: "unlimited", Criteria: c.criteria, Created: c.created, Tags: c.seenTags().items(),
	}
	if !c.ends.IsZero() {
		item.EndType, item.End = "limited", &c.ends
	}
	return item
}

type createReservationOutput struct {
	Reservation capacityReservationItem `xml:"capacityReservation"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateCapacityReservation.html
func (r *region) createReservation(in *createReservationInput) (*createReservationOutput, *apiError) {
	made, err := once(r, "CreateCapacityReservation", in.ClientToken, in, r.reserve)
	if err != nil {
		return nil, err
	}
	return &createReservationOutput{Reservation: made.item()}, nil
}

func (r *region) reserve(in *createReservationInput) (*capacityReservation, *apiError) {
	kind, err := in.check()
	if err != nil {
		return nil, err
	}
	at, err := r.zoneOf(in.AvailabilityZone, in.AvailabilityZoneId)
	if err != nil {
		return nil, err
	}
	ends, err := in.end(r.now())
	if err != nil {
		return nil, err
	}
	tags, err := specifiedTags(in.TagSpecifications, "capacity-reservation")
	if err != nil {
		return nil, err
	}
	for _, s := range r.subnets.all() {
		if s.zone == at && r.capacity(kind, s, *in.InstanceCount, *in.InstanceCount) < *in.InstanceCount {
			return nil, codedFailure("InsufficientInstanceCapacity")
		}
	}
	made := &capacityReservation{
		object: r.object("cr", tagMap{}.with(tags["capacity-reservation"])), region: r, kind: kind, zone: at, total: *in.InstanceCount,
		criteria: cmp.Or(in.InstanceMatchCriteria, "open"), tenancy: cmp.Or(in.Tenancy, "default"), state: "active",
		created: r.now(), ends: ends,
	}
	r.reservations.put(made)
	if !ends.IsZero() {
		r.lab.agenda.add(ends, func(time.Time) {
			if made.state == "active" {
				made.state = "expired"
			}
		})
	}
	return made, nil
}

func (in *createReservationInput) check() (*instanceType, *apiError) {
	switch {
	case in.InstanceType == "":
		return nil, missing("InstanceType")
	case in.InstancePlatform == "":
		return nil, missing("InstancePlatform")
	case in.InstanceCount == nil:
		return nil, missing("InstanceCount")
	case *in.InstanceCount < 1 || *in.InstanceCount > maxReserved:
		return nil, invalid("Value (%d) for parameter instanceCount is invalid. It must be between 1 and %d.", *in.InstanceCount, maxReserved)
	case in.InstancePlatform != platformLinux:
		return nil, fail("UnsupportedOperation", "The lab has reservations for the platform %s only", platformLinux)
	case !slices.Contains([]string{"", "open", "targeted"}, in.InstanceMatchCriteria):
		return nil, invalid("Value (%s) for parameter instanceMatchCriteria is invalid.", in.InstanceMatchCriteria)
	case !slices.Contains([]string{"", "default", "dedicated"}, in.Tenancy):
		return nil, invalid("Value (%s) for parameter tenancy is invalid.", in.Tenancy)
	case instanceTypes[in.InstanceType] == nil:
		return nil, invalid("Invalid value '%s' for InstanceType.", in.InstanceType)
	}
	return instanceTypes[in.InstanceType], nil
}

// end reads when the reservation ends; zero for never.
func (in *createReservationInput) end(now time.Time) (time.Time, *apiError) {
	switch {
	case !slices.Contains([]string{"", "unlimited", "limited"}, in.EndDateType):
		return time.Time{}, invalid("Value (%s) for parameter endDateType is invalid.", in.EndDateType)
	case (in.EndDateType == "limited") != (in.EndDate != ""):
		return time.Time{}, combination("EndDate must be specified if, and only if, EndDateType is limited")
	case in.EndDate == "":
		return time.Time{}, nil
	}
	ends, bad := time.Parse(time.RFC3339, in.EndDate)
	if bad != nil || !ends.After(now) {
		return time.Time{}, invalid("Value (%s) for parameter endDate is invalid. It must be a time to come.", in.EndDate)
	}
	return ends.UTC(), nil
}

func noReservation(ids []string) *apiError {
	return fail("InvalidCapacityReservationId.NotFound", "The capacity reservation ID '%s' does not exist", ids[0])
}

func malformedReservation(id string) *apiError {
	return fail("InvalidCapacityReservationId.Malformed", "Invalid id: \"%s\"", id)
}

func (r *region) capacityReservation(id string) (*capacityReservation, *apiError) {
	if !wellFormed(id, "cr") {
		return nil, malformedReservation(id)
	}
	found := r.reservations.get(id)
	if found == nil || found.hidden() {
		return nil, noReservation([]string{id})
	}
	return found, nil
}

type describeReservationsInput struct {
	CapacityReservationId []string
	Filter                []filterParam
	pageParams
}

type describeReservationsOutput struct {
	Reservations []capacityReservationItem `xml:"capacityReservationSet"`
	NextToken    string                    `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeCapacityReservations.html
var reservationFilters = filterable[*capacityReservation]{
	"instance-type":           one(func(c *capacityReservation) string { return c.kind.name }),
	"owner-id":                one(func(c *capacityReservation) string { return c.accountID() }),
	"instance-platform":       one(func(*capacityReservation) string { return platformLinux }),
	"availability-zone":       one(func(c *capacityReservation) string { return c.zone.name }),
	"availability-zone-id":    one(func(c *capacityReservation) string { return c.zone.id }),
	"tenancy":                 one(func(c *capacityReservation) string { return c.tenancy }),
	"state":                   one(func(c *capacityReservation) string { return c.state }),
	"end-date-type":           one(func(c *capacityReservation) string { return onOff(c.ends.IsZero(), "unlimited", "limited") }),
	"instance-match-criteria": one(func(c *capacityReservation) string { return c.criteria }),
	"start-date":              one(func(c *capacityReservation) string { return c.created.Format(timeForm) }),
	"total-instance-count":    one(func(c *capacityReservation) string { return strconv.Itoa(c.total) }),
}

func (r *region) describeReservations(in *describeReservationsInput) (*describeReservationsOutput, *apiError) {
	if err := checkIDs(in.CapacityReservationId, "cr", malformedReservation); err != nil {
		return nil, err
	}
	found, next, err := list(&r.reservations, listing[*capacityReservation]{
		ids: in.CapacityReservationId, absent: noReservation, filters: in.Filter, fields: reservationFilters,
		page: in.pageParams, limits: pageLimits{least: 1, most: 1000},
	})
	if err != nil {
		return nil, err
	}
	out := &describeReservationsOutput{NextToken: next}
	for _, c := range found {
		out.Reservations = append(out.Reservations, c.item())
	}
	return out, nil
}

type cancelReservationInput struct{ CapacityReservationId string }

// cancelReservation gives the capacity back; instances run on.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CancelCapacityReservation.html
func (r *region) cancelReservation(in *cancelReservationInput) (*success, *apiError) {
	if in.CapacityReservationId == "" {
		return nil, missing("CapacityReservationId")
	}
	found, err := r.capacityReservation(in.CapacityReservationId)
	if err != nil {
		return nil, err
	}
	if found.state != "active" {
		return nil, fail("IncorrectState", "The capacity reservation '%s' is %s.", found.id, found.state)
	}
	found.state = "cancelled"
	return &success{Return: true}, nil
}
