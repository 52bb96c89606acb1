package provider

import (
	"context"
	"strconv"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

type sourceModel struct {
	ImageID      types.String `tfsdk:"image_id"`
	Lookup       *lookupModel `tfsdk:"lookup"`
	SSMParameter types.String `tfsdk:"ssm_parameter"`
}

type lookupModel struct {
	Owners       types.List   `tfsdk:"owners"`
	Name         types.String `tfsdk:"name"`
	Architecture types.String `tfsdk:"architecture"`
	Filters      types.Map    `tfsdk:"filters"`
}

type bakeModel struct {
	InstanceTypes      types.List    `tfsdk:"instance_types"`
	SubnetIDs          types.List    `tfsdk:"subnet_ids"`
	SecurityGroupIDs   types.Set     `tfsdk:"vpc_security_group_ids"`
	IAMInstanceProfile types.String  `tfsdk:"iam_instance_profile"`
	PublicIP           types.Bool    `tfsdk:"associate_public_ip_address"`
	Transport          types.String  `tfsdk:"transport"`
	StagingBucket      types.String  `tfsdk:"staging_bucket"`
	KeyName            types.String  `tfsdk:"key_name"`
	Secrets            types.Map     `tfsdk:"secrets_wo"`
	SecretsVersion     types.Int64   `tfsdk:"secrets_wo_version"`
	RootVolume         *volumeModel  `tfsdk:"root_volume"`
	Tags               types.Map     `tfsdk:"tags"`
	Metadata           types.Object  `tfsdk:"metadata_options"`
	UserData           types.String  `tfsdk:"user_data"`
	Volumes            types.Map     `tfsdk:"volumes"`
	Steps              []stepModel   `tfsdk:"steps"`
	CleanUp            *cleanUpModel `tfsdk:"clean_up"`
}

type volumeModel struct {
	Size       types.Int64  `tfsdk:"size"`
	Type       types.String `tfsdk:"type"`
	IOPS       types.Int64  `tfsdk:"iops"`
	Throughput types.Int64  `tfsdk:"throughput"`
}

type stepModel struct {
	Name        types.String `tfsdk:"name"`
	Script      types.String `tfsdk:"script"`
	Upload      *uploadModel `tfsdk:"upload"`
	Local       types.String `tfsdk:"local"`
	Reboot      types.Bool   `tfsdk:"reboot"`
	Environment types.Map    `tfsdk:"environment"`
	User        types.String `tfsdk:"user"`
	Timeout     types.String `tfsdk:"timeout"`
	Retries     types.Int64  `tfsdk:"retries"`
	ExitCodes   types.List   `tfsdk:"exit_codes"`
}

type uploadModel struct {
	Source      types.String `tfsdk:"source"`
	Content     types.String `tfsdk:"content"`
	Destination types.String `tfsdk:"destination"`
	Mode        types.String `tfsdk:"mode"`
	Owner       types.String `tfsdk:"owner"`
	Exclude     types.List   `tfsdk:"exclude"`
}

type cleanUpModel struct {
	HostKeys        types.Bool `tfsdk:"host_keys"`
	MachineID       types.Bool `tfsdk:"machine_id"`
	CloudInit       types.Bool `tfsdk:"cloud_init"`
	DHCPLeases      types.Bool `tfsdk:"dhcp_leases"`
	RandomSeed      types.Bool `tfsdk:"random_seed"`
	AuthorizedKeys  types.Bool `tfsdk:"authorized_keys"`
	SSMRegistration types.Bool `tfsdk:"ssm_registration"`
	Logs            types.Bool `tfsdk:"logs"`
	Histories       types.Bool `tfsdk:"histories"`
}

type verifyModel struct {
	Checks        []checkModel `tfsdk:"checks"`
	FreshInstance types.Bool   `tfsdk:"fresh_instance"`
	InstanceTypes types.List   `tfsdk:"instance_types"`
}

type checkModel struct {
	Name        types.String `tfsdk:"name"`
	Script      types.String `tfsdk:"script"`
	Environment types.Map    `tfsdk:"environment"`
	User        types.String `tfsdk:"user"`
	Attempts    types.Int64  `tfsdk:"attempts"`
	Interval    types.String `tfsdk:"interval"`
	Timeout     types.String `tfsdk:"timeout"`
}

type captureModel struct {
	Encrypted      types.Bool   `tfsdk:"encrypted"`
	KMSKeyID       types.String `tfsdk:"kms_key_id"`
	RetainVersions types.Int64  `tfsdk:"retain_versions"`
	DeprecateAfter types.String `tfsdk:"deprecate_after"`
	Protection     types.Bool   `tfsdk:"deregistration_protection"`
	IMDSSupport    types.String `tfsdk:"imds_support"`
}

// spec translates a wholly known model into what the engine wants. The files to upload are
// yet to be read.
func (m *goldenImageModel) spec(ctx context.Context, diags *diag.Diagnostics) image.Spec {
	var source sourceModel
	var bake bakeModel
	var verify verifyModel
	var capture captureModel
	var refresh refreshModel
	for _, part := range []struct {
		from types.Object
		into any
	}{{m.Source, &source}, {m.Bake, &bake}, {m.Verify, &verify}, {m.Capture, &capture}, {m.Refresh, &refresh}} {
		if !part.from.IsNull() {
			diags.Append(part.from.As(ctx, part.into, basetypes.ObjectAsOptions{})...)
		}
	}
	return image.Spec{
		Name:        m.Name.ValueString(),
		Description: m.Description.ValueString(),
		Source:      source.spec(),
		Bake:        bake.spec(),
		Verify:      verify.spec(),
		Capture:     capture.spec(),
		Distribute:  m.distribution(ctx, diags).spec(),
		Refresh:     refresh.spec(),
		KeepFailed:  m.OnFailure.ValueString() == failureKeep,
		Tags:        tagsOf(m.TagsAll),
	}
}

func (m sourceModel) spec() image.Source {
	source := image.Source{ImageID: m.ImageID.ValueString(), SSMParameter: m.SSMParameter.ValueString()}
	if m.Lookup != nil {
		source.Lookup = &image.Lookup{
			Owners:       elements(m.Lookup.Owners),
			Name:         m.Lookup.Name.ValueString(),
			Architecture: m.Lookup.Architecture.ValueString(),
			Filters:      stringsOf(m.Lookup.Filters),
		}
	}
	return source
}

func (m bakeModel) spec() image.Bake {
	bake := image.Bake{
		InstanceTypes:     elements(m.InstanceTypes),
		SubnetIDs:         elements(m.SubnetIDs),
		SecurityGroupIDs:  elements(m.SecurityGroupIDs),
		InstanceProfile:   m.IAMInstanceProfile.ValueString(),
		AssociatePublicIP: m.PublicIP.ValueBoolPointer(),
		CleanUp:           m.CleanUp.spec(),
		Transport:         m.Transport.ValueString(),
		StagingBucket:     m.StagingBucket.ValueString(),
		KeyName:           m.KeyName.ValueString(),
		Volumes:           volumesOf(m.Volumes),
		KeepOnTermination: keptVolumes(m.Volumes),
		Tags:              tagsOf(m.Tags),
		UserData:          m.UserData.ValueString(),
	}
	if limit, ok := m.Metadata.Attributes()["http_put_response_hop_limit"].(types.Int64); ok {
		bake.HopLimit = intOr(limit, 0)
	}
	if tags, ok := m.Metadata.Attributes()["instance_metadata_tags"].(types.String); ok {
		bake.InstanceTags = tags.ValueString()
	}
	if volume := m.RootVolume; volume != nil {
		bake.RootVolume = cloud.Volume{
			Size: intOr(volume.Size, 0), Type: volume.Type.ValueString(),
			IOPS: intOr(volume.IOPS, 0), Throughput: intOr(volume.Throughput, 0),
		}
	}
	if !m.SecretsVersion.IsNull() {
		bake.SecretsVersion = strconv.FormatInt(m.SecretsVersion.ValueInt64(), 10)
	}
	for _, step := range m.Steps {
		bake.Steps = append(bake.Steps, step.spec())
	}
	return bake
}

// retryPause is between two runs of a step that failed.
const retryPause = 5 * time.Second

func (m stepModel) spec() guest.Step {
	step := guest.Step{
		Name:        m.Name.ValueString(),
		Script:      m.Script.ValueString(),
		Local:       m.Local.ValueString(),
		Reboot:      m.Reboot.ValueBool(),
		Environment: stringsOf(m.Environment),
		User:        m.User.ValueString(),
		Timeout:     durationOr(m.Timeout, 0),
		Retries:     intOr(m.Retries, 0),
		Interval:    retryPause,
	}
	for _, code := range m.ExitCodes.Elements() {
		if number, ok := code.(types.Int64); ok {
			step.ExitCodes = append(step.ExitCodes, int(number.ValueInt64()))
		}
	}
	if m.Upload != nil {
		step.Upload = m.Upload.spec()
	}
	return step
}

func (m *cleanUpModel) spec() guest.CleanUp {
	if m == nil {
		m = &cleanUpModel{}
	}
	return guest.CleanUp{
		HostKeys:        orTrue(m.HostKeys),
		MachineID:       orTrue(m.MachineID),
		CloudInit:       orTrue(m.CloudInit),
		DHCPLeases:      orTrue(m.DHCPLeases),
		RandomSeed:      orTrue(m.RandomSeed),
		AuthorizedKeys:  orTrue(m.AuthorizedKeys),
		SSMRegistration: orTrue(m.SSMRegistration),
		Logs:            orTrue(m.Logs),
		Histories:       orTrue(m.Histories),
	}
}

func (m verifyModel) spec() image.Verify {
	verify := image.Verify{FreshInstance: orTrue(m.FreshInstance), InstanceTypes: elements(m.InstanceTypes)}
	for _, check := range m.Checks {
		verify.Checks = append(verify.Checks, guest.Check{
			Name:        check.Name.ValueString(),
			Script:      check.Script.ValueString(),
			Environment: stringsOf(check.Environment),
			User:        check.User.ValueString(),
			Attempts:    intOr(check.Attempts, 1),
			Interval:    durationOr(check.Interval, 5*time.Second),
			Timeout:     durationOr(check.Timeout, 0),
		})
	}
	return verify
}

// orTrue is for switches that are on by default.
func orTrue(value types.Bool) bool {
	return value.IsNull() || value.IsUnknown() || value.ValueBool()
}

func intOr(value types.Int64, otherwise int) int {
	if value.IsNull() || value.IsUnknown() {
		return otherwise
	}
	return int(value.ValueInt64())
}

// durationOr reads a duration that its validator has accepted.
func durationOr(value types.String, otherwise time.Duration) time.Duration {
	parsed, err := time.ParseDuration(value.ValueString())
	if err != nil {
		return otherwise
	}
	return parsed
}
