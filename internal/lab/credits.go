package lab

// Credit options of burstable instances.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-performance-instances-how-to.html
const (
	creditsStandard  = "standard"
	creditsUnlimited = "unlimited"
)

// credits is the option of a new instance: T2 is standard and every other burstable
// family is unlimited unless asked otherwise, and no other type has one.
func (t *instanceType) credits(asked *creditParam) string {
	switch {
	case !t.burstable:
		return ""
	case asked != nil:
		return asked.CpuCredits
	case t.xen:
		return creditsStandard
	}
	return creditsUnlimited
}

type describeCreditsInput struct {
	InstanceId []string
	Filter     []filterParam
	pageParams
}

type creditItem struct {
	InstanceID string `xml:"instanceId"`
	CPUCredits string `xml:"cpuCredits"`
}

type describeCreditsOutput struct {
	Credits   []creditItem `xml:"instanceCreditSpecificationSet"`
	NextToken string       `xml:"nextToken,omitempty"`
}

// describeCredits tells, without ids, only of instances that are unlimited.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceCreditSpecifications.html
func (r *region) describeCredits(in *describeCreditsInput) (*describeCreditsOutput, *apiError) {
	if len(in.InstanceId) > 0 && in.MaxResults != nil {
		return nil, combination("The parameter instanceIds cannot be used with the parameter maxResults")
	}
	if err := checkInstanceIDs(in.InstanceId); err != nil {
		return nil, err
	}
	told := func(i *instance) bool { return i.live() && (len(in.InstanceId) > 0 || i.credits == creditsUnlimited) }
	found, next, err := list(&r.instances, listing[*instance]{
		ids: in.InstanceId, absent: noInstance, filters: in.Filter,
		fields: filterable[*instance]{"instance-id": instanceFilters["instance-id"]}, also: told,
		page: in.pageParams, limits: pageLimits{least: 5, most: 1000},
	})
	if err != nil {
		return nil, err
	}
	out := &describeCreditsOutput{NextToken: next}
	for _, i := range found {
		if i.credits == "" {
			return nil, fail("InvalidCreditSpecification", "The instance '%s' is not a burstable performance instance", i.id)
		}
		out.Credits = append(out.Credits, creditItem{InstanceID: i.id, CPUCredits: i.credits})
	}
	return out, nil
}
