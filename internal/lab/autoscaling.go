package lab

import (
	"net/http"
)

// scalingVersion is the API version of Auto Scaling that the lab speaks.
const (
	scalingVersion   = "2011-01-01"
	scalingNamespace = "http://autoscaling.amazonaws.com/doc/" + scalingVersion + "/"
)

// scalingActions are the actions of Auto Scaling that the lab knows. There are no
// launch configurations, mixed instances policies, warm pools, lifecycle hooks,
// scheduled actions and metrics.
var scalingActions = union(
	scalingGroupActions,
	scalingInstanceActions,
	scalingRefreshActions,
	scalingTagActions,
	scalingTrafficActions,
	scalingPolicyActions,
)

// scaled turns a method into an action. Parameters and their errors have the form
// that Elastic Load Balancing's have.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/CommonErrors.html
func scaled[I, O any](do func(*region, *I) (*O, *apiError)) action { return elb(do) }

func doScaling(_ *Lab, r *region, c *call) (any, *apiError) {
	do := scalingActions[c.action]
	if do == nil || c.form.Get("Version") != scalingVersion {
		return nil, fail("InvalidAction", "Could not find operation %s for version %s", c.action, c.form.Get("Version"))
	}
	return do(r, c)
}

func answerScaling(w http.ResponseWriter, c *call, result any) {
	answerQuery(w, c, scalingNamespace, result)
}

func refuseScaling(w http.ResponseWriter, c *call, err *apiError) {
	refuseQuery(w, c, scalingNamespace, err)
}

// scalingPages are the parameters of the lists.
type scalingPages struct {
	MaxRecords *int
	NextToken  string
}

// scalingPage cuts a page out of things.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html
func scalingPage[T thing](all []T, asked scalingPages) (some []T, next string, err *apiError) {
	const most = 100
	if asked.MaxRecords != nil && (*asked.MaxRecords < 1 || *asked.MaxRecords > most) {
		return nil, "", validation("1 validation error detected: Value '%d' at 'maxRecords' failed to satisfy constraint: "+
			"Member must have value between 1 and %d", *asked.MaxRecords, most)
	}
	return page(all, pageParams{MaxResults: asked.MaxRecords, NextToken: asked.NextToken}, pageLimits{least: 1, most: most})
}
