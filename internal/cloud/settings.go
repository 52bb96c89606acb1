package cloud

import (
	"context"
	"net/http"
	"time"
)

// Config is the provider block. Fields have the names and the meaning of the AWS
// provider's; zero values are left to the environment variables and the shared files
// that every AWS tool reads, and then to defaults.
type Config struct {
	// Region is the default region; AWS_REGION, AWS_DEFAULT_REGION or the profile's
	// without it.
	Region string
	// Profile is one of the shared files; AWS_PROFILE without it.
	Profile string
	// AccessKey, SecretKey and Token are static credentials; with any of them set no
	// other source of credentials is asked.
	AccessKey, SecretKey, Token string
	// SharedConfigFiles and SharedCredentialsFiles are paths; ~ and $VARIABLES are
	// expanded.
	SharedConfigFiles, SharedCredentialsFiles []string
	// AssumeRole are roles to assume, one from the other.
	AssumeRole []AssumeRole
	// AssumeRoleWithWebIdentity is nil unless the block is there.
	AssumeRoleWithWebIdentity *AssumeRoleWithWebIdentity
	// AllowedAccountIDs and ForbiddenAccountIDs keep work out of the wrong account.
	// With either set, New asks STS once whose credentials these are.
	AllowedAccountIDs, ForbiddenAccountIDs []string
	// Endpoints are URLs by the AWS provider's service names: "ec2", "ssm", "sts",
	// "iam", "sso". Names of services that are not called are ignored. They win over
	// AWS_ENDPOINT_URL_<SERVICE>, and that over AWS_ENDPOINT_URL.
	Endpoints map[string]string
	// RetryMode is "standard" or "adaptive"; AWS_RETRY_MODE without it.
	RetryMode string
	// MaxRetries is how often a request is tried in all; AWS_MAX_ATTEMPTS, then 25,
	// without it.
	MaxRetries int
	// TokenBucketRateLimiterCapacity limits the SDK's own retries; zero does not.
	TokenBucketRateLimiterCapacity int
	// HTTPProxy and HTTPSProxy are URLs; nil leaves them to HTTP_PROXY and
	// HTTPS_PROXY, an empty string means no proxy.
	HTTPProxy, HTTPSProxy *string
	// NoProxy are hosts, separated by commas; NO_PROXY without it.
	NoProxy string
	// Insecure does not verify TLS certificates.
	Insecure bool
	// CustomCABundle is the path of a PEM file; AWS_CA_BUNDLE without it.
	CustomCABundle string
	// UseDualStackEndpoint and UseFIPSEndpoint choose among AWS's endpoints.
	UseDualStackEndpoint, UseFIPSEndpoint bool
	// EC2MetadataServiceEndpoint and …Mode ("IPv4", "IPv6") are where credentials of
	// the machine that runs Terraform come from.
	EC2MetadataServiceEndpoint, EC2MetadataServiceEndpointMode string
	// SkipMetadataAPICheck true never asks that service, false does even where
	// AWS_EC2_METADATA_DISABLED says not to; nil leaves it to the environment.
	SkipMetadataAPICheck *bool
	// SkipCredentialsValidation false asks STS at once whether the credentials are
	// valid. Unlike in the AWS provider, nil does not: see New.
	SkipCredentialsValidation *bool
	// SkipRegionValidation accepts names of regions that this version does not know.
	SkipRegionValidation bool
	// SkipRequestingAccountID never asks for the account's id; Account.ID is then an
	// error, and so are AllowedAccountIDs and ForbiddenAccountIDs.
	SkipRequestingAccountID bool
	// STSRegion is the region of STS; Region without it.
	STSRegion string
	// UserAgent are further products, like "name/1.0".
	UserAgent []string
	// TerraformVersion and ProviderVersion go into the user agent.
	TerraformVersion, ProviderVersion string
	// Log hears of each attempt of each call; nil hears nothing.
	Log func(context.Context, Call)
	// HTTPClient replaces the one that is made of the proxy and TLS settings: a way for
	// tests to run the SDK over a connection in memory. The SDK refuses it beside
	// CustomCABundle and AWS_CA_BUNDLE, which it could not put into it.
	HTTPClient *http.Client
}

// AssumeRole is one role to assume.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
type AssumeRole struct {
	RoleARN string
	// Duration of the session; zero is STS's hour.
	Duration    time.Duration
	ExternalID  string
	Policy      string
	PolicyARNs  []string
	SessionName string
	// SourceIdentity, Tags and TransitiveTagKeys are those of the session.
	SourceIdentity    string
	Tags              map[string]string
	TransitiveTagKeys []string
}

// AssumeRoleWithWebIdentity is a role to assume with a token of an OpenID Connect
// provider; one of WebIdentityToken and WebIdentityTokenFile is set.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
type AssumeRoleWithWebIdentity struct {
	RoleARN string
	// Duration of the session; zero is STS's hour.
	Duration             time.Duration
	Policy               string
	PolicyARNs           []string
	SessionName          string
	WebIdentityToken     string
	WebIdentityTokenFile string
}
