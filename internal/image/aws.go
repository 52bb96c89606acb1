package image

import (
	"context"
	"fmt"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// AWS is what the engine asks of a region.
type AWS interface {
	ownership.AWS
	Instances(ctx context.Context, query cloud.InstanceQuery) ([]cloud.Instance, error)
	RunInstances(ctx context.Context, launch cloud.Launch) ([]cloud.Instance, error)
	TerminateInstances(ctx context.Context, ids []string) error
	ConsoleOutput(ctx context.Context, instanceID string) (string, error)
	Images(ctx context.Context, query cloud.ImageQuery) ([]cloud.Image, error)
	CreateImage(ctx context.Context, capture cloud.Capture) (imageID string, err error)
	RequireIMDSv2(ctx context.Context, imageID string) error
	SetImageDescription(ctx context.Context, imageID, description string) error
	CopyImage(ctx context.Context, of cloud.ImageCopy) (imageID string, err error)
	ImagePermissions(ctx context.Context, imageID string) (cloud.Permissions, error)
	ChangeImagePermissions(ctx context.Context, imageID string, add, remove cloud.Permissions) error
	SnapshotPermissions(ctx context.Context, snapshotID string) (cloud.Permissions, error)
	ChangeSnapshotPermissions(ctx context.Context, snapshotID string, add, remove cloud.Permissions) error
	DeprecateImage(ctx context.Context, imageID string, at time.Time) error
	ProtectImage(ctx context.Context, imageID string) error
	EnableImage(ctx context.Context, imageID string) error
	UnprotectImage(ctx context.Context, imageID string) error
	ImageReferences(ctx context.Context, imageIDs []string) ([]cloud.ImageReference, error)
	RemoveImage(ctx context.Context, imageID string) (snapshotsLeft []string, err error)
	Snapshots(ctx context.Context, tags cloud.Tags) ([]cloud.Snapshot, error)
	DeleteSnapshot(ctx context.Context, id string) error
	CreateTags(ctx context.Context, ids []string, tags cloud.Tags) error
	DeleteTags(ctx context.Context, ids []string, keys []string) error
	Parameter(ctx context.Context, name string) (value string, err error)
	ParameterTags(ctx context.Context, name string) (cloud.Tags, error)
	CreateImageParameter(ctx context.Context, name, imageID, description string, tags cloud.Tags) error
	TagParameter(ctx context.Context, name string, tags cloud.Tags) error
	SetImageParameter(ctx context.Context, name, imageID string) error
	DeleteParameter(ctx context.Context, name string) error
	Agent(ctx context.Context, instanceID string) (cloud.Agent, error)
	SendCommand(ctx context.Context, command cloud.Command) (commandID string, err error)
	Confidential() error
	CommandResult(ctx context.Context, commandID, instanceID string) (cloud.CommandResult, error)
	StartInstance(ctx context.Context, instanceID string) error
	PutObject(ctx context.Context, object cloud.Object) error
	PresignObject(ctx context.Context, bucket cloud.Bucket, key string, valid time.Duration) (url string, err error)
	DeleteObject(ctx context.Context, bucket cloud.Bucket, key string) error
	ObjectKeys(ctx context.Context, bucket cloud.Bucket, prefix string) ([]string, error)
	Explain(ctx context.Context, err error) string
	DefaultSubnets(ctx context.Context) ([]cloud.Subnet, error)
	Pools() *cloud.Pools
}

// Regions leads to the account's other regions, by name.
type Regions func(name string) (AWS, error)

// world is the region that a line lives in, and the way to the others.
type world struct {
	home AWS
	in   Regions
}

// region returns a region by name.
func (w world) region(name string) (AWS, error) {
	if name == w.home.Name() {
		return w.home, nil
	}
	if w.in == nil {
		return nil, fmt.Errorf("there is no way from %s to %s", w.home.Name(), name)
	}
	return w.in(name)
}
