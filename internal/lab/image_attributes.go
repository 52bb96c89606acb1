package lab

import (
	"regexp"
	"slices"
	"strings"
)

// permissionParam is one launch permission, in requests and in the image.
type permissionParam struct{ UserId, Group, OrganizationArn, OrganizationalUnitArn string }

type permissionItem struct {
	UserID   string `xml:"userId,omitempty"`
	Group    string `xml:"group,omitempty"`
	OrgARN   string `xml:"organizationArn,omitempty"`
	OrgUnits string `xml:"organizationalUnitArn,omitempty"`
}

type textValue struct {
	Value string `xml:"value,omitempty"`
}

type imageAttributeInput struct{ ImageId, Attribute string }

type imageAttributeOutput struct {
	ImageID     string            `xml:"imageId"`
	Description *textValue        `xml:"description"`
	IMDSSupport *textValue        `xml:"imdsSupport"`
	BootMode    *textValue        `xml:"bootMode"`
	Permissions *[]permissionItem `xml:"launchPermission"`
	Mappings    []mappingItem     `xml:"blockDeviceMapping,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImageAttribute.html
func (r *region) describeImageAttribute(in *imageAttributeInput) (*imageAttributeOutput, *apiError) {
	found, err := r.ownImage(in.ImageId)
	if err != nil {
		return nil, err
	}
	out := &imageAttributeOutput{ImageID: found.id}
	switch in.Attribute {
	case "launchPermission":
		items := []permissionItem{}
		for _, p := range found.launch {
			items = append(items, permissionItem{
				UserID: p.UserId, Group: p.Group, OrgARN: p.OrganizationArn, OrgUnits: p.OrganizationalUnitArn,
			})
		}
		out.Permissions = &items
	case "description":
		out.Description = &textValue{found.description}
	case "imdsSupport":
		out.IMDSSupport = &textValue{found.imdsSupport}
	case "bootMode":
		out.BootMode = &textValue{found.item().BootMode}
	case "blockDeviceMapping":
		out.Mappings = found.item().Mappings
	default:
		return nil, invalid("Value (%s) for parameter attribute is invalid. Unknown attribute.", in.Attribute)
	}
	return out, nil
}

type valueParam struct{ Value string }

type permissionsParam struct{ Add, Remove []permissionParam }

type modifyImageInput struct {
	ImageId, Attribute, Value, OperationType                  string
	UserId, UserGroup, OrganizationArn, OrganizationalUnitArn []string
	Description, ImdsSupport                                  *valueParam
	LaunchPermission                                          *permissionsParam
}

// modifyImageAttribute changes one attribute, in either of its two request forms.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyImageAttribute.html
func (r *region) modifyImageAttribute(in *modifyImageInput) (*success, *apiError) {
	found, err := r.ownImage(in.ImageId)
	if err != nil {
		return nil, err
	}
	switch {
	case in.Description != nil:
		err = found.describe(in.Description.Value)
	case in.ImdsSupport != nil:
		err = found.requireTokens(in.ImdsSupport.Value)
	case in.LaunchPermission != nil:
		err = found.permit(in.LaunchPermission.Add, in.LaunchPermission.Remove)
	case in.Attribute == "description":
		err = found.describe(in.Value)
	case in.Attribute == "imdsSupport":
		err = found.requireTokens(in.Value)
	case in.Attribute == "launchPermission" && in.OperationType == "add":
		err = found.permit(in.permissions(), nil)
	case in.Attribute == "launchPermission" && in.OperationType == "remove":
		err = found.permit(nil, in.permissions())
	case in.Attribute == "launchPermission":
		err = invalid("Value (%s) for parameter operationType is invalid.", in.OperationType)
	case in.Attribute == "":
		err = missing("Attribute")
	default:
		err = invalid("Value (%s) for parameter attribute is invalid. Unknown attribute.", in.Attribute)
	}
	if err != nil {
		return nil, err
	}
	return &success{Return: true}, nil
}

// permissions are those of the request's older form.
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

func (i *image) describe(text string) *apiError {
	if len([]rune(text)) > maxDescription {
		return invalid("Value for parameter description is invalid. It has more than %d characters.", maxDescription)
	}
	i.description = text
	return nil
}

// requireTokens makes IMDSv2 the default of instances; that cannot be undone.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-IMDS-new-instances.html#configure-IMDS-new-instances-ami-configuration
func (i *image) requireTokens(value string) *apiError {
	if value != imdsV2 {
		return invalid("Value (%s) for parameter imdsSupport is invalid.", value)
	}
	i.imdsSupport = value
	return nil
}

var accountForm = regexp.MustCompile(`^[0-9]{12}$`)

// permit adds and removes launch permissions. Adding what is there and removing what
// is not changes nothing.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html
func (i *image) permit(add, remove []permissionParam) *apiError {
	for _, p := range slices.Concat(add, remove) {
		switch {
		case p.UserId != "" && !accountForm.MatchString(p.UserId):
			return fail("InvalidAMIAttributeItemValue", "Invalid attribute item value \"%s\" for userId item type.", p.UserId)
		case p.Group != "" && p.Group != "all":
			return fail("InvalidAMIAttributeItemValue", "Invalid attribute item value \"%s\" for group item type.", p.Group)
		case p == permissionParam{}:
			return missing("LaunchPermission")
		}
	}
	public := slices.Contains(add, permissionParam{Group: "all"})
	if public && slices.ContainsFunc(i.mappings, func(m mapping) bool { return m.encrypted }) {
		return invalid("Snapshot %s is encrypted. Image %s with encrypted snapshots can't be made public",
			strings.Join(i.blockDevices(func(m mapping) string { return m.snapshotID }), ", "), i.id)
	}
	for _, p := range add {
		if !slices.Contains(i.launch, p) {
			i.launch = append(i.launch, p)
		}
	}
	i.launch = slices.DeleteFunc(i.launch, func(p permissionParam) bool { return slices.Contains(remove, p) })
	return nil
}
