package lab

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
)

// templateData are the launch parameters of one version: those parameters of
// RunInstances that a template can have and the lab understands. Fields are named
// as there, which is what overlay goes by.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RequestLaunchTemplateData.html
type templateData struct {
	ImageId, InstanceType, KeyName, UserData string
	SecurityGroupId, SecurityGroup           []string
	NetworkInterface                         []interfaceParam
	BlockDeviceMapping                       []mappingParam
	TagSpecification                         []tagSpecification
	IamInstanceProfile                       *profileParam
	MetadataOptions                          *metadataParam
	Placement                                *placementParam
	Monitoring                               *enabledParam
	InstanceMarketOptions                    *marketParam
	CreditSpecification                      *creditParam
	InstanceInitiatedShutdownBehavior        string
	EbsOptimized, DisableApiTermination      *bool
	DisableApiStop                           *bool
	CapacityReservationSpecification         *reservationParam
}

// overlay gives every field of a struct that has no value the value of the field of
// the same name below it: what a request names stands, the rest is the template's.
func overlay(upper, lower any) {
	above, below := reflect.ValueOf(upper).Elem(), reflect.ValueOf(lower).Elem()
	for i := range below.NumField() {
		field := above.FieldByName(below.Type().Field(i).Name)
		if field.IsZero() {
			field.Set(below.Field(i))
		}
	}
}

// over is the data over that of a source version. Snapshots of the source are not
// taken over.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplateVersion.html
func (d *templateData) over(source *templateData) *templateData {
	above, below := *d, *source
	below.BlockDeviceMapping = nil
	for _, m := range source.BlockDeviceMapping {
		if m.Ebs != nil {
			without := *m.Ebs
			without.SnapshotId = ""
			m.Ebs = &without
		}
		below.BlockDeviceMapping = append(below.BlockDeviceMapping, m)
	}
	overlay(&above, &below)
	return &above
}

// check refuses what no launch could take. Anything else is found out at launch.
func (d *templateData) check() *apiError {
	for _, specification := range d.TagSpecification {
		if err := checkTags(specification.Tag); err != nil {
			return err
		}
	}
	if len(d.NetworkInterface) > 0 && len(d.SecurityGroupId)+len(d.SecurityGroup) > 0 {
		return combination("Network interfaces and an instance-level security groups may not be specified on the same request")
	}
	return nil
}

// writeXML writes the data as a response has it: the request's names with a small
// first letter, and "Set" at the end of lists. Only what was given is there.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ResponseLaunchTemplateData.html
func (d templateData) writeXML(out *bytes.Buffer) { echo(out, reflect.ValueOf(&d).Elem()) }

func echo(out *bytes.Buffer, value reflect.Value) {
	switch value.Kind() {
	case reflect.Pointer:
		echo(out, value.Elem())
	case reflect.Struct:
		for i := range value.NumField() {
			if field := value.Field(i); !field.IsZero() {
				echoField(out, value.Type(), value.Type().Field(i).Name, field)
			}
		}
	default:
		writeText(out, fmt.Sprint(value.Interface()))
	}
}

func echoField(out *bytes.Buffer, of reflect.Type, name string, field reflect.Value) {
	name = strings.ToLower(name[:1]) + name[1:]
	item := "item"
	if field.Kind() == reflect.Slice {
		name += "Set"
	}
	if of == reflect.TypeFor[interfaceParam]() && name == "securityGroupIdSet" {
		name, item = "groupSet", "groupId"
	}
	out.WriteString("<" + name + ">")
	if field.Kind() == reflect.Slice {
		for i := range field.Len() {
			out.WriteString("<" + item + ">")
			echo(out, field.Index(i))
			out.WriteString("</" + item + ">")
		}
	} else {
		echo(out, field)
	}
	out.WriteString("</" + name + ">")
}

// templateParam is RunInstances' LaunchTemplate.
type templateParam struct{ LaunchTemplateId, LaunchTemplateName, Version string }

// Tags that an instance from a template gets. Nobody can remove or change them.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/launch-instances-from-launch-template.html
const (
	tagTemplateID      = "aws:ec2launchtemplate:id"
	tagTemplateVersion = "aws:ec2launchtemplate:version"
)

// fromTemplate puts a launch's parameters over those of the template that it names;
// without one it answers the launch as it is.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
func (r *region) fromTemplate(in *runInstancesInput) (*runInstancesInput, tagMap, *apiError) {
	if in.LaunchTemplate == nil {
		return in, nil, nil
	}
	named := in.LaunchTemplate
	found, err := r.launchTemplate(templateRef{named.LaunchTemplateId, named.LaunchTemplateName})
	if err != nil {
		return nil, nil, err
	}
	version, err := found.find(named.Version)
	if err != nil {
		return nil, nil, err
	}
	merged := *in
	overlay(&merged, version.data)
	return &merged, tagMap{tagTemplateID: found.id, tagTemplateVersion: fmt.Sprint(version.number)}, nil
}
