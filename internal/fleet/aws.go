package fleet

import (
	"context"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// AWS is what the engine asks of a region.
type AWS interface {
	ownership.AWS
	Pools() *cloud.Pools

	Instances(ctx context.Context, query cloud.InstanceQuery) ([]cloud.Instance, error)
	Images(ctx context.Context, query cloud.ImageQuery) ([]cloud.Image, error)
	Statuses(ctx context.Context, query cloud.StatusQuery) ([]cloud.InstanceStatus, error)
	Subnets(ctx context.Context, ids []string) ([]cloud.Subnet, error)
	DefaultSubnets(ctx context.Context) ([]cloud.Subnet, error)
	Architectures(ctx context.Context, instanceTypes []string) (map[string][]string, error)
	Targets(ctx context.Context, groupARN string) (map[string]cloud.Target, error)
	ConsoleOutput(ctx context.Context, instanceID string) (string, error)

	RunInstances(ctx context.Context, launch cloud.Launch) ([]cloud.Instance, error)
	TerminateInstances(ctx context.Context, ids []string) error
	ReplaceRootVolume(ctx context.Context, instanceID, imageID, clientToken string, tags cloud.Tags) (cloud.RootVolumeTask, error)
	RootVolumeTasks(ctx context.Context, ids []string) ([]cloud.RootVolumeTask, error)

	CreateTags(ctx context.Context, ids []string, tags cloud.Tags) error
	DeleteTags(ctx context.Context, ids []string, keys []string) error
	SetSecurityGroups(ctx context.Context, instanceID string, groupIDs []string) error
	SetInstanceProfile(ctx context.Context, instanceIDs []string, profile string) error
	SetMetadataOptions(ctx context.Context, ids []string, options cloud.MetadataOptions) error
	SetMonitoring(ctx context.Context, ids []string, on bool) error
	SetTerminationProtection(ctx context.Context, ids []string, on bool) error
	SetStopProtection(ctx context.Context, ids []string, on bool) error
	RegisterTargets(ctx context.Context, groupARN string, instanceIDs []string) error
	DeregisterTargets(ctx context.Context, groupARN string, instanceIDs []string) error
}
