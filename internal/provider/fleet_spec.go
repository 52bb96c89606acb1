package provider

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

type healthModel struct {
	StatusChecks types.Bool   `tfsdk:"status_checks"`
	TargetGroups types.Bool   `tfsdk:"target_groups"`
	GracePeriod  types.String `tfsdk:"grace_period"`
}

type rolloutModel struct {
	Strategy       types.String `tfsdk:"strategy"`
	MaxUnavailable types.String `tfsdk:"max_unavailable"`
	MaxSurge       types.String `tfsdk:"max_surge"`
	Canary         types.Int64  `tfsdk:"canary"`
	Soak           types.String `tfsdk:"soak"`
	OnFailure      types.String `tfsdk:"on_failure"`
}

type diskModel struct {
	Size       types.Int64  `tfsdk:"size"`
	Type       types.String `tfsdk:"type"`
	IOPS       types.Int64  `tfsdk:"iops"`
	Throughput types.Int64  `tfsdk:"throughput"`
	Encrypted  types.Bool   `tfsdk:"encrypted"`
	KMSKeyID   types.String `tfsdk:"kms_key_id"`
}

type placementModel struct {
	GroupName             types.String `tfsdk:"group_name"`
	Tenancy               types.String `tfsdk:"tenancy"`
	CapacityReservationID types.String `tfsdk:"capacity_reservation_id"`
}

type metadataModel struct {
	Tokens       types.String `tfsdk:"http_tokens"`
	Endpoint     types.String `tfsdk:"http_endpoint"`
	HopLimit     types.Int64  `tfsdk:"http_put_response_hop_limit"`
	InstanceTags types.String `tfsdk:"instance_metadata_tags"`
}

type creditsModel struct {
	CPUCredits types.String `tfsdk:"cpu_credits"`
}

// Defaults of health and rollout.
const (
	defaultGrace = 5 * time.Minute
	defaultSurge = 10 // percent
)

// wanted reports whether everything that an engine's spec needs is known, but the image:
// what can be wrong without it is refused before it is baked.
func (m *fleetModel) wanted(ctx context.Context) bool {
	return known(ctx, m.Name, m.Region, m.Size, m.InstanceTypes, m.SubnetIDs, m.SecurityGroupIDs,
		m.IAMInstanceProfile, m.KeyName, m.UserData, m.TagsAll, m.Slots, m.ReplaceUnhealthy,
		m.AssociatePublicIP, m.Market, m.Monitoring, m.EBSOptimized, m.DisableTermination, m.DisableStop, m.Credits, m.Placement,
		m.Metadata, m.RootVolume, m.Volumes, m.TargetGroupARNs, m.Health, m.Rollout)
}

func knownOr[T attr.Value](ctx context.Context, value, otherwise T) T {
	if known(ctx, value) {
		return value
	}
	return otherwise
}

// spec translates a wholly known model into what the engine wants.
func (m *fleetModel) spec(ctx context.Context, diags *diag.Diagnostics) fleet.Spec {
	placement := objectOf[placementModel](ctx, m.Placement, diags)
	return fleet.Spec{
		Name:                  m.Name.ValueString(),
		ImageID:               m.ImageID.ValueString(),
		Size:                  int(m.Size.ValueInt64()),
		InstanceTypes:         elements(m.InstanceTypes),
		SubnetIDs:             elements(m.SubnetIDs),
		SecurityGroupIDs:      elements(m.SecurityGroupIDs),
		AssociatePublicIP:     m.AssociatePublicIP.ValueBoolPointer(),
		InstanceProfile:       m.IAMInstanceProfile.ValueString(),
		KeyName:               m.KeyName.ValueString(),
		UserData:              []byte(m.UserData.ValueString()),
		RootVolume:            objectOf[diskModel](ctx, m.RootVolume, diags).volume(""),
		Volumes:               m.volumes(ctx, diags),
		Spot:                  m.Market.ValueString() == "spot",
		Placement:             cloud.Placement{Group: placement.GroupName.ValueString(), Tenancy: placement.Tenancy.ValueString(), CapacityReservation: placement.CapacityReservationID.ValueString()},
		Metadata:              objectOf[metadataModel](ctx, m.Metadata, diags).options(),
		Monitoring:            m.Monitoring.ValueBool(),
		EBSOptimized:          m.EBSOptimized.ValueBoolPointer(),
		Credits:               objectOf[creditsModel](ctx, m.Credits, diags).CPUCredits.ValueString(),
		TerminationProtection: m.DisableTermination.ValueBool(),
		StopProtection:        m.DisableStop.ValueBool(),
		TargetGroupARNs:       m.watch(ctx, ownership.Owner{}, diags).TargetGroupARNs,
		Slots:                 slotsSpec(m.Slots),
		Tags:                  tagsOf(m.TagsAll),
		Health:                m.watch(ctx, ownership.Owner{}, diags).Health,
		Rollout:               objectOf[rolloutModel](ctx, m.Rollout, diags).rollout(int(m.Size.ValueInt64())),
		ReplaceUnhealthy:      orTrue(m.ReplaceUnhealthy),
	}
}

