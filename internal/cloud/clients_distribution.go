package cloud

import "github.com/aws/aws-sdk-go-v2/service/ec2"

// distributionCalls are the operations by which an image is handed out, and kept.
type distributionCalls struct {
	copyImage              operation[ec2.CopyImageInput, ec2.CopyImageOutput, ec2.Options]
	describeImageAttribute operation[ec2.DescribeImageAttributeInput, ec2.DescribeImageAttributeOutput, ec2.Options]
	describeSnapshot       operation[ec2.DescribeSnapshotAttributeInput, ec2.DescribeSnapshotAttributeOutput, ec2.Options]
	modifySnapshot         operation[ec2.ModifySnapshotAttributeInput, ec2.ModifySnapshotAttributeOutput, ec2.Options]
	enableDeprecation      operation[ec2.EnableImageDeprecationInput, ec2.EnableImageDeprecationOutput, ec2.Options]
	disableDeprecation     operation[ec2.DisableImageDeprecationInput, ec2.DisableImageDeprecationOutput, ec2.Options]
	enableProtection       operation[ec2.EnableImageDeregistrationProtectionInput, ec2.EnableImageDeregistrationProtectionOutput, ec2.Options]
	disableProtection      operation[ec2.DisableImageDeregistrationProtectionInput, ec2.DisableImageDeregistrationProtectionOutput, ec2.Options]
	enableImage            operation[ec2.EnableImageInput, ec2.EnableImageOutput, ec2.Options]
	describeReferences     operation[ec2.DescribeImageReferencesInput, ec2.DescribeImageReferencesOutput, ec2.Options]
}

func newDistributionCalls(client *ec2.Client) distributionCalls {
	return distributionCalls{
		copyImage:              client.CopyImage,
		describeImageAttribute: client.DescribeImageAttribute,
		describeSnapshot:       client.DescribeSnapshotAttribute,
		modifySnapshot:         client.ModifySnapshotAttribute,
		enableDeprecation:      client.EnableImageDeprecation,
		disableDeprecation:     client.DisableImageDeprecation,
		enableProtection:       client.EnableImageDeregistrationProtection,
		disableProtection:      client.DisableImageDeregistrationProtection,
		enableImage:            client.EnableImage,
		describeReferences:     client.DescribeImageReferences,
	}
}
