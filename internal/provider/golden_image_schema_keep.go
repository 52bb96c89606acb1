package provider

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/mapvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Values of imds_support.
const (
	imdsRequired = "v2.0"
	imdsAsSource = "source"
)

func captureAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: "How a version is kept.",
		Attributes: map[string]schema.Attribute{
			"encrypted": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Encrypt the image's volumes. The builder's are encrypted at launch, so it costs no second copy. Default `false`. " +
					"A change bakes a new version.",
			},
			"kms_key_id": schema.StringAttribute{
				Optional: true, Validators: []validator.String{nonEmpty()},
				MarkdownDescription: "Id, alias or ARN of the KMS key. Default: the account's key for EBS, under which an image cannot be shared. " +
					"Needs `encrypted = true`. A change bakes a new version.",
			},
			"retain_versions": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.Between(1, 1000)},
				MarkdownDescription: "How many versions are kept, the current one included. One that is in use is never removed: no instance, launch template, " +
					"SSM parameter or image recipe may refer to it, in any region. Default `2`.",
			},
			"deprecate_after": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration()},
				MarkdownDescription: "How long after its bake a version becomes deprecated, like `\"2160h\"`: other accounts do not find it any more, who knows its id can " +
					"still launch it. At most 10 years, 2 years for public images. Changed in place, on all kept versions and their copies. Default: never.",
			},
			"deregistration_protection": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Keep the images from being deregistered by others. The provider asks for no cool-down, and lifts the protection itself when it " +
					"has to remove a version. Where somebody has protected an image with a cool-down by hand, AWS keeps it for 24 hours after the protection was lifted, " +
					"and the removal has to wait. Changed in place. Default `false`.",
			},
			"imds_support": schema.StringAttribute{
				Optional: true, Validators: []validator.String{stringvalidator.OneOf(imdsRequired, imdsAsSource)},
				MarkdownDescription: "What the image says about the metadata service: `v2.0`, the default, makes instances of it require session tokens (IMDSv2); " +
					"`source` leaves it as the source has it. Changed in place to `v2.0`, which AWS does not undo; `source` is for the next bake.",
			},
		},
	}
}

func volumesAttribute() schema.Attribute {
	return schema.MapNestedAttribute{
		Optional:   true,
		Validators: []validator.Map{noNulls{}, mapvalidator.KeysAre(deviceName())},
		MarkdownDescription: "Further volumes by device name, like `/dev/sdf`: the builder has them, empty, and they become part of the image with what the steps put on them. " +
			"One that the source has is changed. Encrypted as `capture` says. A change bakes a new version.",
		NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
			"size": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.Between(1, 65536)},
				MarkdownDescription: "In GiB. Required for a volume that the source does not have.",
			},
			"type": schema.StringAttribute{
				Optional: true, Validators: []validator.String{stringvalidator.OneOf("gp2", "gp3", "io1", "io2", "st1", "sc1", "standard")},
				MarkdownDescription: "`gp3`, for example. Default: EC2's.",
			},
			"iops":       schema.Int64Attribute{Optional: true, Validators: []validator.Int64{int64validator.AtLeast(100)}, MarkdownDescription: "Operations per second, for `gp3`, `io1` and `io2`."},
			"throughput": schema.Int64Attribute{Optional: true, Validators: []validator.Int64{int64validator.AtLeast(125)}, MarkdownDescription: "In MiB/s, for `gp3`."},
			"delete_on_termination": schema.BoolAttribute{
				Optional: true, MarkdownDescription: "`false` keeps the volume when an instance of the image ends, and its data with it. Default `true`. The builder's own always ends.",
			},
		}},
	}
}

