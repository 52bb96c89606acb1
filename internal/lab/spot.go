package lab

import "strconv"

// lifecycleSpot is how instances of the spot market are marked.
const lifecycleSpot = "spot"

// marketParam is the InstanceMarketOptions parameter of a launch.
type marketParam struct {
	MarketType  string
	SpotOptions *spotParam
}

type spotParam struct{ MaxPrice, SpotInstanceType, InstanceInterruptionBehavior string }

// planMarket takes one-time requests of the spot market, which end their instances.
// Persistent ones would come back, which the lab does not do.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SpotMarketOptions.html
func (r *region) planMarket(planned *launch, in *runInstancesInput) *apiError {
	market := in.InstanceMarketOptions
	if market == nil {
		return nil
	}
	switch market.MarketType {
	case lifecycleSpot:
	case "", "capacity-block":
		return fail("UnsupportedOperation", "Of the markets, the lab has the one for spot instances")
	default:
		return invalid("Value (%s) for parameter marketType is invalid.", market.MarketType)
	}
	planned.spot = true
	if market.SpotOptions == nil {
		return nil
	}
	return market.SpotOptions.check()
}

func (s *spotParam) check() *apiError {
	switch s.SpotInstanceType {
	case "", "one-time":
	case "persistent":
		return fail("UnsupportedOperation", "The lab serves one-time Spot Instance requests, not persistent ones")
	default:
		return invalid("Value (%s) for parameter spotInstanceType is invalid.", s.SpotInstanceType)
	}
	switch s.InstanceInterruptionBehavior {
	case "", "terminate":
	case "stop", "hibernate":
		return combination("The interruption behavior '%s' requires a persistent Spot Instance request", s.InstanceInterruptionBehavior)
	default:
		return invalid("Value (%s) for parameter instanceInterruptionBehavior is invalid.", s.InstanceInterruptionBehavior)
	}
	if price, err := strconv.ParseFloat(s.MaxPrice, 64); s.MaxPrice != "" && (err != nil || price <= 0) {
		return invalid("Value (%s) for parameter maxPrice is invalid. It must be a price in dollars.", s.MaxPrice)
	}
	return nil
}

// unstoppable is the answer to stopping an instance of a one-time request.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-requests.html
func unstoppable(i *instance) *apiError {
	return fail("UnsupportedOperation", "You can't stop the Spot Instance '%s' because it is associated with a one-time Spot Instance request. "+
		"You can only stop Spot Instances associated with persistent Spot Instance requests.", i.id)
}
