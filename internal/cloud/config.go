package cloud

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	awsbase "github.com/hashicorp/aws-sdk-go-base/v2"
	"github.com/hashicorp/aws-sdk-go-base/v2/diag"
	"github.com/hashicorp/aws-sdk-go-base/v2/validation"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// defaultMaxAttempts is the AWS provider's, so that the same weather is survived.
const defaultMaxAttempts = 25

// ErrNoRegion says that no region is configured anywhere.
var ErrNoRegion = errors.New("no region is set: set region in the provider block, AWS_REGION or AWS_DEFAULT_REGION " +
	"in the environment, or region in the profile of the shared config file")

// New finds credentials and a region as the AWS provider does, and returns the
// account that they belong to.
//
// One thing differs on purpose. The AWS provider asks STS for the account's id in
// each plan and apply, because it builds ARNs of it; nothing here needs it. So STS is
// asked only when the configuration depends on the answer: allowed or forbidden
// account ids, or skip_credentials_validation = false. Credentials that are not valid
// are otherwise reported by the first call that they are used for, with AWS's words.
func New(ctx context.Context, config Config) (*Account, []report.Warning, error) {
	restricted := len(config.AllowedAccountIDs) > 0 || len(config.ForbiddenAccountIDs) > 0
	if restricted && config.SkipRequestingAccountID {
		return nil, nil, errors.New("allowed_account_ids and forbidden_account_ids need the account's id: " +
			"remove them, or skip_requesting_account_id")
	}
	base := config.base()
	limited, cancel := findCredentials(ctx)
	defer cancel()
	_, resolved, diags := awsbase.GetAwsConfig(limited, base)
	warnings := warningsOf(diags)
	if err := errorOf(diags); err != nil {
		return nil, warnings, err
	}
	if resolved.Region == "" {
		return nil, warnings, ErrNoRegion
	}
	// Neither the block, nor the environment, nor the shared file has said.
	if resolved.RetryMaxAttempts == 0 {
		resolved.RetryMaxAttempts = defaultMaxAttempts
	}
	resolved.HTTPClient = answers.guard(resolved.HTTPClient)
	account := newAccount(config, resolved)
	if err := account.validRegion(resolved.Region); err != nil {
		return nil, warnings, err
	}
	if restricted || config.SkipCredentialsValidation != nil && !*config.SkipCredentialsValidation {
		caller, err := account.identity(ctx)
		if err != nil {
			return nil, warnings, fmt.Errorf("validating the credentials: %w", err)
		}
		if err := base.VerifyAccountIDAllowed(caller.Account); err != nil {
			return nil, warnings, fmt.Errorf("the credentials belong to account %s, in which nothing may be done here: %w", caller.Account, err)
		}
	}
	return account, warnings, nil
}

