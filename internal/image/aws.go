package image

import (
	"context"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// AWS is what the engine asks of a region.
type AWS interface {
	Name() string
	Instances(ctx context.Context, query cloud.InstanceQuery) ([]cloud.Instance, error)
	RunInstances(ctx context.Context, launch cloud.Launch) ([]cloud.Instance, error)
	TerminateInstances(ctx context.Context, ids []string) error
	ConsoleOutput(ctx context.Context, instanceID string) (string, error)
	Images(ctx context.Context, query cloud.ImageQuery) ([]cloud.Image, error)
	CreateImage(ctx context.Context, capture cloud.Capture) (imageID string, err error)
	RequireIMDSv2(ctx context.Context, imageID string) error
	SetImageDescription(ctx context.Context, imageID, description string) error
	DeregisterImage(ctx context.Context, imageID string) error
	Snapshots(ctx context.Context, tags cloud.Tags) ([]cloud.Snapshot, error)
	DeleteSnapshot(ctx context.Context, id string) error
	CreateTags(ctx context.Context, ids []string, tags cloud.Tags) error
	DeleteTags(ctx context.Context, ids []string, keys []string) error
	Parameter(ctx context.Context, name string) (value string, err error)
	DefaultSubnets(ctx context.Context) ([]cloud.Subnet, error)
	Pools() *cloud.Pools
}
