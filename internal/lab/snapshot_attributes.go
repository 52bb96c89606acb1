package lab

import "slices"

// volumePermission is one permission to make volumes of a snapshot, in requests and
// in the snapshot.
type volumePermission struct{ UserId, Group string }

type volumePermissionItem struct {
	UserID string `xml:"userId,omitempty"`
	Group  string `xml:"group,omitempty"`
}

// public tells whether everyone may make volumes of it.
func (s *snapshot) public() bool {
	return slices.Contains(s.permissions, volumePermission{Group: "all"})
}

type snapshotAttributeInput struct{ SnapshotId, Attribute string }

type snapshotAttributeOutput struct {
	SnapshotID  string                  `xml:"snapshotId"`
	Permissions *[]volumePermissionItem `xml:"createVolumePermission"`
	Products    *[]string               `xml:"productCodes"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshotAttribute.html
func (r *region) describeSnapshotAttribute(in *snapshotAttributeInput) (*snapshotAttributeOutput, *apiError) {
	found, err := r.ownSnapshot(in.SnapshotId)
	if err != nil {
		return nil, err
	}
	out := &snapshotAttributeOutput{SnapshotID: found.id}
	switch in.Attribute {
	case "createVolumePermission":
		items := []volumePermissionItem{}
		for _, p := range found.permissions {
			items = append(items, volumePermissionItem{UserID: p.UserId, Group: p.Group})
		}
		out.Permissions = &items
	case "productCodes":
		out.Products = &[]string{}
	case "":
		return nil, missing("Attribute")
	default:
		return nil, invalid("Value (%s) for parameter attribute is invalid. Unknown attribute.", in.Attribute)
	}
	return out, nil
}

type volumePermissionsParam struct{ Add, Remove []volumePermission }

type modifySnapshotInput struct {
	SnapshotId, Attribute, OperationType string
	UserId, UserGroup                    []string
	CreateVolumePermission               *volumePermissionsParam
}

// modifySnapshotAttribute shares a snapshot, in either of the two request forms.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySnapshotAttribute.html
func (r *region) modifySnapshotAttribute(in *modifySnapshotInput) (*success, *apiError) {
	found, err := r.ownSnapshot(in.SnapshotId)
	if err != nil {
		return nil, err
	}
	if in.Attribute != "" && in.Attribute != "createVolumePermission" {
		return nil, invalid("Value (%s) for parameter attribute is invalid. Unknown attribute.", in.Attribute)
	}
	asked := in.CreateVolumePermission
	if asked == nil {
		asked = &volumePermissionsParam{}
		switch in.OperationType {
		case "add":
			asked.Add = in.permissions()
		case "remove":
			asked.Remove = in.permissions()
		default:
			return nil, invalid("Value (%s) for parameter operationType is invalid.", in.OperationType)
		}
	}
	if err := found.permit(asked.Add, asked.Remove); err != nil {
		return nil, err
	}
	return &success{Return: true}, nil
}

func (in *modifySnapshotInput) permissions() []volumePermission {
	var all []volumePermission
	for _, id := range in.UserId {
		all = append(all, volumePermission{UserId: id})
	}
	for _, group := range in.UserGroup {
		all = append(all, volumePermission{Group: group})
	}
	return all
}

// permit adds and removes permissions. Encrypted snapshots cannot be public, and
// those of the key that AWS manages cannot be shared at all.
// https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html
func (s *snapshot) permit(add, remove []volumePermission) *apiError {
	if len(add)+len(remove) == 0 {
		return missing("CreateVolumePermission")
	}
	for _, p := range slices.Concat(add, remove) {
		switch {
		case p.UserId != "" && !accountForm.MatchString(p.UserId):
			return fail("InvalidUserID.Malformed", "Invalid user id: \"%s\"", p.UserId)
		case p.Group != "" && p.Group != "all":
			return invalid("Value (%s) for parameter group is invalid.", p.Group)
		case p == volumePermission{}:
			return missing("CreateVolumePermission")
		}
	}
	switch {
	case len(add) == 0:
	case s.encrypted && s.kmsKeyID == s.region.kmsARN(mapping{encrypted: true}):
		return fail("OperationNotPermitted", "Encrypted snapshots with EBS default key cannot be shared")
	case s.encrypted && slices.Contains(add, volumePermission{Group: "all"}):
		return fail("OperationNotPermitted", "Encrypted snapshots cannot be shared publicly")
	}
	for _, p := range add {
		if !slices.Contains(s.permissions, p) {
			s.permissions = append(s.permissions, p)
		}
	}
	s.permissions = slices.DeleteFunc(s.permissions, func(p volumePermission) bool { return slices.Contains(remove, p) })
	return nil
}

// resetSnapshotAttribute makes a snapshot private.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ResetSnapshotAttribute.html
func (r *region) resetSnapshotAttribute(in *snapshotAttributeInput) (*success, *apiError) {
	found, err := r.ownSnapshot(in.SnapshotId)
	switch {
	case err != nil:
		return nil, err
	case in.Attribute == "":
		return nil, missing("Attribute")
	case in.Attribute != "createVolumePermission":
		return nil, invalid("Value (%s) for parameter attribute is invalid. Unknown attribute.", in.Attribute)
	}
	found.permissions = nil
	return &success{Return: true}, nil
}