func distributeAttribute() schema.Attribute {
	grantees := func(of validator.String, description string) schema.Attribute {
		return schema.SetAttribute{
			Optional: true, ElementType: types.StringType,
			Validators:          []validator.Set{noNulls{}, setvalidator.ValueStringsAre(of)},
			MarkdownDescription: description,
		}
	}
	return schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "Where a version is handed out, and to whom. It converges without a bake: what is taken off is taken away, and what was changed by hand is mended. " +
			"A new version becomes current when it is everywhere; when a region fails, the others keep what came through and the next apply does only what is missing.",
		Attributes: map[string]schema.Attribute{
			"regions": schema.MapNestedAttribute{
				Optional: true, Validators: []validator.Map{noNulls{}, mapvalidator.KeysAre(regionName())},
				MarkdownDescription: "Regions that get a copy of the current version, beside the line's own. A region that is taken off loses its copies, unless they are in use. " +
					"Each region adds two requests to a plan.",
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"kms_key_id": schema.StringAttribute{
						Optional: true, Validators: []validator.String{nonEmpty()},
						MarkdownDescription: "Id, alias or ARN of a KMS key of that region; the copy is encrypted with it. Default: encrypted with the account's key for EBS there if the image is encrypted. " +
							"A change removes the copy and makes it anew: two images of a region cannot share a name.",
					},
				}},
			},
			"account_ids":              grantees(accountID(), "Accounts that may launch the image, in all of its regions."),
			"organization_arns":        grantees(organizationARN(), "AWS organizations that may."),
			"organizational_unit_arns": grantees(organizationalUnitARN(), "Organizational units that may."),
			"public": schema.BoolAttribute{
				Optional: true, MarkdownDescription: "Whether everyone may. Not for encrypted images; the account must not block public access to AMIs. Default `false`.",
			},
			"snapshots": schema.BoolAttribute{
				Optional: true, MarkdownDescription: "Whether the same accounts, or everyone, may also make volumes of the image's snapshots. Organizations cannot. " +
					"It adds a request for each snapshot to a plan. Default `false`.",
			},
			"ssm_parameter": schema.StringAttribute{
				Optional: true, Validators: []validator.String{parameterName()},
				MarkdownDescription: "The name of an SSM parameter, in the line's region, that always holds the id of the current image. The provider makes it, of data type `aws:ec2:image`, " +
					"and removes it; one that is there already is refused. It adds a request to a plan.",
			},
		},
	}
}

func refreshAttribute() schema.Attribute {
	return schema.SingleNestedAttribute{
		Optional: true, MarkdownDescription: "When a version is made although nothing that is inside was changed, and when none is.",
		Attributes: map[string]schema.Attribute{
			"on_source_change": schema.BoolAttribute{
				Optional: true, MarkdownDescription: "Whether a newer source AMI alone plans a new version. When not, the plan warns of how old the version is and which source there is; " +
					"the next version that is baked for another reason starts from it. Default `true`.",
			},
			"max_age": schema.StringAttribute{
				Optional: true, Validators: []validator.String{duration()},
				MarkdownDescription: "How old the current version may become, like `\"720h\"`; the first plan after that bakes anew. Default: any age.",
			},
			"triggers": schema.MapAttribute{
				Optional: true, ElementType: types.StringType, MarkdownDescription: "Values whose change bakes a new version. Only digests of them are kept beside the state.",
			},
			"pin_version": schema.Int64Attribute{
				Optional: true, Validators: []validator.Int64{int64validator.AtLeast(1)},
				MarkdownDescription: "The number of a kept version to hold on to, or to go back to, whatever the configuration says; the plan warns of what is held back. Default: none.",
			},
		},
	}
}

func regionName() validator.String {
	return formatRule(regionFormat, "Not a region", `the name of a region, like "eu-central-1"`)
}

func deviceName() validator.String {
	return formatRule(regexp.MustCompile(`^/dev/(sd[b-z]|xvd[b-z][a-z]?)$`), "Not a device name", `a device name for a data volume, like "/dev/sdf" or "/dev/xvdb"`)
}

func accountID() validator.String {
	return formatRule(regexp.MustCompile(`^[0-9]{12}$`), "Not an account id", `the twelve digits of an AWS account, like "111122223333"`)
}

// https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html
func organizationARN() validator.String {
	return formatRule(regexp.MustCompile(`^arn:aws[a-z-]*:organizations::[0-9]{12}:organization/o-[a-z0-9]{10,32}$`), "Not the ARN of an organization",
		`the ARN of an organization, like "arn:aws:organizations::111122223333:organization/o-a1b2c3d4e5"`)
}

// https://docs.aws.amazon.com/organizations/latest/APIReference/API_OrganizationalUnit.html
func organizationalUnitARN() validator.String {
	return formatRule(regexp.MustCompile(`^arn:aws[a-z-]*:organizations::[0-9]{12}:ou/o-[a-z0-9]{10,32}/ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}$`),
		"Not the ARN of an organizational unit",
		`the ARN of an organizational unit, like "arn:aws:organizations::111122223333:ou/o-a1b2c3d4e5/ou-ab12-cd34ef56"`)
}

// parameterFormat is SSM's, within the length of a tag's value: the line writes the
// name down there.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
var parameterFormat = regexp.MustCompile(`^([a-zA-Z0-9_.-]+|(/[a-zA-Z0-9_.-]+){1,15})$`)

func parameterName() validator.String {
	const how = "letters, digits and . _ - , in up to 15 levels that each begin with a slash, not beginning with aws or ssm, 256 characters at most"
	return stringRule{
		description: how, summary: "Not the name of an SSM parameter",
		wrong: func(value string) string {
			first := strings.ToLower(strings.TrimPrefix(value, "/"))
			if len(value) <= 256 && parameterFormat.MatchString(value) && !strings.HasPrefix(first, "aws") && !strings.HasPrefix(first, "ssm") {
				return ""
			}
			return fmt.Sprintf("%q is not the name of a parameter that can be made, like \"/golden/web\": %s.", value, how)
		},
	}
}
