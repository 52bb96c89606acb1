package cloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"
)

// forEach does something to each instance, several at once; how many a second is for
// the pacer to say.
func forEach(ctx context.Context, ids []string, do func(ctx context.Context, id string) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, id := range ids {
		group.Go(func() error { return do(ctx, id) })
	}
	return group.Wait()
}

// SetTerminationProtection makes EC2 refuse to terminate the instances, or no longer.
// It takes a request for each.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_ChangingDisableAPITermination.html
func (r *Region) SetTerminationProtection(ctx context.Context, ids []string, on bool) error {
	return r.modifyEach(ctx, ids, ec2.ModifyInstanceAttributeInput{DisableApiTermination: &types.AttributeBooleanValue{Value: &on}})
}

// SetStopProtection makes EC2 refuse to stop the instances, or no longer. It takes a
// request for each.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-stop-protection.html
func (r *Region) SetStopProtection(ctx context.Context, ids []string, on bool) error {
	return r.modifyEach(ctx, ids, ec2.ModifyInstanceAttributeInput{DisableApiStop: &types.AttributeBooleanValue{Value: &on}})
}

func (r *Region) modifyEach(ctx context.Context, ids []string, change ec2.ModifyInstanceAttributeInput) error {
	return forEach(ctx, ids, func(ctx context.Context, id string) error {
		in := change
		in.InstanceId = &id
		return created(ctx, func() error {
			_, err := call(ctx, r.name, "ModifyInstanceAttribute", r.ec2.modifyInstance, &in)
			return err
		})
	})
}

// SetMetadataOptions changes the options that are set on running instances; the others
// stay. It takes a request for each.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataOptions.html
func (r *Region) SetMetadataOptions(ctx context.Context, ids []string, options MetadataOptions) error {
	return forEach(ctx, ids, func(ctx context.Context, id string) error {
		return created(ctx, func() error {
			_, err := call(ctx, r.name, "ModifyInstanceMetadataOptions", r.ec2.modifyMetadata, &ec2.ModifyInstanceMetadataOptionsInput{
				InstanceId:              &id,
				HttpTokens:              types.HttpTokensState(options.Tokens),
				HttpEndpoint:            types.InstanceMetadataEndpointState(options.Endpoint),
				HttpPutResponseHopLimit: positive(options.HopLimit),
				InstanceMetadataTags:    types.InstanceMetadataTagsState(options.InstanceTags),
			})
			return err
		})
	})
}

// SetMonitoring switches detailed monitoring on or off: 1,000 instances a request.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_MonitorInstances.html
func (r *Region) SetMonitoring(ctx context.Context, ids []string, on bool) error {
	return inBatches(ids, func(batch []string) error {
		return created(ctx, func() (err error) {
			if on {
				_, err = call(ctx, r.name, "MonitorInstances", r.ec2.monitor, &ec2.MonitorInstancesInput{InstanceIds: batch})
			} else {
				_, err = call(ctx, r.name, "UnmonitorInstances", r.ec2.unmonitor, &ec2.UnmonitorInstancesInput{InstanceIds: batch})
			}
			return err
		})
	})
}

// RootVolumeTask is the replacement of one instance's root volume.
type RootVolumeTask struct {
	ID, InstanceID string
	// State is "pending", "in-progress", "failing", "succeeded", "failed",
	// "failing-detached" or "failed-detached".
	State string
}

// ReplaceRootVolume restores an instance's root volume from an image, which reboots
// it; the replaced volume is deleted. The same call with the same client token is the
// same task.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateReplaceRootVolumeTask.html
func (r *Region) ReplaceRootVolume(ctx context.Context, instanceID, imageID, clientToken string, tags Tags) (RootVolumeTask, error) {
	out, err := call(ctx, r.name, "CreateReplaceRootVolumeTask", r.ec2.replaceRoot, &ec2.CreateReplaceRootVolumeTaskInput{
		InstanceId: &instanceID, ImageId: &imageID, ClientToken: &clientToken, DeleteReplacedRootVolume: aws.Bool(true),
		TagSpecifications: tagSpecifications(tags, types.ResourceTypeReplaceRootVolumeTask),
	})
	if err != nil || out.ReplaceRootVolumeTask == nil {
		return RootVolumeTask{}, err
	}
	return rootVolumeTaskOf(out.ReplaceRootVolumeTask), nil
}

// RootVolumeTasks returns the tasks with these ids; those that are not visible yet are
// left out.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeReplaceRootVolumeTasks.html
func (r *Region) RootVolumeTasks(ctx context.Context, ids []string) ([]RootVolumeTask, error) {
	var found []RootVolumeTask
	err := inBatches(ids, func(batch []string) error {
		out, err := call(ctx, r.name, "DescribeReplaceRootVolumeTasks", r.ec2.describeReplaceRoot,
			&ec2.DescribeReplaceRootVolumeTasksInput{ReplaceRootVolumeTaskIds: batch})
		if err != nil {
			if ClassOf(err) == NotFound {
				return nil
			}
			return err
		}
		for i := range out.ReplaceRootVolumeTasks {
			found = append(found, rootVolumeTaskOf(&out.ReplaceRootVolumeTasks[i]))
		}
		return nil
	})
	return found, err
}

func rootVolumeTaskOf(from *types.ReplaceRootVolumeTask) RootVolumeTask {
	return RootVolumeTask{ID: aws.ToString(from.ReplaceRootVolumeTaskId), InstanceID: aws.ToString(from.InstanceId), State: string(from.TaskState)}
}

// Differs reports whether an instance has other options than those that are set here.
func (o MetadataOptions) Differs(from MetadataOptions) bool {
	return o.Tokens != "" && o.Tokens != from.Tokens ||
		o.Endpoint != "" && o.Endpoint != from.Endpoint ||
		o.HopLimit != 0 && o.HopLimit != from.HopLimit ||
		o.InstanceTags != "" && o.InstanceTags != from.InstanceTags
}
