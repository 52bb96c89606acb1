package provider

import (
	"context"
	"maps"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
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
			MarkdownDescription: "The AMI that all instances are stamped from. A change rolls the fleet as `rollout` says; by default new instances are ready before old ones end.",
		},
		"size": schema.Int64Attribute{
			Required: true, Validators: []validator.Int64{wholeBetween{0, maxSize}},
			MarkdownDescription: "How many instances there are. Growing launches slots at the end, shrinking ends the highest slots; the others are untouched.",
		},
		"instance_types": schema.ListAttribute{
			Required: true, ElementType: types.StringType,
			Validators:          []validator.List{listvalidator.SizeAtLeast(1), listvalidator.UniqueValues(), givenElements{}},
			MarkdownDescription: "Tried in order; the next one on a capacity error. An instance of a type that is no longer listed is replaced.",
		},
		"subnet_ids": schema.ListAttribute{
			Optional: true, ElementType: types.StringType,
			Validators:          []validator.List{listvalidator.UniqueValues(), givenElements{}},
			MarkdownDescription: "The subnets, kept balanced. Default, also where the list is empty: the default VPC's. An instance in a subnet that is no longer listed is replaced.",
		},
		"vpc_security_group_ids": schema.SetAttribute{
			Optional: true, ElementType: types.StringType, Validators: []validator.Set{givenElements{}},
			MarkdownDescription: "Security groups; the VPC's default group without it. Changed in place; taken away altogether, running instances keep theirs.",
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
			MarkdownDescription: "Run at first boot, the same for all: as text, or in base64 (`base64encode`, `base64gzip`, `cloudinit_config`), which is decoded. " +
				"Otherwise it is passed on byte for byte, but for a byte order mark or blank lines before its first line, which cloud-init does not expect; " +
				"what cloud-init reads is compressed when it would not fit into EC2's 16 KB. " +
				"With `slots` a script that begins with `#!` sees `STAMP_FLEET`, `STAMP_SIZE`, `STAMP_SLOT`, `STAMP_HOSTNAME` and its slot's environment; everything else (`runcmd`, a part of a multi-part) " +
				"reads them by `. /etc/stamp/slot.env`. Slots take cloud-init: user data for Ignition or Windows is refused beside them. A change rolls the fleet.",
		},
		"tags": schema.MapAttribute{
			Optional: true, ElementType: types.StringType, Validators: tagValidators(),
			MarkdownDescription: "Tags of the instances and, from their launch, of their volumes. Changed in place on the instances.",
		},
		"tags_all": tagsAllAttribute(),
		"slots":    slotsAttribute(),
		"health":   healthAttribute(),
		"rollout":  rolloutAttribute(),
		"scale_in": schema.StringAttribute{
			Optional: true, Validators: []validator.String{stringvalidator.OneOf("highest_slot")},
			MarkdownDescription: "Which slots go when `size` shrinks: always the highest, so that slots stay 0 … `size`-1. `highest_slot` is the default and the only choice.",
		},
		"replace_unhealthy": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Replace instances that are stopped or fail the checks of `health`. Those that are terminated are always replaced. Default `true`. " +
				"It happens at an apply: nothing heals between applies. The plan names what ends, and why.",
		},
		"timeouts": timeouts.Attributes(ctx, timeouts.Opts{
			Create: true, Update: true, Delete: true,
			CreateDescription: "How long it may take until all instances are ready. Default `30m`.",
			UpdateDescription: "How long a change, a rollout included, may take. Default `60m`.",
			DeleteDescription: "How long it may take until all instances are terminated. Default `15m`.",
		}),
		"instances": schema.MapNestedAttribute{
			Computed: true,
			MarkdownDescription: "The instances by slot: `\"0\"` … `\"size-1\"`. The keys are known in the plan, so `for_each` works. A server that is yet to be launched is unknown as a whole: a plan of " +
				"1,000 new servers takes about 70 bytes for each.",
			NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
				"instance_id":       computedString("The instance's id."),
				"private_ip":        computedString("Its private IPv4 address."),
				"public_ip":         computedString("Its public IPv4 address, if it has one."),
				"private_dns":       computedString("Its private DNS name."),
				"availability_zone": computedString("Its zone."),
				"subnet_id":         computedString("Its subnet."),
				"instance_type":     computedString("Its type."),
				"image_id":          computedString("The AMI that its root volume was made from."),
				"hostname":          computedString("The hostname set in the guest, if `slots.hostname` is given."),
				"launched_at":       computedString("When it was launched (RFC 3339)."),
			}},
		},
		"instance_ids": schema.ListAttribute{
			Computed: true, ElementType: types.StringType,
			MarkdownDescription: "The instances' ids, in the order of the slots. A slot that a refresh has found without a working instance is left out until the next apply: " +
				"where the slot matters, use `instances`.",
		},
		"private_ips": schema.ListAttribute{Computed: true, ElementType: types.StringType, MarkdownDescription: "Their private addresses, in the same order as `instance_ids`."},
		"ready_size":  schema.Int64Attribute{Computed: true, MarkdownDescription: "How many slots are filled by an instance that is not broken."},
		"generation":  schema.Int64Attribute{Computed: true, MarkdownDescription: "A counter that each rollout raises."},
	}
	maps.Copy(attributes, fleetLaunchAttributes())
	maps.Copy(attributes, heldAttributes("fleet"))
	return schema.Schema{
		MarkdownDescription: "A fleet: a maintained number of identical instances of one image. What must differ from server to server is given by slot; " +
			"calls to AWS grow with batches of up to 1,000 instances, not with instances.",
		Attributes: attributes,
	}
}
