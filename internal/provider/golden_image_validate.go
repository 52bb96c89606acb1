package provider

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

// ValidateConfig refuses what needs more than one attribute to be seen.
func (r *goldenImage) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest, resp *resource.ValidateConfigResponse) {
	var config goldenImageModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	checkTransport(config.Bake, &resp.Diagnostics)
	check := handOutCheck{
		capture: config.captured(ctx, &resp.Diagnostics), distribute: config.distribution(ctx, &resp.Diagnostics), diags: &resp.Diagnostics,
	}
	if resp.Diagnostics.HasError() || config.Capture.IsUnknown() || config.Distribute.IsUnknown() {
		return
	}
	check.keys()
	check.deprecation()
	check.sharing()
	check.parameter(config.Name)
}

// handOutCheck looks at what capture and distribute say together. What is not known yet
// is looked at in the plan that knows it.
type handOutCheck struct {
	capture    captureModel
	distribute distributeModel
	diags      *diag.Diagnostics
}

func (c handOutCheck) fail(at path.Path, summary, detail string) {
	attributeError(c.diags, at, summary, detail)
}

func (c handOutCheck) keys() {
	if c.capture.Encrypted.IsUnknown() || c.capture.KMSKeyID.IsNull() || c.capture.Encrypted.ValueBool() {
		return
	}
	c.fail(path.Root("capture").AtName("kms_key_id"), "A key without encryption",
		"kms_key_id has no effect while the image is not encrypted. Set encrypted = true, or leave kms_key_id out.")
}

// Limits of a deprecation date.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableImageDeprecation.html
const (
	maxDeprecation       = 10 * 365 * 24 * time.Hour
	maxPublicDeprecation = 2 * 365 * 24 * time.Hour
)

func (c handOutCheck) deprecation() {
	after := durationOr(c.capture.DeprecateAfter, 0)
	limit, which, what := maxDeprecation, "10 years", "the image"
	if c.distribute.Public.ValueBool() {
		limit, which, what = maxPublicDeprecation, "2 years", "a public image"
	}
	if after > limit {
		c.fail(path.Root("capture").AtName("deprecate_after"), "Deprecated too late",
			fmt.Sprintf("AWS takes a date at most %s (%dh) after %s was made.", which, int(limit.Hours()), what))
	}
}

// managedKey reports whether a key is the one that AWS manages for EBS, which nobody
// else can be given.
func managedKey(key types.String) bool {
	return !key.IsUnknown() && (key.ValueString() == "" || strings.HasSuffix(key.ValueString(), "alias/aws/ebs"))
}

// sharing refuses what AWS cannot do.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-intro.html
func (c handOutCheck) sharing() {
	at := path.Root("distribute")
	if c.distribute.Public.ValueBool() && c.capture.Encrypted.ValueBool() {
		c.fail(at.AtName("public"), "An encrypted image cannot be public", "AWS makes only unencrypted images public. Leave capture.encrypted out, or name account_ids instead.")
		return
	}
	if c.shared() && c.capture.Encrypted.ValueBool() && managedKey(c.capture.KMSKeyID) {
		c.fail(at, "An image under the account's key for EBS cannot be shared",
			"The key that AWS manages (alias/aws/ebs) cannot be given to others, so they could not launch the image. Set capture.kms_key_id to a key of your own, whose policy lets them use it.")
	}
	for _, region := range slices.Sorted(maps.Keys(c.distribute.Regions.Elements())) {
		if object, ok := c.distribute.Regions.Elements()[region].(types.Object); ok && !object.IsUnknown() {
			key, _ := object.Attributes()["kms_key_id"].(types.String)
			c.sharedCopy(region, key)
		}
	}
	if c.distribute.Snapshots.ValueBool() && !c.distribute.Public.IsUnknown() && !c.distribute.Public.ValueBool() &&
		c.distribute.AccountIDs.IsNull() { // an empty list is what a module passes on
		c.fail(at.AtName("snapshots"), "Nobody to share snapshots with", "snapshots gives them to account_ids, or to everyone with public = true. Organizations cannot be given snapshots.")
	}
}

// shared reports whether anybody else is to have the image.
func (c handOutCheck) shared() bool {
	return c.distribute.Public.ValueBool() || len(c.distribute.AccountIDs.Elements())+
		len(c.distribute.OrganizationARNs.Elements())+len(c.distribute.OrganizationalUnitARNs.Elements()) > 0
}

func (c handOutCheck) sharedCopy(region string, key types.String) {
	at := path.Root("distribute").AtName("regions").AtMapKey(region).AtName("kms_key_id")
	encrypted := c.capture.Encrypted.ValueBool() || !key.IsNull()
	switch {
	case c.distribute.Public.ValueBool() && encrypted:
		c.fail(at, "An encrypted image cannot be public", "AWS makes only unencrypted images public. Leave kms_key_id out, or name account_ids instead.")
	case c.shared() && encrypted && managedKey(key):
		c.fail(at, "An image under the account's key for EBS cannot be shared",
			"The copy is encrypted too, and the key that AWS manages (alias/aws/ebs) cannot be given to others. Name a key of your own in "+region+", whose policy lets them use it.")
	}
}

