package cloud

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// operation is one operation of a service: a method value of the SDK's client. Method
// values hide the client's type from the linker, which would otherwise keep all of
// its operations; the provider is half as large for it.
type operation[In, Out, Options any] func(context.Context, *In, ...func(*Options)) (*Out, error)

// ec2Calls are EC2's operations as they are used here, by their names.
type ec2Calls struct {
	runInstances         operation[ec2.RunInstancesInput, ec2.RunInstancesOutput, ec2.Options]
	terminateInstances   operation[ec2.TerminateInstancesInput, ec2.TerminateInstancesOutput, ec2.Options]
	describeInstances    operation[ec2.DescribeInstancesInput, ec2.DescribeInstancesOutput, ec2.Options]
	describeStatus       operation[ec2.DescribeInstanceStatusInput, ec2.DescribeInstanceStatusOutput, ec2.Options]
	getConsoleOutput     operation[ec2.GetConsoleOutputInput, ec2.GetConsoleOutputOutput, ec2.Options]
	modifyMetadata       operation[ec2.ModifyInstanceMetadataOptionsInput, ec2.ModifyInstanceMetadataOptionsOutput, ec2.Options]
	monitor              operation[ec2.MonitorInstancesInput, ec2.MonitorInstancesOutput, ec2.Options]
	unmonitor            operation[ec2.UnmonitorInstancesInput, ec2.UnmonitorInstancesOutput, ec2.Options]
	replaceRoot          operation[ec2.CreateReplaceRootVolumeTaskInput, ec2.CreateReplaceRootVolumeTaskOutput, ec2.Options]
	describeReplaceRoot  operation[ec2.DescribeReplaceRootVolumeTasksInput, ec2.DescribeReplaceRootVolumeTasksOutput, ec2.Options]
	modifyInstance       operation[ec2.ModifyInstanceAttributeInput, ec2.ModifyInstanceAttributeOutput, ec2.Options]
	describeAssociations operation[ec2.DescribeIamInstanceProfileAssociationsInput, ec2.DescribeIamInstanceProfileAssociationsOutput, ec2.Options]
	associateProfile     operation[ec2.AssociateIamInstanceProfileInput, ec2.AssociateIamInstanceProfileOutput, ec2.Options]
	replaceProfile       operation[ec2.ReplaceIamInstanceProfileAssociationInput, ec2.ReplaceIamInstanceProfileAssociationOutput, ec2.Options]
	disassociateProfile  operation[ec2.DisassociateIamInstanceProfileInput, ec2.DisassociateIamInstanceProfileOutput, ec2.Options]
	describeImages       operation[ec2.DescribeImagesInput, ec2.DescribeImagesOutput, ec2.Options]
	createImage          operation[ec2.CreateImageInput, ec2.CreateImageOutput, ec2.Options]
	modifyImage          operation[ec2.ModifyImageAttributeInput, ec2.ModifyImageAttributeOutput, ec2.Options]
	deregisterImage      operation[ec2.DeregisterImageInput, ec2.DeregisterImageOutput, ec2.Options]
	describeSnapshots    operation[ec2.DescribeSnapshotsInput, ec2.DescribeSnapshotsOutput, ec2.Options]
	deleteSnapshot       operation[ec2.DeleteSnapshotInput, ec2.DeleteSnapshotOutput, ec2.Options]
	describeSubnets      operation[ec2.DescribeSubnetsInput, ec2.DescribeSubnetsOutput, ec2.Options]
	describeTypes        operation[ec2.DescribeInstanceTypesInput, ec2.DescribeInstanceTypesOutput, ec2.Options]
	startInstances       operation[ec2.StartInstancesInput, ec2.StartInstancesOutput, ec2.Options]
	createTags           operation[ec2.CreateTagsInput, ec2.CreateTagsOutput, ec2.Options]
	deleteTags           operation[ec2.DeleteTagsInput, ec2.DeleteTagsOutput, ec2.Options]
	describeAttribute    operation[ec2.DescribeInstanceAttributeInput, ec2.DescribeInstanceAttributeOutput, ec2.Options]
	describeVolumes      operation[ec2.DescribeVolumesInput, ec2.DescribeVolumesOutput, ec2.Options]
	distributionCalls
	preflightCalls
	launchTemplateCalls
}

