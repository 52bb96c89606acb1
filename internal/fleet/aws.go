package fleet

import (
	"context"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// AWS is what the engine asks of a region.
type AWS interface {
	Name() string
	Instances(ctx context.Context, query cloud.InstanceQuery) ([]cloud.Instance, error)
	Statuses(ctx context.Context, query cloud.StatusQuery) ([]cloud.InstanceStatus, error)
	RunInstances(ctx context.Context, launch cloud.Launch) ([]cloud.Instance, error)
	TerminateInstances(ctx context.Context, ids []string) error
	CreateTags(ctx context.Context, ids []string, tags cloud.Tags) error
	DeleteTags(ctx context.Context, ids []string, keys []string) error
	SetSecurityGroups(ctx context.Context, instanceID string, groupIDs []string) error
	SetInstanceProfile(ctx context.Context, instanceIDs []string, profile string) error
	Subnets(ctx context.Context, ids []string) ([]cloud.Subnet, error)
	DefaultSubnets(ctx context.Context) ([]cloud.Subnet, error)
	Pools() *cloud.Pools
}
