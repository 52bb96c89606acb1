package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// maxSize is more than any account may run; it keeps plans and lists bounded.
const maxSize = 100000

func fleetSchema(ctx context.Context) schema.Schema {
	attributes := map[string]schema.Attribute{
		"name": schema.StringAttribute{
			Required: true, Validators: []validator.String{stringvalidator.LengthBetween(1, 128)},
			PlanModifiers:       []planmodifier.String{stringplanmodifier.RequiresReplace()},
			MarkdownDescription: "Names the fleet in its account and region, and is the instances' `Name` unless `tags` has one. A change makes a new fleet.",
		},
		"region": regionAttribute("the fleet runs in"),
		"image_id": schema.StringAttribute{
			Required: true, Validators: []validator.String{amiID()},
			MarkdownDescription: "The AMI that all instances are stamped from. A change rolls the fleet: new instances are ready before old ones end.",
		},
		"size": schema.Int64Attribute{
			Required: true, Validators: []validator.Int64{int64validator.Between(0, maxSize)},
			MarkdownDescription: "How many instances there are. Growing launches slots at the end, shrinking ends the highest slots; the others are untouched.",
		},
		"instance_types": schema.ListAttribute{
			Required: true, ElementType: types.StringType,
			Validators:          []validator.List{listvalidator.SizeAtLeast(1), listvalidator.UniqueValues(), listvalidator.ValueStringsAre(nonEmpty())},
			MarkdownDescription: "Tried in order; the next one on a capacity error. An instance of a type that is no longer listed is replaced.",
		},
		"subnet_ids": schema.ListAttribute{
			Optional: true, ElementType: types.StringType,
			Validators:          []validator.List{listvalidator.SizeAtLeast(1), listvalidator.UniqueValues(), listvalidator.ValueStringsAre(nonEmpty())},
			MarkdownDescription: "The subnets, kept balanced. Default: the default VPC's. An instance in a subnet that is no longer listed is replaced.",
		},
		"vpc_security_group_ids": schema.SetAttribute{
			Optional: true, ElementType: types.StringType,
			MarkdownDescription: "Security groups; the VPC's default group without it. Changed in place.",
		},
		"iam_instance_profile": schema.StringAttribute{
			Optional: true, Validators: []validator.String{nonEmpty()},
			MarkdownDescription: "Name or ARN of the instance profile. Changed in place.",
		},
		"key_name": schema.StringAttribute{
			Optional: true, Validators: []validator.String{nonEmpty()},
			MarkdownDescription: "The key pair for SSH. A change rolls the fleet.",
		},
		"user_data": schema.StringAttribute{
			Optional: true, Validators: []validator.String{nonEmpty()},
			MarkdownDescription: "Run at first boot, the same for all. Without `slots` it is passed on byte for byte; with `slots` a script sees `STAMP_FLEET`, `STAMP_SLOT`, " +
				"`STAMP_HOSTNAME` and its slot's environment. A change rolls the fleet.",
		},
		"tags": schema.MapAttribute{
			Optional: true, ElementType: types.StringType, Validators: tagValidators(),
			MarkdownDescription: "Tags of the instances and their volumes. Changed in place.",
		},
		"tags_all": tagsAllAttribute(),
		"slots":    slotsAttribute(),
		"replace_unhealthy": schema.BoolAttribute{
			Optional:            true,
			MarkdownDescription: "Replace instances that are stopped or of which a status check fails. Those that are terminated are always replaced. Default `true`.",
		},
		"timeouts": timeouts.Attributes(ctx, timeouts.Opts{
			Create: true, Update: true, Delete: true,
			CreateDescription: "How long it may take until all instances are ready. Default `30m`.",
			UpdateDescription: "How long a change, a rollout included, may take. Default `60m`.",
			DeleteDescription: "How long it may take until all instances are terminated. Default `15m`.",
		}),
		"instances": schema.MapNestedAttribute{
			Computed:            true,
			MarkdownDescription: "The instances by slot: `\"0\"` … `\"size-1\"`. The keys are known in the plan, so `for_each` works.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"instance_id":       computedString("The instance's id."),
				"private_ip":        computedString("Its private IPv4 address."),
				"public_ip":         computedString("Its public IPv4 address, if it has one."),
				"private_dns":       computedString("Its private DNS name."),
				"availability_zone": computedString("Its zone."),
				"subnet_id":         computedString("Its subnet."),
				"instance_type":     computedString("Its type."),
				"image_id":          computedString("The AMI that it was stamped from."),
				"hostname":          computedString("The hostname set in the guest, if `slots.hostname` is given."),
				"launched_at":       computedString("When it was launched (RFC 3339)."),
			}},
		},
		"instance_ids": schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "The instances' ids, in the order of the slots."},
		"private_ips":  schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Their private addresses, in the order of the slots."},
		"ready_size":   schema.Int64Attribute{Computed: true, MarkdownDescription: "How many slots are filled by an instance that is not broken."},
		"generation":   schema.Int64Attribute{Computed: true, MarkdownDescription: "A counter that each rollout raises."},
	}
	return schema.Schema{
		MarkdownDescription: "A fleet: a maintained number of identical instances of one image. What must differ from server to server is given by slot; " +
			"calls to AWS grow with batches of up to 1,000 instances, not with instances.",
		Attributes: attributes,
	}
}

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
			"overrides": schema.MapNestedAttribute{
				Optional: true, MarkdownDescription: "What is special about a slot, by its number. A change replaces that slot alone.",
				Validators: []validator.Map{mapvalidator.KeysAre(slotNumber())},
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"environment": schema.MapAttribute{
						Optional: true, ElementType: types.StringType,
						Validators:          []validator.Map{mapvalidator.KeysAre(environmentName(), notStampVariable())},
						MarkdownDescription: "Environment of the slot's `user_data` script; also in `/etc/stamp/slot.env`. Not for secrets: user data can be read by whoever may describe the instance.",
					},
				}},
			},
		},
	}
}
