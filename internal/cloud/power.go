package cloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// StartInstance starts an instance that is stopped.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StartInstances.html
func (r *Region) StartInstance(ctx context.Context, id string) error {
	_, err := call(ctx, r.name, "StartInstances", r.ec2.startInstances, &ec2.StartInstancesInput{InstanceIds: []string{id}})
	return err
}
