package lab

import (
	"regexp"
	"slices"
)

// imageSharingActions decide who else may launch an image.
var imageSharingActions = map[string]action{
	"DescribeImageAttribute":         of((*region).describeImageAttribute),
	"ModifyImageAttribute":           of((*region).modifyImageAttribute),
	"ResetImageAttribute":            of((*region).resetImageAttribute),
	"GetImageBlockPublicAccessState": of((*region).imagePublicAccess),
	"EnableImageBlockPublicAccess":   of((*region).blockImagePublicAccess),
	"DisableImageBlockPublicAccess":  of((*region).unblockImagePublicAccess),
}

// permissionParam is one launch permission, in requests and in the image.
type permissionParam struct{ UserId, Group, OrganizationArn, OrganizationalUnitArn string }

type permissionItem struct {
	UserID   string `xml:"userId,omitempty"`
	Group    string `xml:"group,omitempty"`
	OrgARN   string `xml:"organizationArn,omitempty"`
	OrgUnits string `xml:"organizationalUnitArn,omitempty"`
}

// permissions are those of a request's older form.
func (in *modifyImageInput) permissions() []permissionParam {
	var all []permissionParam
	for _, id := range in.UserId {
		all = append(all, permissionParam{UserId: id})
	}
	for _, group := range in.UserGroup {
		all = append(all, permissionParam{Group: group})
	}
	for _, arn := range in.OrganizationArn {
		all = append(all, permissionParam{OrganizationArn: arn})
	}
	for _, arn := range in.OrganizationalUnitArn {
		all = append(all, permissionParam{OrganizationalUnitArn: arn})
	}
	return all
}

// What launch permissions name. ARNs are those of Organizations.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/share-amis-org-ou-manage.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
var (
	accountForm      = regexp.MustCompile(`^[0-9]{12}$`)
	organizationForm = regexp.MustCompile(`^arn:aws:organizations::[0-9]{12}:organization/o-[a-z0-9]{10,32}$`)
	unitForm         = regexp.MustCompile(`^arn:aws:organizations::[0-9]{12}:ou/o-[a-z0-9]{10,32}/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}$`)
)

// check refuses what is none of the four kinds of permission, or more than one.
func (p permissionParam) check() *apiError {
	bad := func(value, kind string) *apiError {
		return fail("InvalidAMIAttributeItemValue", "Invalid attribute item value \"%s\" for %s item type.", value, kind)
	}
	switch {
	case p.UserId != "" && !accountForm.MatchString(p.UserId):
		return bad(p.UserId, "userId")
	case p.Group != "" && p.Group != "all":
		return bad(p.Group, "group")
	case p.OrganizationArn != "" && !organizationForm.MatchString(p.OrganizationArn):
		return bad(p.OrganizationArn, "organizationArn")
	case p.OrganizationalUnitArn != "" && !unitForm.MatchString(p.OrganizationalUnitArn):
		return bad(p.OrganizationalUnitArn, "organizationalUnitArn")
	case p == permissionParam{}:
		return missing("LaunchPermission")
	}
	return nil
}

// permit adds and removes launch permissions. Adding what is there and removing what
// is not changes nothing.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html
func (i *image) permit(add, remove []permissionParam) *apiError {
	if len(add)+len(remove) == 0 {
		return missing("LaunchPermission")
	}
	for _, p := range slices.Concat(add, remove) {
		if err := p.check(); err != nil {
			return err
		}
	}
	if len(add) > 0 {
		if err := i.shareable(slices.Contains(add, permissionParam{Group: "all"})); err != nil {
			return err
		}
	}
	for _, p := range add {
		if !slices.Contains(i.launch, p) {
			i.launch = append(i.launch, p)
		}
	}
	i.launch = slices.DeleteFunc(i.launch, func(p permissionParam) bool { return slices.Contains(remove, p) })
	i.limitDeprecation()
	return nil
}

// shareable refuses to share what cannot be: encrypted images with everybody, and
// those that are encrypted by the key that AWS manages, which no other account can
// use, with anybody.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-intro.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html
func (i *image) shareable(public bool) *apiError {
	if i.state != imageAvailable {
		return fail("InvalidAMIID.Unavailable", "The image ID '%s' is not available", i.id)
	}
	for _, m := range i.mappings {
		switch {
		case m.encrypted && i.region.kmsARN(m) == i.region.kmsARN(mapping{encrypted: true}):
			return fail("InvalidParameter", "Snapshots encrypted with the AWS Managed CMK can't be shared. Specify another snapshot.")
		case m.encrypted && public:
			return fail("UnsupportedOperation", "Encrypted snapshots can't be shared publicly. Specify another snapshot.")
		}
	}
	if public && i.region.publicImages != unblocked {
		return fail("OperationNotPermitted", "You can't publicly share this image because block public access for AMIs is enabled "+
			"for this account. To publicly share the image, you must call the DisableImageBlockPublicAccess API.")
	}
	return nil
}

// limitDeprecation gives a public image the date that it becomes deprecated by.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ami-deprecate.html
func (i *image) limitDeprecation() {
	latest := i.created.AddDate(maxPublicDeprecation, 0, 0)
	if i.public() && (i.deprecated.IsZero() || i.deprecated.After(latest)) {
		i.deprecated = latest
	}
}

type resetImageInput struct{ ImageId, Attribute string }

// resetImageAttribute makes an image private; nothing else can be reset.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ResetImageAttribute.html
func (r *region) resetImageAttribute(in *resetImageInput) (*success, *apiError) {
	found, err := r.ownImage(in.ImageId)
	switch {
	case err != nil:
		return nil, err
	case in.Attribute == "":
		return nil, missing("Attribute")
	case in.Attribute != "launchPermission":
		return nil, invalid("Value (%s) for parameter attribute is invalid. Unknown attribute.", in.Attribute)
	}
	found.launch = nil
	return &success{Return: true}, nil
}

// publicAccess is whether images can be made public in a region. A fresh account's
// cannot.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-public-access-to-amis.html
type publicAccess string

const (
	blockNewSharing publicAccess = "block-new-sharing"
	unblocked       publicAccess = "unblocked"
)

type noInput struct{}

type publicAccessOutput struct {
	State string `xml:"imageBlockPublicAccessState"`
	// ManagedBy is only in the answer of the reading call.
	ManagedBy string `xml:"managedBy,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetImageBlockPublicAccessState.html
func (r *region) imagePublicAccess(*noInput) (*publicAccessOutput, *apiError) {
	return &publicAccessOutput{State: string(r.publicImages), ManagedBy: "account"}, nil
}

type blockInput struct{ ImageBlockPublicAccessState string }

// blockImagePublicAccess leaves alone what is public already. On AWS it may take ten
// minutes to have its effect, here it has it at once.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImageBlockPublicAccess.html
func (r *region) blockImagePublicAccess(in *blockInput) (*publicAccessOutput, *apiError) {
	switch in.ImageBlockPublicAccessState {
	case "":
		return nil, missing("ImageBlockPublicAccessState")
	case string(blockNewSharing):
		r.publicImages = blockNewSharing
		return &publicAccessOutput{State: string(blockNewSharing)}, nil
	}
	return nil, invalid("Value (%s) for parameter ImageBlockPublicAccessState is invalid.", in.ImageBlockPublicAccessState)
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisableImageBlockPublicAccess.html
func (r *region) unblockImagePublicAccess(*noInput) (*publicAccessOutput, *apiError) {
	r.publicImages = unblocked
	return &publicAccessOutput{State: string(unblocked)}, nil
}
