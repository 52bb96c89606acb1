package lab

import (
	"strings"
	"time"
)

// spotActions are those of the requests behind spot instances.
var spotActions = map[string]action{
	"DescribeSpotInstanceRequests": of((*region).describeSpotRequests),
	"CancelSpotInstanceRequests":   of((*region).cancelSpotRequests),
}

// spotRequest is the one-time request of one instance.
type spotRequest struct {
	object
	instance *instance
	price    string
	created  time.Time
	// cancelled requests have no say in what becomes of the instance.
	cancelled bool
}

// askSpot makes the request of a new instance.
func (r *region) askSpot(of *instance) *spotRequest {
	made := &spotRequest{object: r.object("sir", tagMap{}.with(of.launch.tags["spot-instances-request"])), instance: of, created: of.launched}
	if options := of.launch.asked.InstanceMarketOptions.SpotOptions; options != nil {
		made.price = options.MaxPrice
	}
	r.spotRequests.put(made)
	return made
}

// state is the request's: a one-time request is closed with its instance.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-request-status.html
func (s *spotRequest) state() (state, status, message string) {
	switch {
	case s.cancelled && !s.instance.live():
		return "cancelled", "instance-terminated-by-user", "Spot Instance terminated due to user-initiated termination."
	case s.cancelled:
		return "cancelled", "request-canceled-and-instance-running", "Your Spot request is canceled, but your instance is still running."
	case s.instance.live():
		return "active", "fulfilled", "Your Spot request is fulfilled."
	}
	return "closed", "instance-terminated-by-user", "Spot Instance terminated due to user-initiated termination."
}

type spotStatusItem struct {
	Code    string    `xml:"code"`
	Message string    `xml:"message"`
	Updated time.Time `xml:"updateTime"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SpotInstanceRequest.html
type spotRequestItem struct {
	ID           string         `xml:"spotInstanceRequestId"`
	Price        string         `xml:"spotPrice,omitempty"`
	Type         string         `xml:"type"`
	State        string         `xml:"state"`
	Status       spotStatusItem `xml:"status"`
	InstanceID   string         `xml:"instanceId"`
	Created      time.Time      `xml:"createTime"`
	Product      string         `xml:"productDescription"`
	Zone         string         `xml:"launchedAvailabilityZone"`
	Interruption string         `xml:"instanceInterruptionBehavior"`
	Tags         []tagItem      `xml:"tagSet"`
}

func (s *spotRequest) item() spotRequestItem {
	state, status, message := s.state()
	return spotRequestItem{
		ID: s.id, Price: s.price, Type: "one-time", State: state, InstanceID: s.instance.id, Created: s.created,
		Status:  spotStatusItem{Code: status, Message: message, Updated: s.instance.since},
		Product: s.instance.image.disk.platform().details, Zone: s.instance.launch.subnet.zone.name, Interruption: "terminate", Tags: s.seenTags().items(),
	}
}

type describeSpotInput struct {
	SpotInstanceRequestId []string
	Filter                []filterParam
	pageParams
}

type describeSpotOutput struct {
	Requests  []spotRequestItem `xml:"spotInstanceRequestSet"`
	NextToken string            `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotInstanceRequests.html
var spotFilters = filterable[*spotRequest]{
	"spot-instance-request-id":   one(func(s *spotRequest) string { return s.id }),
	"instance-id":                one(func(s *spotRequest) string { return s.instance.id }),
	"state":                      one(func(s *spotRequest) string { return s.item().State }),
	"status-code":                one(func(s *spotRequest) string { return s.item().Status.Code }),
	"type":                       one(func(*spotRequest) string { return "one-time" }),
	"launch.instance-type":       one(func(s *spotRequest) string { return s.instance.kind.name }),
	"launched-availability-zone": one(func(s *spotRequest) string { return s.item().Zone }),
}

func malformedSpot(id string) *apiError {
	return fail("InvalidSpotInstanceRequestID.Malformed", "The ID '%s' is not a valid Spot Instance request ID", id)
}

func noSpot(ids []string) *apiError {
	return fail("InvalidSpotInstanceRequestID.NotFound", "The spot instance request ID '%s' does not exist", strings.Join(ids, ", "))
}

func (r *region) describeSpotRequests(in *describeSpotInput) (*describeSpotOutput, *apiError) {
	if err := checkIDs(in.SpotInstanceRequestId, "sir", malformedSpot); err != nil {
		return nil, err
	}
	found, next, err := list(&r.spotRequests, listing[*spotRequest]{
		ids: in.SpotInstanceRequestId, absent: noSpot, filters: in.Filter, fields: spotFilters,
		page: in.pageParams, limits: pageLimits{least: 5, most: 1000},
	})
	if err != nil {
		return nil, err
	}
	out := &describeSpotOutput{NextToken: next}
	for _, s := range found {
		out.Requests = append(out.Requests, s.item())
	}
	return out, nil
}

type cancelSpotInput struct{ SpotInstanceRequestId []string }

type cancelledSpotItem struct {
	ID    string `xml:"spotInstanceRequestId"`
	State string `xml:"state"`
}

type cancelSpotOutput struct {
	Requests []cancelledSpotItem `xml:"spotInstanceRequestSet"`
}

// cancelSpotRequests leaves the instances running.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CancelSpotInstanceRequests.html
func (r *region) cancelSpotRequests(in *cancelSpotInput) (*cancelSpotOutput, *apiError) {
	if len(in.SpotInstanceRequestId) == 0 {
		return nil, missing("SpotInstanceRequestId")
	}
	if err := checkIDs(in.SpotInstanceRequestId, "sir", malformedSpot); err != nil {
		return nil, err
	}
	found, err := r.spotRequests.pick(in.SpotInstanceRequestId, noSpot)
	if err != nil {
		return nil, err
	}
	out := &cancelSpotOutput{}
	for _, s := range found {
		if s.instance.live() {
			s.cancelled = true
		}
		state, _, _ := s.state()
		out.Requests = append(out.Requests, cancelledSpotItem{ID: s.id, State: state})
	}
	return out, nil
}
