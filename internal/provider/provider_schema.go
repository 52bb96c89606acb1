package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// providerSchema has the names of the AWS provider's block, so that a block can be
// copied from there. For that reason alone it has nested blocks.
func providerSchema() schema.Schema {
	return schema.Schema{
		MarkdownDescription: "Golden images and fleets of identical servers on AWS. The settings have the names, the meaning and " +
			"the environment variables of the AWS provider's: a block can be copied from there.",
		Attributes: providerAttributes(),
		Blocks: map[string]schema.Block{
			"assume_role":                   assumeRoleBlock(),
			"assume_role_with_web_identity": webIdentityBlock(),
			"default_tags": schema.ListNestedBlock{
				MarkdownDescription: "Tags for everything that the provider creates; a resource's own `tags` win.",
				Validators:          []validator.List{listvalidator.SizeAtMost(1)},
				NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
					"tags": schema.MapAttribute{ElementType: types.StringType, Optional: true, Validators: tagValidators(), MarkdownDescription: "The tags."},
				}},
			},
			"endpoints": schema.SetNestedBlock{
				MarkdownDescription: "Service endpoints of your own. `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>` do the same.",
				NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
					"ec2":   optionalString("The endpoint of EC2."),
					"elbv2": optionalString("The endpoint of Elastic Load Balancing, for a fleet's target groups."),
					"iam":   optionalString("Accepted so that a block can be shared with the AWS provider; this provider makes no IAM calls."),
					"s3":    optionalString("The endpoint of S3, where `bake.staging_bucket` is."),
					"ssm":   optionalString("The endpoint of Systems Manager."),
					"sts":   optionalString("The endpoint of STS."),
				}},
			},
		},
	}
}

func providerAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"region":     optionalString("The region; `AWS_REGION` or `AWS_DEFAULT_REGION`, or the profile's, without it."),
		"profile":    optionalString("The profile in the shared files; `AWS_PROFILE` without it."),
		"access_key": optionalString("The access key id; `AWS_ACCESS_KEY_ID` without it."),
		"secret_key": schema.StringAttribute{
			Optional: true, Sensitive: true,
			MarkdownDescription: "The secret access key; `AWS_SECRET_ACCESS_KEY` without it.",
		},
		"token": schema.StringAttribute{
			Optional: true, Sensitive: true,
			MarkdownDescription: "The session token; `AWS_SESSION_TOKEN` without it.",
		},
		"shared_config_files":      optionalStrings("Paths of shared config files; `AWS_CONFIG_FILE` without it."),
		"shared_credentials_files": optionalStrings("Paths of shared credentials files; `AWS_SHARED_CREDENTIALS_FILE` without it."),
		"max_retries": schema.Int64Attribute{
			Optional: true, Validators: []validator.Int64{int64validator.AtLeast(0)},
			MarkdownDescription: "How often a call is tried at most; `AWS_MAX_ATTEMPTS`, or 25, without it.",
		},
		"retry_mode": schema.StringAttribute{
			Optional: true, Validators: []validator.String{stringvalidator.OneOf("standard", "adaptive")},
			MarkdownDescription: "`standard` or `adaptive`; `AWS_RETRY_MODE` without it.",
		},
		"token_bucket_rate_limiter_capacity": schema.Int64Attribute{
			Optional:            true,
			MarkdownDescription: "The capacity of the SDK's client-side retry limiter; without it there is no limit.",
		},
		"allowed_account_ids": schema.SetAttribute{
			ElementType: types.StringType, Optional: true,
			Validators:          []validator.Set{setvalidator.ConflictsWith(path.MatchRoot("forbidden_account_ids"))},
			MarkdownDescription: "The only accounts in which anything may be done.",
		},
		"forbidden_account_ids": schema.SetAttribute{
			ElementType: types.StringType, Optional: true,
			MarkdownDescription: "Accounts in which nothing may be done.",
		},
		"http_proxy":             optionalString("The proxy for HTTP; `HTTP_PROXY` without it."),
		"https_proxy":            optionalString("The proxy for HTTPS; `HTTPS_PROXY` without it."),
		"no_proxy":               optionalString("Hosts that are reached without the proxy; `NO_PROXY` without it."),
		"insecure":               optionalBool("Do not verify TLS certificates."),
		"custom_ca_bundle":       optionalString("A file of root and intermediate certificates; `AWS_CA_BUNDLE` without it."),
		"use_dualstack_endpoint": optionalBool("Use dual-stack endpoints."),
		"use_fips_endpoint":      optionalBool("Use FIPS endpoints."),
		"ec2_metadata_service_endpoint": optionalString("The endpoint of the instance metadata service; " +
			"`AWS_EC2_METADATA_SERVICE_ENDPOINT` without it."),
		"ec2_metadata_service_endpoint_mode": schema.StringAttribute{
			Optional:            true,
			Validators:          []validator.String{stringvalidator.OneOf("IPv4", "IPv6")},
			MarkdownDescription: "`IPv4` or `IPv6`; `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE` without it.",
		},
		"skip_credentials_validation": optionalBool("Do not ask STS whether the credentials are valid."),
		"skip_metadata_api_check":     optionalString("`true`: do not ask the instance metadata service for credentials."),
		"skip_region_validation":      optionalBool("Accept region names that this version does not know."),
		"skip_requesting_account_id":  optionalBool("Do not ask for the account id."),
		"sts_region":                  optionalString("The region of STS; the provider's without it."),
		"progress_file": optionalString("A file or terminal (`/dev/tty`) to which the phases of a bake and of a rollout are written as they happen, " +
			"one line each, since Terraform itself shows none; `STAMP_PROGRESS` without it. See [Progress and logs](#progress-and-logs)."),
		"progress_output": optionalBool("Write there, too, the end of what each step and check prints that ends well; `STAMP_PROGRESS_OUTPUT` without it. " +
			"With `transport = \"ssm\"` it is written in any case."),
	}
}