// watch is what of the fleet is looked at.
func (m *fleetModel) watch(ctx context.Context, owner ownership.Owner, diags *diag.Diagnostics) fleet.Watch {
	health := objectOf[healthModel](ctx, m.Health, diags)
	return fleet.Watch{
		Owner:           owner,
		TargetGroupARNs: slices.Sorted(slices.Values(elements(m.TargetGroupARNs))),
		Health: fleet.Health{
			StatusChecks: orTrue(health.StatusChecks), TargetGroups: orTrue(health.TargetGroups),
			Grace: durationOr(health.GracePeriod, defaultGrace),
		},
	}
}

// watch is what of the fleet is looked at, with what the state knows of it.
func (s *session) watch(ctx context.Context, state *fleetModel, looks *fleetModel, owner ownership.Owner, diags *diag.Diagnostics) fleet.Watch {
	watch := looks.watch(ctx, owner, diags)
	watch.Slots, watch.Known = state.slotsByInstance(), s.knows(owner)
	return watch
}

// slotsByInstance is the slot of each instance that the model knows.
func (m *fleetModel) slotsByInstance() map[string]int {
	slots := map[string]int{}
	for slot, value := range slotValues(m.Instances) {
		slots[instanceIDOf(value)] = slot
	}
	return slots
}

// objectOf reads a nested object; one that is not given is the zero value, whose
// attributes are all null.
func objectOf[T any](ctx context.Context, value types.Object, diags *diag.Diagnostics) T {
	var model T
	if !value.IsNull() && !value.IsUnknown() {
		diags.Append(value.As(ctx, &model, basetypes.ObjectAsOptions{})...)
	}
	return model
}

func (m *fleetModel) volumes(ctx context.Context, diags *diag.Diagnostics) []cloud.Volume {
	var volumes []cloud.Volume
	for device, value := range m.Volumes.Elements() {
		if object, ok := value.(types.Object); ok && !object.IsNull() {
			volumes = append(volumes, objectOf[diskModel](ctx, object, diags).volume(device))
		}
	}
	slices.SortFunc(volumes, func(a, b cloud.Volume) int { return cmp.Compare(a.DeviceName, b.DeviceName) })
	return volumes
}

func (m diskModel) volume(device string) cloud.Volume {
	return cloud.Volume{
		DeviceName: device, Size: int(m.Size.ValueInt64()), Type: m.Type.ValueString(), IOPS: int(m.IOPS.ValueInt64()),
		Throughput: int(m.Throughput.ValueInt64()), Encrypted: m.Encrypted.ValueBoolPointer(), KMSKeyID: m.KMSKeyID.ValueString(),
	}
}

func (m metadataModel) options() cloud.MetadataOptions {
	return cloud.MetadataOptions{
		Tokens: cmp.Or(m.Tokens.ValueString(), "required"), Endpoint: m.Endpoint.ValueString(),
		HopLimit: int(m.HopLimit.ValueInt64()), InstanceTags: m.InstanceTags.ValueString(),
	}
}

func (m rolloutModel) rollout(size int) fleet.Rollout {
	rollout := fleet.Rollout{
		Strategy: cmp.Or(m.Strategy.ValueString(), fleet.StrategyReplace),
		MaxSurge: fleet.Amount{Number: defaultSurge, Percent: true},
		Canary:   int(m.Canary.ValueInt64()),
		Soak:     durationOr(m.Soak, 0),
		Rollback: m.OnFailure.ValueString() != "pause",
	}
	if rollout.Strategy == fleet.StrategyRootVolume {
		rollout.MaxUnavailable = fleet.Amount{Number: max(1, size/10)}
	}
	// Both have passed their validators.
	if given, err := fleet.ParseAmount(m.MaxUnavailable.ValueString()); err == nil {
		rollout.MaxUnavailable = given
	}
	if given, err := fleet.ParseAmount(m.MaxSurge.ValueString()); err == nil {
		rollout.MaxSurge = given
	}
	return rollout
}

// slotsSpec reads the values one by one: by reflection, as other objects are read, the
// overrides of 10,000 slots take a second each time.
func slotsSpec(value types.Object) *fleet.Slots {
	if value.IsNull() {
		return nil
	}
	given := value.Attributes()
	slots := &fleet.Slots{Hostname: stringOf(given["hostname"]), Overrides: map[int]fleet.Override{}}
	if nameTags, ok := given["name_tags"].(types.Bool); ok {
		slots.NameTags = nameTags.ValueBool()
	}
	overrides, _ := given["overrides"].(types.Map)
	for key, each := range overrides.Elements() {
		number, err := strconv.Atoi(key)
		override, ok := each.(types.Object)
		if err != nil || !ok || override.IsNull() { // as a conditional makes them
			continue
		}
		said := override.Attributes()
		environment, _ := said["environment"].(types.Map)
		tags, _ := said["tags"].(types.Map)
		slots.Overrides[number] = fleet.Override{
			Environment: stringsOf(environment), Tags: tagsOf(tags), InstanceType: stringOf(said["instance_type"]),
			SubnetID: stringOf(said["subnet_id"]), PrivateIP: stringOf(said["private_ip"]),
		}
	}
	return slots
}

// stringOf is a string; one that is null or unknown is empty.
func stringOf(value attr.Value) string {
	text, _ := value.(types.String)
	return text.ValueString()
}
