package provider

import (
	"context"
	"maps"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

func goldenImageSchema(ctx context.Context) schema.Schema {
	attributes := map[string]schema.Attribute{
		"name": schema.StringAttribute{
			Required: true,
			MarkdownDescription: "Names the line of versions in its account and region, and begins the name of each AMI: " +
				"`<name>-v<version>-<fingerprint>`. " + image.NameRule + ". A change makes a new line.",
			PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
			Validators: []validator.String{stringRule{
				description: image.NameRule, summary: "Not a name for an AMI",
				wrong: func(value string) string {
					if image.ValidName(value) {
						return ""
					}
					return strconv.Quote(value) + " cannot begin the name of an AMI. It takes " + image.NameRule + "."
				},
			}},
		},
		"description": schema.StringAttribute{
			Optional: true, MarkdownDescription: "The AMIs' description, at most 255 characters of ASCII: EC2 takes no others. Changed in place.",
			Validators: []validator.String{stringvalidator.LengthBetween(1, 255), asciiOnly()},
		},
		"region":     regionAttribute("the line lives in"),
		"source":     sourceAttribute(),
		"bake":       bakeAttribute(),
		"verify":     verifyAttribute(),
		"capture":    captureAttribute(),
		"distribute": distributeAttribute(),
		"refresh":    refreshAttribute(),
		"tags": schema.MapAttribute{
			Optional: true, ElementType: types.StringType, Validators: tagValidators(),
			MarkdownDescription: "Tags of the AMIs and their snapshots, and of what is temporary. Changed in place.",
		},
		"tags_all":   tagsAllAttribute(),
		"on_failure": onFailureAttribute(),
		"skip_destroy": schema.BoolAttribute{
			Optional: true, MarkdownDescription: "Destroy forgets the line and leaves its versions with all that belongs to them; only what is temporary ends. Default `false`.",
		},
		"timeouts": timeouts.Attributes(ctx, timeouts.Opts{
			Create: true, Update: true, Delete: true,
			CreateDescription: "How long the first bake may take in all. Default `60m`.",
			UpdateDescription: "How long a further bake may take in all. Default `60m`.",
			DeleteDescription: "How long the removal may take. Default `15m`.",
		}),
	}
	maps.Copy(attributes, goldenImageComputed())
	maps.Copy(attributes, heldAttributes("golden image"))
	return schema.Schema{
		MarkdownDescription: "A golden image: a server that is set up once, proved to work, and kept as an AMI, with a history of versions. " +
			"A change of what is inside bakes a new version in place; going back to a kept version bakes nothing; " +
			"a version is handed out only after its checks have passed on the builder and on a fresh instance. " +
			"To bake again, change `refresh.triggers`: `-replace` and taint destroy all versions first.",
		Attributes: attributes,
	}
}

func sourceAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Required:   true,
		Validators: []validator.Object{exactlyOneOf("A source", "image_id", "lookup", "ssm_parameter")},
		MarkdownDescription: "Where a bake starts: exactly one of `image_id`, `lookup` and `ssm_parameter`. It is resolved in every plan, with `-refresh=false` in the last one that has refreshed; " +
			"a newer source AMI plans a new version, unless `refresh.on_source_change` is off.",
		Attributes: map[string]schema.Attribute{
			"image_id": schema.StringAttribute{
				Optional: true, MarkdownDescription: "The id of an AMI in the line's region.",
				Validators: []validator.String{amiID()},
			},
			"lookup": schema.SingleNestedAttribute{
				Optional: true, MarkdownDescription: "The newest available AMI that matches.",
				Attributes: map[string]schema.Attribute{
					"owners": schema.ListAttribute{
						Required: true, ElementType: types.StringType,
						Validators:          []validator.List{listvalidator.SizeAtLeast(1), noNulls{}, listvalidator.ValueStringsAre(nonEmpty())},
						MarkdownDescription: "Account ids, `self`, `amazon` or `aws-marketplace`. Required, so that nobody else's AMI of a fitting name is taken.",
					},
					"name": schema.StringAttribute{Optional: true, Validators: []validator.String{nonEmpty()}, MarkdownDescription: "The AMI's name; `*` and `?` stand for any characters, any character."},
					"architecture": schema.StringAttribute{
						Optional: true, Validators: []validator.String{stringvalidator.OneOf("x86_64", "arm64", "i386", "x86_64_mac", "arm64_mac")},
						MarkdownDescription: "`x86_64` or `arm64`, for example.",
					},
					"filters": schema.MapAttribute{
						Optional: true, ElementType: types.StringType,
						MarkdownDescription: "Further filters of [DescribeImages](https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeImages.html), by name: `{ \"root-device-type\" = \"ebs\" }`.",
					},
				},
			},
			"ssm_parameter": schema.StringAttribute{
				Optional: true, Validators: []validator.String{nonEmpty()},
				MarkdownDescription: "The name of an SSM parameter that holds an AMI id, like `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64`.",
			},
		},
	}
}

func bakeAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: "How and where a version is made.",
		Attributes: map[string]schema.Attribute{
			"instance_types": schema.ListAttribute{
				Optional: true, ElementType: types.StringType,
				Validators: []validator.List{noNulls{}, listvalidator.UniqueValues(), listvalidator.ValueStringsAre(nonEmpty())},
				MarkdownDescription: "Tried in order; the next one on a capacity error. Default `t3.small` or `t4g.small`, by the source's architecture, " +
					"and `t3.large` for Windows. Used by the next bake; a change alone bakes nothing.",
			},
			"subnet_ids": schema.ListAttribute{
				Optional: true, ElementType: types.StringType,
				Validators:          []validator.List{noNulls{}, listvalidator.UniqueValues(), listvalidator.ValueStringsAre(nonEmpty())},
				MarkdownDescription: "Tried in order; the next one on a capacity error. Default: the default VPC's. Used by the next bake.",
			},
			"vpc_security_group_ids": schema.SetAttribute{
				Optional: true, ElementType: types.StringType,
				Validators:          []validator.Set{noNulls{}, setvalidator.ValueStringsAre(nonEmpty())},
				MarkdownDescription: "Security groups of builder and proof; no inbound rule is needed. Default: the VPC's default group. Used by the next bake.",
			},
			"iam_instance_profile": schema.StringAttribute{
				Optional: true, Validators: []validator.String{nonEmpty()},
				MarkdownDescription: "Name or ARN of the instance profile of builder and proof. Used by the next bake.",
			},
			"associate_public_ip_address": schema.BoolAttribute{
				Optional:            true,
				MarkdownDescription: "Whether builder and proof get a public address. Default: what the subnet says.",
			},
			"tags": schema.MapAttribute{
				Optional: true, ElementType: types.StringType, Validators: tagValidators(),
				MarkdownDescription: "Tags of builder and proof alone, and of their volumes, beside the resource's `tags`: what a policy or a bill demands of whatever runs. " +
					"Images and snapshots do not get them. Used by the next bake.",
			},
			"metadata_options":   bakeMetadataAttribute(),
			"user_data":          bakeUserDataAttribute(),
			"transport":          transportAttribute(),
			"staging_bucket":     stagingBucketAttribute(),
			"key_name":           keyNameAttribute(),
			"secrets_wo":         secretsAttribute(),
			"secrets_wo_version": secretsVersionAttribute(),
			"root_volume": schema.SingleNestedAttribute{
				Optional: true, MarkdownDescription: "The image's root volume. Default: as in the source.",
				Attributes: map[string]schema.Attribute{
					"size":       schema.Int64Attribute{Optional: true, Validators: []validator.Int64{int64validator.Between(1, 65536)}, MarkdownDescription: "In GiB; at least the source's."},
					"type":       schema.StringAttribute{Optional: true, Validators: []validator.String{stringvalidator.OneOf("gp2", "gp3", "io1", "io2", "standard")}, MarkdownDescription: "`gp3`, for example."},
					"iops":       schema.Int64Attribute{Optional: true, Validators: []validator.Int64{int64validator.AtLeast(100)}, MarkdownDescription: "Operations per second, for `gp3`, `io1` and `io2`."},
					"throughput": schema.Int64Attribute{Optional: true, Validators: []validator.Int64{int64validator.AtLeast(125)}, MarkdownDescription: "In MiB/s, for `gp3`."},
				},
			},
			"volumes":  volumesAttribute(),
			"steps":    stepsAttribute(),
			"clean_up": cleanUpAttribute(),
		},
	}
}
