package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// fleetLaunchAttributes are what is sent with the launch beyond image, type and place.
func fleetLaunchAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"associate_public_ip_address": schema.BoolAttribute{
			Optional: true, MarkdownDescription: "Whether instances get a public IPv4 address. Default: what the subnet says. A change rolls the fleet.",
		},
		"market": schema.StringAttribute{
			Optional: true, Validators: []validator.String{stringvalidator.OneOf("on-demand", "spot")},
			MarkdownDescription: "`on-demand`, the default, or `spot`: one-time requests; an instance that is interrupted is gone, and the next apply fills its slot. A change rolls the fleet.",
		},
		"monitoring": schema.BoolAttribute{
			Optional: true, MarkdownDescription: "Detailed monitoring. Default `false`. Changed in place.",
		},
		"ebs_optimized": schema.BoolAttribute{
			Optional: true, MarkdownDescription: "Dedicated throughput to EBS, for older types that have a choice. A change rolls the fleet.",
		},
		"disable_api_termination": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Termination protection: nobody can terminate the instances by accident. The provider lifts it itself from an instance that it has to end. " +
				"Not for spot instances. Default `false`. Changed in place.",
		},
		"disable_api_stop": schema.BoolAttribute{
			Optional: true, MarkdownDescription: "Stop protection. Default `false`. Changed in place.",
		},
		"credit_specification": schema.SingleNestedAttribute{
			Optional: true, MarkdownDescription: "CPU credits of burstable types; other types ignore it. A change rolls the fleet.",
			Attributes: map[string]schema.Attribute{
				"cpu_credits": schema.StringAttribute{
					Required: true, Validators: []validator.String{stringvalidator.OneOf("standard", "unlimited")},
					MarkdownDescription: "`standard` or `unlimited`.",
				},
			},
		},
		"placement": schema.SingleNestedAttribute{
			Optional: true, MarkdownDescription: "On which hosts, and out of which reservation, instances run. A change rolls the fleet.",
			Attributes: map[string]schema.Attribute{
				"group_name": schema.StringAttribute{Optional: true, Validators: []validator.String{nonEmpty()}, MarkdownDescription: "The name of a placement group."},
				"tenancy": schema.StringAttribute{
					Optional: true, Validators: []validator.String{stringvalidator.OneOf("default", "dedicated")},
					MarkdownDescription: "`default` or `dedicated`.",
				},
				"capacity_reservation_id": schema.StringAttribute{
					Optional: true, Validators: []validator.String{nonEmpty()}, MarkdownDescription: "The id of a capacity reservation to launch into.",
				},
			},
		},
		"metadata_options": schema.SingleNestedAttribute{
			Optional: true,
			MarkdownDescription: "The instance metadata service. Session tokens (IMDSv2) are required unless `http_tokens` says otherwise. " +
				"Changed in place; an option that is taken away stays as it is on running instances.",
			Attributes: map[string]schema.Attribute{
				"http_tokens": schema.StringAttribute{
					Optional: true, Validators: []validator.String{stringvalidator.OneOf("required", "optional")},
					MarkdownDescription: "`required`, the default, or `optional`.",
				},
				"http_endpoint": schema.StringAttribute{
					Optional: true, Validators: []validator.String{stringvalidator.OneOf("enabled", "disabled")},
					MarkdownDescription: "`enabled` or `disabled`. Default: the image's or the account's. With `slots` it must be enabled: a server learns its slot there.",
				},
				"http_put_response_hop_limit": schema.Int64Attribute{
					Optional: true, Validators: []validator.Int64{int64validator.Between(1, 64)},
					MarkdownDescription: "How many hops a token's answer may travel, 1 to 64; containers need 2.",
				},
				"instance_metadata_tags": schema.StringAttribute{
					Optional: true, Validators: []validator.String{stringvalidator.OneOf("enabled", "disabled")},
					MarkdownDescription: "Whether instances can read their tags there. Tag keys may then have no spaces and no `/`.",
				},
			},
		},
		"root_volume": schema.SingleNestedAttribute{
			Optional: true, MarkdownDescription: "The root volume, where it is not as in the image. A change rolls the fleet.",
			Attributes: volumeAttributes(),
		},
		"volumes": schema.MapNestedAttribute{
			Optional: true, MarkdownDescription: "Further volumes by device name, like `/dev/sdf`; they end with their instance. A change rolls the fleet.",
			Validators:   []validator.Map{mapvalidator.KeysAre(fleetDevice())},
			NestedObject: schema.NestedAttributeObject{Attributes: volumeAttributes()},
		},
		"target_group_arns": schema.SetAttribute{
			Optional: true, ElementType: types.StringType, Validators: []validator.Set{givenElements{}, setvalidator.ValueStringsAre(targetGroupARN())},
			MarkdownDescription: "ARNs of target groups (of target type `instance`) that all instances are registered in, and drained from before they end. Changed in place.",
		},
	}
}

func volumeAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"size": schema.Int64Attribute{Optional: true, Validators: []validator.Int64{int64validator.AtLeast(1)}, MarkdownDescription: "In GiB."},
		"type": schema.StringAttribute{
			Optional: true, Validators: []validator.String{stringvalidator.OneOf("gp2", "gp3", "io1", "io2", "st1", "sc1", "standard")},
			MarkdownDescription: "`gp3`, for example.",
		},
		"iops":       schema.Int64Attribute{Optional: true, Validators: []validator.Int64{int64validator.AtLeast(1)}, MarkdownDescription: "For `gp3`, `io1` and `io2`."},
		"throughput": schema.Int64Attribute{Optional: true, Validators: []validator.Int64{int64validator.AtLeast(1)}, MarkdownDescription: "In MiB/s, for `gp3`."},
		"encrypted":  schema.BoolAttribute{Optional: true, MarkdownDescription: "Encrypt it. Default: as in the image, or the account's."},
		"kms_key_id": schema.StringAttribute{
			Optional: true, Validators: []validator.String{nonEmpty()}, MarkdownDescription: "Id, alias or ARN of the KMS key; takes `encrypted = true`.",
		},
	}
}
