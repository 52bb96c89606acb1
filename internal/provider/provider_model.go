package provider

import (
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// providerModel is the provider block as HCL says it.
type providerModel struct {
	Region                         types.String `tfsdk:"region"`
	Profile                        types.String `tfsdk:"profile"`
	AccessKey                      types.String `tfsdk:"access_key"`
	SecretKey                      types.String `tfsdk:"secret_key"`
	Token                          types.String `tfsdk:"token"`
	SharedConfigFiles              types.List   `tfsdk:"shared_config_files"`
	SharedCredentialsFiles         types.List   `tfsdk:"shared_credentials_files"`
	MaxRetries                     types.Int64  `tfsdk:"max_retries"`
	RetryMode                      types.String `tfsdk:"retry_mode"`
	TokenBucketRateLimiterCapacity types.Int64  `tfsdk:"token_bucket_rate_limiter_capacity"`
	AllowedAccountIDs              types.Set    `tfsdk:"allowed_account_ids"`
	ForbiddenAccountIDs            types.Set    `tfsdk:"forbidden_account_ids"`
	HTTPProxy                      types.String `tfsdk:"http_proxy"`
	HTTPSProxy                     types.String `tfsdk:"https_proxy"`
	NoProxy                        types.String `tfsdk:"no_proxy"`
	Insecure                       types.Bool   `tfsdk:"insecure"`
	CustomCABundle                 types.String `tfsdk:"custom_ca_bundle"`
	UseDualStackEndpoint           types.Bool   `tfsdk:"use_dualstack_endpoint"`
	UseFIPSEndpoint                types.Bool   `tfsdk:"use_fips_endpoint"`
	MetadataEndpoint               types.String `tfsdk:"ec2_metadata_service_endpoint"`
	MetadataEndpointMode           types.String `tfsdk:"ec2_metadata_service_endpoint_mode"`
	SkipCredentialsValidation      types.Bool   `tfsdk:"skip_credentials_validation"`
	SkipMetadataAPICheck           types.String `tfsdk:"skip_metadata_api_check"`
	SkipRegionValidation           types.Bool   `tfsdk:"skip_region_validation"`
	SkipRequestingAccountID        types.Bool   `tfsdk:"skip_requesting_account_id"`
	STSRegion                      types.String `tfsdk:"sts_region"`
	ProgressFile                   types.String `tfsdk:"progress_file"`
	ProgressOutput                 types.Bool   `tfsdk:"progress_output"`

	AssumeRole  []assumeRoleModel  `tfsdk:"assume_role"`
	WebIdentity []webIdentityModel `tfsdk:"assume_role_with_web_identity"`
	DefaultTags []defaultTagsModel `tfsdk:"default_tags"`
	Endpoints   []endpointsModel   `tfsdk:"endpoints"`
}

type assumeRoleModel struct {
	RoleARN           types.String `tfsdk:"role_arn"`
	Duration          types.String `tfsdk:"duration"`
	ExternalID        types.String `tfsdk:"external_id"`
	Policy            types.String `tfsdk:"policy"`
	PolicyARNs        types.Set    `tfsdk:"policy_arns"`
	SessionName       types.String `tfsdk:"session_name"`
	SourceIdentity    types.String `tfsdk:"source_identity"`
	Tags              types.Map    `tfsdk:"tags"`
	TransitiveTagKeys types.Set    `tfsdk:"transitive_tag_keys"`
}

type webIdentityModel struct {
	RoleARN              types.String `tfsdk:"role_arn"`
	Duration             types.String `tfsdk:"duration"`
	Policy               types.String `tfsdk:"policy"`
	PolicyARNs           types.Set    `tfsdk:"policy_arns"`
	SessionName          types.String `tfsdk:"session_name"`
	WebIdentityToken     types.String `tfsdk:"web_identity_token"`
	WebIdentityTokenFile types.String `tfsdk:"web_identity_token_file"`
}

type defaultTagsModel struct {
	Tags types.Map `tfsdk:"tags"`
}

type endpointsModel struct {
	EC2 types.String `tfsdk:"ec2"`
	ELB types.String `tfsdk:"elbv2"`
	IAM types.String `tfsdk:"iam"`
	S3  types.String `tfsdk:"s3"`
	SSM types.String `tfsdk:"ssm"`
	STS types.String `tfsdk:"sts"`
}

// config translates a wholly known block.
func (m providerModel) config(diags *diag.Diagnostics) cloud.Config {
	config := cloud.Config{
		Region:                         m.Region.ValueString(),
		Profile:                        m.Profile.ValueString(),
		AccessKey:                      m.AccessKey.ValueString(),
		SecretKey:                      m.SecretKey.ValueString(),
		Token:                          m.Token.ValueString(),
		SharedConfigFiles:              elements(m.SharedConfigFiles),
		SharedCredentialsFiles:         elements(m.SharedCredentialsFiles),
		MaxRetries:                     intOr(m.MaxRetries, 0),
		RetryMode:                      m.RetryMode.ValueString(),
		TokenBucketRateLimiterCapacity: intOr(m.TokenBucketRateLimiterCapacity, 0),
		AllowedAccountIDs:              elements(m.AllowedAccountIDs),
		ForbiddenAccountIDs:            elements(m.ForbiddenAccountIDs),
		HTTPProxy:                      m.HTTPProxy.ValueStringPointer(),
		HTTPSProxy:                     m.HTTPSProxy.ValueStringPointer(),
		NoProxy:                        m.NoProxy.ValueString(),
		Insecure:                       m.Insecure.ValueBool(),
		CustomCABundle:                 m.CustomCABundle.ValueString(),
		UseDualStackEndpoint:           m.UseDualStackEndpoint.ValueBool(),
		UseFIPSEndpoint:                m.UseFIPSEndpoint.ValueBool(),
		EC2MetadataServiceEndpoint:     m.MetadataEndpoint.ValueString(),
		EC2MetadataServiceEndpointMode: m.MetadataEndpointMode.ValueString(),
		SkipCredentialsValidation:      m.SkipCredentialsValidation.ValueBoolPointer(),
		SkipRegionValidation:           m.SkipRegionValidation.ValueBool(),
		SkipRequestingAccountID:        m.SkipRequestingAccountID.ValueBool(),
		STSRegion:                      m.STSRegion.ValueString(),
		Endpoints:                      map[string]string{},
	}
	// A string, not a boolean, as in the AWS provider: "" leaves it to the environment.
	if text := m.SkipMetadataAPICheck.ValueString(); text != "" {
		skip, err := strconv.ParseBool(text)
		if err != nil {
			attributeError(diags, path.Root("skip_metadata_api_check"), "Neither true nor false", err.Error())
		}
		config.SkipMetadataAPICheck = &skip
	}
	for _, endpoints := range m.Endpoints {
		for service, endpoint := range map[string]types.String{
			"ec2": endpoints.EC2, "elbv2": endpoints.ELB, "iam": endpoints.IAM, "s3": endpoints.S3, "ssm": endpoints.SSM, "sts": endpoints.STS,
		} {
			if endpoint.ValueString() != "" {
				config.Endpoints[service] = endpoint.ValueString()
			}
		}
	}
	m.roles(&config)
	return config
}

func (m providerModel) roles(config *cloud.Config) {
	for _, role := range m.AssumeRole {
		config.AssumeRole = append(config.AssumeRole, cloud.AssumeRole{
			RoleARN:           role.RoleARN.ValueString(),
			Duration:          durationOr(role.Duration, 0),
			ExternalID:        role.ExternalID.ValueString(),
			Policy:            role.Policy.ValueString(),
			PolicyARNs:        elements(role.PolicyARNs),
			SessionName:       role.SessionName.ValueString(),
			SourceIdentity:    role.SourceIdentity.ValueString(),
			Tags:              stringsOf(role.Tags),
			TransitiveTagKeys: elements(role.TransitiveTagKeys),
		})
	}
	for _, role := range m.WebIdentity {
		config.AssumeRoleWithWebIdentity = &cloud.AssumeRoleWithWebIdentity{
			RoleARN:              role.RoleARN.ValueString(),
			Duration:             durationOr(role.Duration, 0),
			Policy:               role.Policy.ValueString(),
			PolicyARNs:           elements(role.PolicyARNs),
			SessionName:          role.SessionName.ValueString(),
			WebIdentityToken:     role.WebIdentityToken.ValueString(),
			WebIdentityTokenFile: role.WebIdentityTokenFile.ValueString(),
		}
	}
}

// tags are the default tags.
func (m providerModel) tags() cloud.Tags {
	tags := cloud.Tags{}
	for _, block := range m.DefaultTags {
		tags = tags.With(tagsOf(block.Tags))
	}
	return tags
}
