package lab

import "time"

// imageRetirementActions take images out of use, step by step.
var imageRetirementActions = map[string]action{
	"DeregisterImage":                      of((*region).deregisterImage),
	"EnableImageDeregistrationProtection":  of((*region).enableProtection),
	"DisableImageDeregistrationProtection": of((*region).disableProtection),
	"EnableImageDeprecation":               of((*region).enableDeprecation),
	"DisableImageDeprecation":              of((*region).disableDeprecation),
	"EnableImage":                          of((*region).enableImage),
	"DisableImage":                         of((*region).disableImage),
}

// Limits of a deprecation date, in years: from now, and of a public image from its
// creation.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImageDeprecation.html
const (
	maxDeprecation       = 10
	maxPublicDeprecation = 2
)

type deprecationInput struct{ ImageId, DeprecateAt string }

// enableDeprecation sets when the image becomes deprecated, to the minute.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImageDeprecation.html
func (r *region) enableDeprecation(in *deprecationInput) (*success, *apiError) {
	found, err := r.ownImage(in.ImageId)
	if err != nil {
		return nil, err
	}
	if in.DeprecateAt == "" {
		return nil, missing("DeprecateAt")
	}
	asked, bad := time.Parse(time.RFC3339, in.DeprecateAt)
	if bad != nil {
		return nil, invalid("Value (%s) for parameter DeprecateAt is invalid. It must be a time in UTC, as YYYY-MM-DDTHH:MM:SSZ", in.DeprecateAt)
	}
	now := r.now()
	latest := now.AddDate(maxDeprecation, 0, 0)
	if found.public() {
		latest = found.created.AddDate(maxPublicDeprecation, 0, 0)
	}
	switch {
	case asked.Before(now):
		return nil, invalid("Value (%s) for parameter DeprecateAt is invalid. It must not be in the past", in.DeprecateAt)
	case asked.After(latest):
		return nil, invalid("Value (%s) for parameter DeprecateAt is invalid. It must not be after %s", in.DeprecateAt, latest.Format(timeForm))
	}
	found.deprecated = asked.UTC().Round(time.Minute)
	return &success{Return: true}, nil
}

// disableDeprecation takes the date away, except from public images.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html
func (r *region) disableDeprecation(in *imageInput) (*success, *apiError) {
	found, err := r.ownImage(in.ImageId)
	if err != nil {
		return nil, err
	}
	if found.public() {
		return nil, fail("OperationNotPermitted", "The deprecation of the public image %s cannot be cancelled.", found.id)
	}
	found.deprecated = time.Time{}
	return &success{Return: true}, nil
}

// isDeprecated tells whether the date has come.
func (i *image) isDeprecated(now time.Time) bool {
	return !i.deprecated.IsZero() && !now.Before(i.deprecated)
}

// disableImage keeps an image from being launched and takes all launch permissions
// away. Disabling again changes nothing.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/disable-an-ami.html
func (r *region) disableImage(in *imageInput) (*success, *apiError) {
	found, err := r.ownImage(in.ImageId)
	if err != nil {
		return nil, err
	}
	if found.state != imageAvailable && found.state != imageDisabled {
		return nil, fail("IncorrectState", "The image %s is %s and cannot be disabled.", found.id, found.state)
	}
	found.state, found.launch = imageDisabled, nil
	return &success{Return: true}, nil
}

// enableImage does not bring launch permissions back.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImage.html
func (r *region) enableImage(in *imageInput) (*success, *apiError) {
	found, err := r.ownImage(in.ImageId)
	if err != nil {
		return nil, err
	}
	if found.state != imageAvailable && found.state != imageDisabled {
		return nil, fail("IncorrectState", "The image %s is %s and cannot be enabled.", found.id, found.state)
	}
	found.state = imageAvailable
	return &success{Return: true}, nil
}
