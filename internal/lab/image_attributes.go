package lab

import (
	"slices"
	"strings"
	"time"
)

type textValue struct {
	Value string `xml:"value,omitempty"`
}

type imageAttributeInput struct{ ImageId, Attribute string }

type imageAttributeOutput struct {
	ImageID     string            `xml:"imageId"`
	Description *textValue        `xml:"description"`
	IMDSSupport *textValue        `xml:"imdsSupport"`
	TPMSupport  *textValue        `xml:"tpmSupport"`
	SRIOV       *textValue        `xml:"sriovNetSupport"`
	BootMode    *textValue        `xml:"bootMode"`
	Launched    *textValue        `xml:"lastLaunchedTime"`
	Protection  *textValue        `xml:"deregistrationProtection"`
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
	case "tpmSupport":
		out.TPMSupport = &textValue{found.tpmSupport}
	case "sriovNetSupport":
		out.SRIOV = &textValue{found.item(r.account).SRIOV}
	case "bootMode":
		out.BootMode = &textValue{found.boots()}
	case "lastLaunchedTime":
		out.Launched = &textValue{}
		if !found.lastLaunched.IsZero() {
			out.Launched.Value = found.lastLaunched.Format(time.RFC3339)
		}
	case "deregistrationProtection":
		out.Protection = &textValue{found.protection.text(r.now())}
	case "blockDeviceMapping":
		out.Mappings = found.item(r.account).Mappings
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
	if err := in.modernise(); err != nil {
		return nil, err
	}
	err = oneAttribute(map[string]bool{
		"description": in.Description != nil, "imdsSupport": in.ImdsSupport != nil, "launchPermission": in.LaunchPermission != nil,
	})
	switch {
	case err != nil:
	case in.Description != nil:
		err = found.describe(in.Description.Value)
	case in.ImdsSupport != nil:
		err = found.requireTokens(in.ImdsSupport.Value)
	default:
		err = found.permit(in.LaunchPermission.Add, in.LaunchPermission.Remove)
	}
	if err != nil {
		return nil, err
	}
	return &success{Return: true}, nil
}

// modernise turns the older form, with Attribute and Value, into the newer one.
func (in *modifyImageInput) modernise() *apiError {
	switch in.Attribute {
	case "":
		// An attribute's name may be left out where the older form's lists give it away.
		if in.OperationType == "" {
			return nil
		}
		fallthrough
	case "launchPermission":
		if in.LaunchPermission != nil {
			return nil
		}
		in.LaunchPermission = &permissionsParam{}
		switch in.OperationType {
		case "add":
			in.LaunchPermission.Add = in.permissions()
		case "remove":
			in.LaunchPermission.Remove = in.permissions()
		default:
			return invalid("Value (%s) for parameter operationType is invalid.", in.OperationType)
		}
	case "description":
		if in.Description == nil {
			in.Description = &valueParam{in.Value}
		}
	case "imdsSupport":
		if in.ImdsSupport == nil {
			in.ImdsSupport = &valueParam{in.Value}
		}
	default:
		return invalid("Value (%s) for parameter attribute is invalid. Unknown attribute.", in.Attribute)
	}
	return nil
}

// oneAttribute refuses to change none, or several at once.
func oneAttribute(named map[string]bool) *apiError {
	var names []string
	for name, there := range named {
		if there {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	switch len(names) {
	case 0:
		return combination("No attributes specified.")
	case 1:
		return nil
	}
	return combination("Fields for multiple attribute types specified: %s", strings.Join(names, ", "))
}

func (i *image) describe(text string) *apiError {
	if err := checkDescription(text); err != nil {
		return err
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