func assumeRoleBlock() schema.Block {
	attributes := roleAttributes()
	attributes["external_id"] = optionalString("The external id that the role asks for.")
	attributes["source_identity"] = optionalString("The source identity of the session.")
	attributes["tags"] = schema.MapAttribute{ElementType: types.StringType, Optional: true, MarkdownDescription: "Tags of the session."}
	attributes["transitive_tag_keys"] = schema.SetAttribute{
		ElementType: types.StringType, Optional: true,
		MarkdownDescription: "Tags that are passed on to further roles.",
	}
	return schema.ListNestedBlock{
		MarkdownDescription: "Roles to assume, one after the other.",
		NestedObject:        schema.NestedBlockObject{Attributes: attributes},
	}
}

func webIdentityBlock() schema.Block {
	attributes := roleAttributes()
	attributes["web_identity_token"] = schema.StringAttribute{Optional: true, Sensitive: true, MarkdownDescription: "The token itself."}
	attributes["web_identity_token_file"] = optionalString("A file that holds the token; `AWS_WEB_IDENTITY_TOKEN_FILE` without it.")
	return schema.ListNestedBlock{
		MarkdownDescription: "A role to assume with a web identity.",
		Validators:          []validator.List{listvalidator.SizeAtMost(1)},
		NestedObject:        schema.NestedBlockObject{Attributes: attributes},
	}
}

func roleAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"role_arn":     optionalString("The role's ARN."),
		"duration":     schema.StringAttribute{Optional: true, Validators: []validator.String{duration()}, MarkdownDescription: "How long the session lasts, like `1h`."},
		"policy":       optionalString("A policy, as JSON, that restricts the session."),
		"policy_arns":  schema.SetAttribute{ElementType: types.StringType, Optional: true, MarkdownDescription: "Managed policies that restrict the session."},
		"session_name": optionalString("The session's name."),
	}
}

func optionalString(description string) schema.StringAttribute {
	return schema.StringAttribute{Optional: true, MarkdownDescription: description}
}

func optionalStrings(description string) schema.ListAttribute {
	return schema.ListAttribute{ElementType: types.StringType, Optional: true, MarkdownDescription: description}
}

func optionalBool(description string) schema.BoolAttribute {
	return schema.BoolAttribute{Optional: true, MarkdownDescription: description}
}