// parameter refuses names that Systems Manager does not take in tags, by which the
// parameter is known as the line's.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Tag.html
func (c handOutCheck) parameter(name types.String) {
	if c.distribute.SSMParameter.IsNull() || !strings.ContainsAny(name.ValueString(), "()[]'") {
		return
	}
	c.fail(path.Root("distribute").AtName("ssm_parameter"), "The image's name cannot be written on a parameter",
		"The parameter is tagged with the image's name, and Systems Manager takes no ( ) [ ] ' in tags. Choose another name, or leave ssm_parameter out.")
}

// checkDistribution refuses regions that are none, or the line's own, and a parameter
// that is somebody else's. Whose that is, a line tells that was read, and an apply asks again.
func (p *goldenImagePlanner) checkDistribution(ctx context.Context, region *cloud.Region, spec image.Spec, line image.Line) {
	p.checkSecrets(region, spec)
	at := path.Root("distribute")
	for _, name := range p.plan.copyRegions() {
		if name == region.Name() {
			attributeError(p.diags, at.AtName("regions").AtMapKey(name), "The line's own region",
				"The image is in "+name+" already: it is made there. regions is for further ones.")
		} else if _, err := p.session.account.Region(name); err != nil {
			attributeError(p.diags, at.AtName("regions").AtMapKey(name), "The region cannot be used", err.Error())
		}
	}
	p.checkRegions(ctx, region)
	p.checkPublic(ctx, region, spec)
	p.checkParameter(ctx, region, spec.Distribute.Parameter, line)
}

// checkParameter refuses a parameter that is somebody else's. One that was the line's before is
// no reason to refuse: Terraform makes this plan before a destroy, too.
func (p *goldenImagePlanner) checkParameter(ctx context.Context, region *cloud.Region, parameter string, line image.Line) {
	at := path.Root("distribute").AtName("ssm_parameter")
	if parameter == "" || p.recalled || p.state != nil && p.state.distribution(ctx, p.diags).SSMParameter.ValueString() == parameter {
		return
	}
	// What a create has made that has died becomes the line's.
	former := slices.Concat(p.predecessors, line.Leases.Creating)
	for _, left := range line.Leases.Mine(p.owner) {
		former = append(former, left.Owner.ID)
	}
	_, err := image.ObserveParameter(ctx, region, line, parameter, former...)
	taken, ok := errors.AsType[*image.ParameterTakenError](err)
	had := slices.ContainsFunc(line.Versions, func(v image.Version) bool { return v.Tags[cloud.TagParameter] == parameter })
	switch {
	case ok && had:
		p.diags.AddAttributeWarning(at, "The SSM parameter has been taken from the line",
			fmt.Sprintf("SSM parameter %s (%s) was this line's, and somebody has made it hold %s. It is not written over: an apply that changes this line "+
				"fails before it changes anything, and a destroy leaves the parameter there. Let it hold an image of this line again, remove it, or choose another name.",
				parameter, region.Name(), taken.Value))
	case ok:
		attributeError(p.diags, at, "The SSM parameter is there already", taken.Error()+". Choose another name, or remove the parameter.")
	case err != nil:
		attributeError(p.diags, at, "The SSM parameter cannot be read", err.Error())
	}
}

// checkVolumes refuses further volumes of which nobody knows the size.
func (p *goldenImagePlanner) checkVolumes(spec image.Spec, source cloud.Image) {
	for _, volume := range spec.Bake.Volumes {
		at := path.Root("bake").AtName("volumes").AtMapKey(volume.DeviceName)
		i := slices.IndexFunc(source.Volumes, func(has cloud.ImageVolume) bool { return has.DeviceName == volume.DeviceName })
		switch {
		case volume.DeviceName == source.RootDeviceName:
			attributeError(p.diags, at, "The root volume", volume.DeviceName+" is the root volume of "+source.ID+": say in root_volume how it is to be.")
		case i < 0 && volume.Size == 0:
			attributeError(p.diags, at.AtName("size"), "A volume without a size", source.ID+" has no volume "+volume.DeviceName+": say how large it is to be.")
		case i >= 0 && volume.Size > 0 && volume.Size < source.Volumes[i].Size:
			attributeError(p.diags, at.AtName("size"), "The volume is too small",
				fmt.Sprintf("The source image %s has %d GiB there, and a volume cannot be smaller than its snapshot; %d GiB is asked for.",
					source.ID, source.Volumes[i].Size, volume.Size))
		}
	}
}
