package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

func slotsAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional:            true,
		MarkdownDescription: "What differs from server to server. It needs cloud-init in the image. A slot is a place in the fleet, 0 … `size`-1, and outlives the instance that fills it.",
		Attributes: map[string]schema.Attribute{
			"hostname": schema.StringAttribute{
				Optional: true,
				Validators: []validator.String{stringRule{
					description: "a hostname with %d or %03d for the slot's number", summary: "Not a hostname",
					wrong: func(value string) string {
						if err := guest.ValidHostnamePattern(value); err != nil {
							return err.Error()
						}
						return ""
					},
				}},
				MarkdownDescription: "The hostname that is set in the guest, with `%d` or, for leading zeros, `%03d` for the slot's number: `web-%03d`. A change rolls the fleet.",
			},
			"name_tags": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Give each instance its hostname (without a pattern: the fleet's name and its slot) as its `Name` tag. One CreateTags call for each instance, so the default is `false`.",
			},
			"overrides": schema.MapNestedAttribute{
				Optional: true, MarkdownDescription: "What is special about a slot, by its number. A change touches that slot alone: its tags in place, anything else with a new instance.",
				Validators: []validator.Map{mapvalidator.KeysAre(slotNumber())},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"environment": schema.MapAttribute{
						Optional: true, ElementType: types.StringType,
						Validators: []validator.Map{mapvalidator.KeysAre(environmentName(), notStampVariable())},
						MarkdownDescription: "Environment of the slot's `user_data` script (one that begins with `#!`); " +
							"also in `/etc/stamp/slot.env`, for a shell's `.` and for `EnvironmentFile=` of systemd. " +
							"Not for secrets: user data can be read by whoever may describe the instance. " +
							"User data holds the environments of all slots that are launched together, and any local user of one of these servers can read it by the metadata service.",
					},
					"tags": schema.MapAttribute{
						Optional: true, ElementType: types.StringType, Validators: tagValidators(),
						MarkdownDescription: "Further tags of the slot's instance, over `tags`. One call more for each slot that has some.",
					},
					"instance_type": schema.StringAttribute{
						Optional: true, Validators: []validator.String{nonEmpty()},
						MarkdownDescription: "The slot's instance type, in place of `instance_types`.",
					},
					"subnet_id": schema.StringAttribute{
						Optional: true, Validators: []validator.String{nonEmpty()},
						MarkdownDescription: "The slot's subnet, in place of one of `subnet_ids`.",
					},
					"private_ip": schema.StringAttribute{
						Optional: true, Validators: []validator.String{ipv4Address()},
						MarkdownDescription: "The slot's private IPv4 address. Its old instance must end before a new one can have it, so `rollout.max_unavailable` must allow one; " +
							"and `subnet_id` must be given unless there is one subnet.",
					},
				}},
			},
		},
	}
}

func healthAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: "What makes an instance count as ready, and as broken later on.",
		Attributes: map[string]schema.Attribute{
			"status_checks": schema.BoolAttribute{
				Optional: true, MarkdownDescription: "Both EC2 status checks must pass. Default `true`.",
			},
			"target_groups": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "It must be healthy in every group of `target_group_arns`. A group that no load balancer uses checks nothing, and counts as healthy. Default `true`.",
			},
			"grace_period": schema.StringAttribute{
				Optional: true, Validators: []validator.String{pause()},
				MarkdownDescription: "How long after its launch an instance may fail checks, like `5m`, which is the default.",
			},
		},
	}
}

func rolloutAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "How working instances are replaced when the image, or another setting that a running instance cannot change, has changed. " +
			"The plan warns with the number of instances and batches, whether or not the new image is known yet. " +
			"Instances are drained from their target groups before they end, and every batch must be ready before the next.",
		Attributes: map[string]schema.Attribute{
			"strategy": schema.StringAttribute{
				Optional: true, Validators: []validator.String{stringvalidator.OneOf(fleet.StrategyReplace, fleet.StrategyRootVolume)},
				MarkdownDescription: "`replace`, the default, launches new instances; `replace_root_volume` gives the running ones a new root volume where only the image has changed: " +
					"same instance, id and addresses, no launch capacity needed. The image must have the instance's architecture.",
			},
			"max_unavailable": schema.StringAttribute{
				Optional: true, Validators: []validator.String{amount()},
				MarkdownDescription: "How many instances may be missing meanwhile: a number or a percentage, rounded down. Default `0`; with `replace_root_volume` a tenth, at least 1.",
			},
			"max_surge": schema.StringAttribute{
				Optional: true, Validators: []validator.String{amount()},
				MarkdownDescription: "How many instances there may be beyond `size`: a number or a percentage, at least 1 if it is not zero. Default `10%`; with `max_unavailable` and `max_surge` both none, one.",
			},
			"canary": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.AtLeast(0)},
				MarkdownDescription: "How many slots are replaced first, before `soak`. Default `0`.",
			},
			"soak": schema.StringAttribute{
				Optional: true, Validators: []validator.String{pause()},
				MarkdownDescription: "How long the canary must stay ready before the others follow, like `2m`; less than `timeouts.update`. " +
					"An apply that goes on with an interrupted rollout has a canary again. Default: not at all.",
			},
			"on_failure": schema.StringAttribute{
				Optional: true, Validators: []validator.String{stringvalidator.OneOf("rollback", "pause")},
				MarkdownDescription: "`rollback`, the default, puts the former configuration back on what was touched; `pause` stops where it is. Either way the apply fails, and says which instances and why.",
			},
		},
	}
}
