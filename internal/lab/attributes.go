package lab

import (
	"encoding/base64"
	"slices"
	"strconv"
)

type boolValue struct {
	Value bool `xml:"value"`
}

type instanceAttributeInput struct{ InstanceId, Attribute string }

type instanceAttributeOutput struct {
	InstanceID     string                 `xml:"instanceId"`
	Type           *textValue             `xml:"instanceType"`
	UserData       *textValue             `xml:"userData"`
	Protected      *boolValue             `xml:"disableApiTermination"`
	StopProtected  *boolValue             `xml:"disableApiStop"`
	Shutdown       *textValue             `xml:"instanceInitiatedShutdownBehavior"`
	RootDevice     *textValue             `xml:"rootDeviceName"`
	SourceDest     *boolValue             `xml:"sourceDestCheck"`
	EBSOptimized   *boolValue             `xml:"ebsOptimized"`
	ENA            *boolValue             `xml:"enaSupport"`
	Groups         *[]groupItem           `xml:"groupSet"`
	Mappings       *[]instanceMappingItem `xml:"blockDeviceMapping"`
	EnclaveOptions *enabledItem           `xml:"enclaveOptions"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceAttribute.html
func (r *region) describeInstanceAttribute(in *instanceAttributeInput) (*instanceAttributeOutput, *apiError) {
	found, err := r.liveOne(in.InstanceId)
	if err != nil {
		return nil, err
	}
	out := &instanceAttributeOutput{InstanceID: found.id}
	item := found.item()
	switch in.Attribute {
	case "instanceType":
		out.Type = &textValue{found.kind.name}
	case "userData":
		out.UserData = &textValue{base64.StdEncoding.EncodeToString(found.userData)}
	case "disableApiTermination":
		out.Protected = &boolValue{found.protected}
	case "disableApiStop":
		out.StopProtected = &boolValue{found.stopProtected}
	case "instanceInitiatedShutdownBehavior":
		out.Shutdown = &textValue{onOff(found.shutdownTerminates, "terminate", "stop")}
	case "rootDeviceName":
		out.RootDevice = &textValue{item.RootDevice}
	case "sourceDestCheck":
		out.SourceDest = &boolValue{found.card.sourceDestCheck}
	case "ebsOptimized":
		out.EBSOptimized = &boolValue{found.ebsOptimized}
	case "enaSupport":
		out.ENA = &boolValue{true}
	case "groupSet":
		out.Groups = &item.Groups
	case "blockDeviceMapping":
		out.Mappings = &item.Mappings
	case "enclaveOptions":
		out.EnclaveOptions = &enabledItem{}
	default:
		return nil, invalid("Value (%s) for parameter attribute is invalid. Unknown attribute.", in.Attribute)
	}
	return out, nil
}

type boolParam struct{ Value *bool }

type blobParam struct{ Value []byte }

type modifyInstanceInput struct {
	InstanceId, Attribute, Value                           string
	GroupId                                                []string
	SourceDestCheck, DisableApiTermination, DisableApiStop *boolParam
	EbsOptimized                                           *boolParam
	InstanceType, InstanceInitiatedShutdownBehavior        *valueParam
	UserData                                               *blobParam
	BlockDeviceMapping                                     []instanceMappingParam
}

// instanceMappingParam is what can be said of a volume that an instance has.
type instanceMappingParam struct {
	DeviceName, VirtualName string
	NoDevice                *string
	Ebs                     *instanceEBSParam
}

type instanceEBSParam struct {
	DeleteOnTermination *bool
	VolumeId            string
}

// modifyInstanceAttribute changes one attribute. The older form, with Attribute and
// Value, is turned into the newer one.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceAttribute.html
func (r *region) modifyInstanceAttribute(in *modifyInstanceInput) (*success, *apiError) {
	found, err := r.liveOne(in.InstanceId)
	if err != nil {
		return nil, err
	}
	if err := in.modernise(); err != nil {
		return nil, err
	}
	err = oneAttribute(map[string]bool{
		"groupSet": len(in.GroupId) > 0, "sourceDestCheck": in.SourceDestCheck != nil,
		"disableApiTermination": in.DisableApiTermination != nil, "disableApiStop": in.DisableApiStop != nil,
		"instanceInitiatedShutdownBehavior": in.InstanceInitiatedShutdownBehavior != nil,
		"instanceType":                      in.InstanceType != nil, "userData": in.UserData != nil,
		"ebsOptimized": in.EbsOptimized != nil, "blockDeviceMapping": len(in.BlockDeviceMapping) > 0,
	})
	switch {
	case err != nil:
	case len(in.GroupId) > 0:
		err = found.setGroups(in.GroupId)
	case in.SourceDestCheck != nil:
		found.card.sourceDestCheck = isTrue(in.SourceDestCheck.Value)
	case in.DisableApiTermination != nil:
		found.protected = isTrue(in.DisableApiTermination.Value)
	case in.DisableApiStop != nil:
		found.stopProtected = isTrue(in.DisableApiStop.Value)
	case in.InstanceInitiatedShutdownBehavior != nil:
		err = found.setShutdown(in.InstanceInitiatedShutdownBehavior.Value)
	case len(in.BlockDeviceMapping) > 0:
		err = found.setDeletion(in.BlockDeviceMapping)
	default:
		err = found.modifyStopped(in)
	}
	if err != nil {
		return nil, err
	}
	return &success{Return: true}, nil
}

func (in *modifyInstanceInput) modernise() *apiError {
	flag := func() *boolParam {
		value, err := strconv.ParseBool(in.Value)
		return &boolParam{Value: boolPointer(value && err == nil)}
	}
	switch in.Attribute {
	case "", "groupSet", "blockDeviceMapping": // lists have parameters of their own
	case "sourceDestCheck":
		in.SourceDestCheck = flag()
	case "disableApiTermination":
		in.DisableApiTermination = flag()
	case "disableApiStop":
		in.DisableApiStop = flag()
	case "ebsOptimized":
		in.EbsOptimized = flag()
	case "instanceType":
		in.InstanceType = &valueParam{in.Value}
	case "instanceInitiatedShutdownBehavior":
		in.InstanceInitiatedShutdownBehavior = &valueParam{in.Value}
	case "userData":
		content, err := base64.StdEncoding.DecodeString(in.Value)
		if err != nil {
			return fail("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")
		}
		in.UserData = &blobParam{content}
	default:
		return invalid("Value (%s) for parameter attribute is invalid. Unknown attribute.", in.Attribute)
	}
	return nil
}

func boolPointer(value bool) *bool { return &value }

func (i *instance) setGroups(ids []string) *apiError {
	groups, err := i.region.groupsOf(ids, nil, i.card.subnet.vpc)
	if err != nil {
		return err
	}
	i.card.groups = groups
	return nil
}

// setDeletion says of volumes what becomes of them at the instance's end; of all of
// them or of none.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/preserving-volumes-on-termination.html
func (i *instance) setDeletion(params []instanceMappingParam) *apiError {
	chosen := make([]*volume, len(params))
	for at, asked := range params {
		of := slices.IndexFunc(i.volumes, func(v *volume) bool { return v.device == asked.DeviceName })
		switch {
		case asked.DeviceName == "":
			return missing("deviceName")
		case of < 0:
			return fail("InvalidInstanceAttributeValue", "No device is currently mapped at %s", asked.DeviceName)
		case asked.Ebs == nil || asked.Ebs.DeleteOnTermination == nil:
			return missing("ebs.deleteOnTermination")
		case asked.Ebs.VolumeId != "" && asked.Ebs.VolumeId != i.volumes[of].id:
			return fail("InvalidInstanceAttributeValue", "The volume %s is not mapped at %s", asked.Ebs.VolumeId, asked.DeviceName)
		}
		chosen[at] = i.volumes[of]
	}
	for at, v := range chosen {
		v.deleteOnTermination = *params[at].Ebs.DeleteOnTermination
	}
	return nil
}

func (i *instance) setShutdown(behavior string) *apiError {
	if behavior != "stop" && behavior != "terminate" {
		return invalid("Value (%s) for parameter instanceInitiatedShutdownBehavior is invalid.", behavior)
	}
	i.shutdownTerminates = behavior == "terminate"
	return nil
}

// modifyStopped changes what can only be changed while the instance is stopped.
func (i *instance) modifyStopped(in *modifyInstanceInput) *apiError {
	if i.state != stateStopped {
		return fail("IncorrectInstanceState", "The instance '%s' is not in the 'stopped' state.", i.id)
	}
	if in.UserData != nil {
		if len(in.UserData.Value) > maxUserData {
			return invalid("User data is limited to %d bytes", maxUserData)
		}
		i.userData = in.UserData.Value
	}
	if in.EbsOptimized != nil {
		i.ebsOptimized = isTrue(in.EbsOptimized.Value)
	}
	if in.InstanceType == nil {
		return nil
	}
	kind := instanceTypes[in.InstanceType.Value]
	if kind == nil {
		return invalid("Invalid value '%s' for InstanceType.", in.InstanceType.Value)
	}
	if kind.architecture != i.kind.architecture {
		return invalid("The architecture of '%s' does not match that of the instance, '%s'", kind.name, i.kind.architecture)
	}
	i.kind = kind
	return nil
}
