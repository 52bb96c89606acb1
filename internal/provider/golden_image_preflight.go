package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

// What an apply would be refused after minutes is asked in the plan, once, where it is new. A
// question that is not answered refuses nothing: the apply finds out.

// checkRegions refuses new regions that the account may not use.
// https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
func (p *goldenImagePlanner) checkRegions(ctx context.Context, region *cloud.Region) {
	wanted := slices.DeleteFunc(p.plan.copyRegions(), func(name string) bool {
		return name == region.Name() || p.state != nil && slices.Contains(p.state.copyRegions(), name)
	})
	if len(wanted) == 0 || p.diags.HasError() {
		return
	}
	enabled, err := region.EnabledRegions(ctx)
	if err != nil || len(enabled) == 0 {
		return
	}
	for _, name := range wanted {
		if !slices.Contains(enabled, name) {
			attributeError(p.diags, path.Root("distribute").AtName("regions").AtMapKey(name), "The region is not enabled",
				fmt.Sprintf("Account %s may not use %s: it is no region of this partition, or one that is not enabled for the account. "+
					"Enable it (aws account enable-region --region-name %s), or take it off.", p.owner.Account, name, name))
		}
	}
}

// checkPublic refuses to make images public where the account blocks that.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-public-access-to-amis.html
func (p *goldenImagePlanner) checkPublic(ctx context.Context, region *cloud.Region, spec image.Spec) {
	if !spec.Distribute.Permissions.Public || p.state != nil && p.state.distribution(ctx, p.diags).Public.ValueBool() {
		return
	}
	for _, name := range append([]string{region.Name()}, p.plan.copyRegions()...) {
		there, err := p.session.account.Region(name)
		if err != nil {
			continue
		}
		if blocked, err := there.PublicImagesBlocked(ctx); err != nil || !blocked {
			continue
		}
		attributeError(p.diags, path.Root("distribute").AtName("public"), "The account blocks public images",
			fmt.Sprintf("Block public access for AMIs is on in account %s (%s): it is a setting of the account, and no permission is missing. "+
				"Turn it off (aws ec2 disable-image-block-public-access --region %s; it takes up to ten minutes), or name account_ids instead.",
				p.owner.Account, name, name))
	}
}

// checkTypes refuses instance types that cannot run what is baked on the source.
func (p *goldenImagePlanner) checkTypes(ctx context.Context, region *cloud.Region, spec image.Spec, source cloud.Image) {
	lists := []struct {
		at    path.Path
		types []string
	}{
		{path.Root("bake").AtName("instance_types"), spec.Bake.InstanceTypes},
		{path.Root("verify").AtName("instance_types"), spec.Verify.InstanceTypes},
	}
	all := slices.Concat(lists[0].types, lists[1].types)
	if len(all) == 0 || source.Architecture == "" {
		return
	}
	slices.Sort(all)
	has, err := region.Architectures(ctx, slices.Compact(all))
	if err != nil {
		return
	}
	for _, list := range lists {
		for i, name := range list.types {
			switch runs := has[name]; {
			case len(runs) == 0:
				attributeError(p.diags, list.at.AtListIndex(i), "Not an instance type",
					fmt.Sprintf("%s has no instance type %s.", region.Name(), name))
			case !slices.Contains(runs, source.Architecture):
				attributeError(p.diags, list.at.AtListIndex(i), "The instance type does not fit the source",
					fmt.Sprintf("%s runs %s, and the source image %s is for %s. Name a type of that architecture.",
						name, strings.Join(runs, " and "), source.ID, source.Architecture))
			}
		}
	}
}

// checkSharedKey refuses to share what is baked on an encrypted source under a key that is not
// named: it would be the account's for EBS, which cannot be given to others, or one of which
// nothing is known.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharingamis-explicit.html
func (p *goldenImagePlanner) checkSharedKey(spec image.Spec, source cloud.Image) {
	encrypted := slices.ContainsFunc(source.Volumes, func(volume cloud.ImageVolume) bool { return volume.Encrypted })
	if !encrypted || spec.Capture.Encrypted || spec.Distribute.Permissions.Empty() || spec.Distribute.Permissions.Public {
		return
	}
	attributeError(p.diags, path.Root("capture").AtName("kms_key_id"), "Shared under a key that is not named",
		fmt.Sprintf("The source image %s is encrypted, and so is what is baked on it: under the source's key, or under the account's key for EBS (alias/aws/ebs), "+
			"which cannot be given to others. Set capture.encrypted = true, and capture.kms_key_id to a key of your own whose policy lets them use it.", source.ID))
}