// base translates the configuration for aws-sdk-go-base, which has the AWS provider's
// precedence. It says of itself that it is made for HashiCorp's own providers: so it
// is pinned, known to this file alone, and its precedence is held by tests of ours.
func (c Config) base() *awsbase.Config {
	base := &awsbase.Config{
		AccessKey:                      c.AccessKey,
		AllowedAccountIds:              c.AllowedAccountIDs,
		CallerDocumentationURL:         "https://registry.terraform.io/providers/stamp-pattern/stamp/latest/docs",
		CallerName:                     "Terraform stamp provider",
		CustomCABundle:                 c.CustomCABundle,
		EC2MetadataServiceEndpoint:     c.EC2MetadataServiceEndpoint,
		EC2MetadataServiceEndpointMode: c.EC2MetadataServiceEndpointMode,
		ForbiddenAccountIds:            c.ForbiddenAccountIDs,
		HTTPClient:                     c.HTTPClient,
		HTTPProxy:                      c.HTTPProxy,
		HTTPProxyMode:                  awsbase.HTTPProxyModeLegacy,
		HTTPSProxy:                     c.HTTPSProxy,
		IamEndpoint:                    c.Endpoints["iam"],
		Insecure:                       c.Insecure,
		MaxRetries:                     c.MaxRetries,
		NoProxy:                        c.NoProxy,
		Profile:                        c.Profile,
		Region:                         c.Region,
		RetryMode:                      aws.RetryMode(c.RetryMode),
		SecretKey:                      c.SecretKey,
		SharedConfigFiles:              c.SharedConfigFiles,
		SharedCredentialsFiles:         c.SharedCredentialsFiles,
		SsoEndpoint:                    c.Endpoints["sso"],
		StsEndpoint:                    c.Endpoints["sts"],
		StsRegion:                      c.STSRegion,
		Token:                          c.Token,
		TokenBucketRateLimiterCapacity: c.TokenBucketRateLimiterCapacity,
		UseDualStackEndpoint:           c.UseDualStackEndpoint,
		UseFIPSEndpoint:                c.UseFIPSEndpoint,
		UserAgent:                      c.userAgent(),
		// Bodies hold user data, and user data holds what people put there.
		SuppressDebugLog: true,
		// Asked here instead, once, and only when needed: see New.
		SkipCredsValidation: true,
	}
	if skip := c.SkipMetadataAPICheck; skip != nil && *skip {
		base.EC2MetadataServiceEnableState = imds.ClientDisabled
	} else if skip != nil {
		base.EC2MetadataServiceEnableState = imds.ClientEnabled
	}
	for _, role := range c.AssumeRole {
		base.AssumeRole = append(base.AssumeRole, awsbase.AssumeRole(role))
	}
	if c.AssumeRoleWithWebIdentity != nil {
		role := awsbase.AssumeRoleWithWebIdentity(*c.AssumeRoleWithWebIdentity)
		base.AssumeRoleWithWebIdentity = &role
	}
	return base
}

func (c Config) userAgent() awsbase.UserAgentProducts {
	products := awsbase.UserAgentProducts{
		{Name: "Terraform", Version: c.TerraformVersion},
		{Name: "terraform-provider-stamp", Version: c.ProviderVersion},
	}
	for _, text := range c.UserAgent {
		name, version, _ := strings.Cut(text, "/")
		products = append(products, awsbase.UserAgentProduct{Name: name, Version: version})
	}
	return products
}

func warningsOf(diags diag.Diagnostics) []report.Warning {
	var warnings []report.Warning
	for _, found := range diags.Warnings() {
		warnings = append(warnings, report.Warning{Summary: found.Summary(), Detail: found.Detail()})
	}
	return warnings
}

// errorOf joins the errors among the diagnostics; nil without any.
func errorOf(diags diag.Diagnostics) error {
	var all []error
	for _, found := range diags.Errors() {
		text := strings.TrimSpace(found.Summary() + "\n\n" + found.Detail())
		if cause, ok := found.(diag.DiagnosticWithErr); ok {
			all = append(all, &configError{text: text, err: cause.Err()})
			continue
		}
		all = append(all, errors.New(text))
	}
	err := errors.Join(all...)
	// A role is assumed before anybody has looked whether there is a region, and the
	// SDK has no type for what it then says.
	if err != nil && os.Getenv("AWS_REGION") == "" && os.Getenv("AWS_DEFAULT_REGION") == "" &&
		strings.Contains(err.Error(), "Missing Region") {
		return errors.Join(ErrNoRegion, err)
	}
	return err
}

// configError says what aws-sdk-go-base says and keeps the error that it is about.
type configError struct {
	text string
	err  error
}

// Error is the diagnostic's text, which quotes the error.
func (e *configError) Error() string { return e.text }

// Unwrap returns the error itself.
func (e *configError) Unwrap() error { return e.err }

// validRegion refuses names that AWS does not have, unless told not to: a typing
// mistake otherwise becomes "no such host", after minutes of retries.
func (a *Account) validRegion(name string) error {
	if a.config.SkipRegionValidation {
		return nil
	}
	if err := validation.SupportedRegion(name); err != nil {
		return fmt.Errorf("%w; if AWS has it, and this version does not know it yet, set skip_region_validation", err)
	}
	return nil
}