func newEC2Calls(config aws.Config, endpoint string, pace *pacer) ec2Calls {
	client := ec2.NewFromConfig(config, func(o *ec2.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		o.APIOptions = append(o.APIOptions, pace.install)
	})
	return ec2Calls{
		runInstances:         client.RunInstances,
		terminateInstances:   client.TerminateInstances,
		describeInstances:    client.DescribeInstances,
		describeStatus:       client.DescribeInstanceStatus,
		getConsoleOutput:     client.GetConsoleOutput,
		modifyMetadata:       client.ModifyInstanceMetadataOptions,
		monitor:              client.MonitorInstances,
		unmonitor:            client.UnmonitorInstances,
		replaceRoot:          client.CreateReplaceRootVolumeTask,
		describeReplaceRoot:  client.DescribeReplaceRootVolumeTasks,
		modifyInstance:       client.ModifyInstanceAttribute,
		describeAssociations: client.DescribeIamInstanceProfileAssociations,
		associateProfile:     client.AssociateIamInstanceProfile,
		replaceProfile:       client.ReplaceIamInstanceProfileAssociation,
		disassociateProfile:  client.DisassociateIamInstanceProfile,
		describeImages:       client.DescribeImages,
		createImage:          client.CreateImage,
		modifyImage:          client.ModifyImageAttribute,
		deregisterImage:      client.DeregisterImage,
		describeSnapshots:    client.DescribeSnapshots,
		deleteSnapshot:       client.DeleteSnapshot,
		describeSubnets:      client.DescribeSubnets,
		describeTypes:        client.DescribeInstanceTypes,
		startInstances:       client.StartInstances,
		createTags:           client.CreateTags,
		deleteTags:           client.DeleteTags,
		describeAttribute:    client.DescribeInstanceAttribute,
		describeVolumes:      client.DescribeVolumes,
		distributionCalls:    newDistributionCalls(client),
		preflightCalls:       newPreflightCalls(client),
		launchTemplateCalls:  newLaunchTemplateCalls(client),
	}
}

// ssmCalls are Systems Manager's.
type ssmCalls struct {
	getParameter    operation[ssm.GetParameterInput, ssm.GetParameterOutput, ssm.Options]
	putParameter    operation[ssm.PutParameterInput, ssm.PutParameterOutput, ssm.Options]
	deleteParameter operation[ssm.DeleteParameterInput, ssm.DeleteParameterOutput, ssm.Options]
	listTags        operation[ssm.ListTagsForResourceInput, ssm.ListTagsForResourceOutput, ssm.Options]
	addTags         operation[ssm.AddTagsToResourceInput, ssm.AddTagsToResourceOutput, ssm.Options]
	commandCalls
	// endpoint is one of the user's own, whether the provider block, the environment or the
	// shared config file says so; empty is AWS's.
	endpoint string
}

func newSSMCalls(config aws.Config, endpoint string) ssmCalls {
	own := ""
	client := ssm.NewFromConfig(config, func(o *ssm.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		own = aws.ToString(o.BaseEndpoint)
	})
	return ssmCalls{
		getParameter:    client.GetParameter,
		putParameter:    client.PutParameter,
		deleteParameter: client.DeleteParameter,
		listTags:        client.ListTagsForResource,
		addTags:         client.AddTagsToResource,
		commandCalls:    newCommandCalls(client),
		endpoint:        own,
	}
}

// elbCalls are Elastic Load Balancing's.
type elbCalls struct {
	register       operation[elb.RegisterTargetsInput, elb.RegisterTargetsOutput, elb.Options]
	deregister     operation[elb.DeregisterTargetsInput, elb.DeregisterTargetsOutput, elb.Options]
	describeHealth operation[elb.DescribeTargetHealthInput, elb.DescribeTargetHealthOutput, elb.Options]
	describeGroups operation[elb.DescribeTargetGroupsInput, elb.DescribeTargetGroupsOutput, elb.Options]
}

func newELBCalls(config aws.Config, endpoint string) elbCalls {
	client := elb.NewFromConfig(config, func(o *elb.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	})
	return elbCalls{
		register: client.RegisterTargets, deregister: client.DeregisterTargets, describeHealth: client.DescribeTargetHealth,
		describeGroups: client.DescribeTargetGroups,
	}
}

// stsCalls are the Security Token Service's.
type stsCalls struct {
	getCallerIdentity   operation[sts.GetCallerIdentityInput, sts.GetCallerIdentityOutput, sts.Options]
	decodeAuthorization operation[sts.DecodeAuthorizationMessageInput, sts.DecodeAuthorizationMessageOutput, sts.Options]
}

func newSTSCalls(resolved aws.Config, config Config) stsCalls {
	client := sts.NewFromConfig(resolved, func(o *sts.Options) {
		if endpoint := config.Endpoints["sts"]; endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		if config.STSRegion != "" {
			o.Region = config.STSRegion
		}
	})
	return stsCalls{getCallerIdentity: client.GetCallerIdentity, decodeAuthorization: client.DecodeAuthorizationMessage}
}

// call calls an operation; what goes wrong comes back as an *Error, except that the
// context ended: that comes back as it is.
func call[In, Out, Options any](
	ctx context.Context, region, action string, operation operation[In, Out, Options], in *In,
) (*Out, error) {
	out, err := operation(ctx, in)
	if err == nil {
		return out, nil
	}
	if cause := ctx.Err(); cause != nil && errors.Is(err, cause) {
		return nil, err
	}
	return nil, wrap(action, region, err)
}

// pages calls an operation until there are no more pages, or until one says that
// there is no need of more. The token of one page goes into the request for the next.
func pages[Out any](ask func(token *string) (*Out, error), token func(*Out) *string, each func(*Out) (more bool)) error {
	var next *string
	for {
		out, err := ask(next)
		if err != nil {
			return err
		}
		if !each(out) {
			return nil
		}
		if next = token(out); aws.ToString(next) == "" {
			return nil
		}
	}
}
