package cloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// StopInstance asks the instance to stop; one that has stopped is no error.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StopInstances.html
func (r *Region) StopInstance(ctx context.Context, id string) error {
	return created(ctx, func() error {
		_, err := call(ctx, r.name, "StopInstances", r.ec2.stopInstances, &ec2.StopInstancesInput{InstanceIds: []string{id}})
		return err
	})
}

// StartInstance starts an instance that is stopped.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StartInstances.html
func (r *Region) StartInstance(ctx context.Context, id string) error {
	_, err := call(ctx, r.name, "StartInstances", r.ec2.startInstances, &ec2.StartInstancesInput{InstanceIds: []string{id}})
	return err
}
