package cloud

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// Account is an AWS account as one set of credentials reaches it. It is safe for
// concurrent use. Terraform runs one process for each provider block, so what is
// shared by an account (pacing, resting pools) is shared by all resources.
type Account struct {
	config   Config
	resolved aws.Config
	sts      stsCalls

	mu      sync.Mutex
	caller  Caller
	regions map[string]*Region
}

func newAccount(config Config, resolved aws.Config) *Account {
	standard := resolved.Retryer
	resolved.Retryer = func() aws.Retryer {
		retryer := standard()
		if current, ok := retryer.(aws.RetryerV2); ok {
			return classRetryer{current}
		}
		return retryer
	}
	if config.Log != nil {
		resolved.APIOptions = append(slices.Clone(resolved.APIOptions), callLog(config.Log).install)
	}
	return &Account{
		config:   config,
		resolved: resolved,
		sts:      newSTSCalls(resolved, config),
		regions:  map[string]*Region{},
	}
}

// DefaultRegion is the name of the region of everything that names none.
func (a *Account) DefaultRegion() string { return a.resolved.Region }

// Region returns the region by name, the default one for "". Names that AWS does not
// have are an error.
func (a *Account) Region(name string) (*Region, error) {
	if name == "" {
		name = a.resolved.Region
	}
	if err := a.validRegion(name); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	region, ok := a.regions[name]
	if !ok {
		region = newRegion(name, a.resolved, a.config.Endpoints, a.sts)
		region.insecure = a.config.Insecure
		a.regions[name] = region
	}
	return region, nil
}

// Caller is whose credentials these are.
type Caller struct {
	// Account has twelve digits.
	Account string
	// Partition is "aws", "aws-cn", "aws-us-gov" or another one.
	Partition string
}

// ID returns the account's twelve digits. It asks STS the first time.
func (a *Account) ID(ctx context.Context) (string, error) {
	caller, err := a.Caller(ctx)
	return caller.Account, err
}

// Caller returns the account and its partition. It asks STS the first time.
func (a *Account) Caller(ctx context.Context) (Caller, error) {
	if a.config.SkipRequestingAccountID {
		return Caller{}, errors.New("the account's id is needed: remove skip_requesting_account_id")
	}
	return a.identity(ctx)
}

// identity asks STS, unless it has answered before.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
func (a *Account) identity(ctx context.Context) (Caller, error) {
	a.mu.Lock()
	known := a.caller
	a.mu.Unlock()
	if known.Account != "" {
		return known, nil
	}
	answer, err := call(ctx, a.resolved.Region, "GetCallerIdentity", a.sts.getCallerIdentity, nil)
	if err != nil {
		return Caller{}, err
	}
	caller := Caller{Account: aws.ToString(answer.Account), Partition: "aws"}
	if said, err := arn.Parse(aws.ToString(answer.Arn)); err == nil {
		caller.Partition = said.Partition
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.caller = caller
	return caller, nil
}
