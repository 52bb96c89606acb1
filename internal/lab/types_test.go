package lab_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// TestTypes_areAWSs compares what the catalogue makes of families and sizes with types
// as AWS lists them.
// https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
func TestTypes_areAWSs(t *testing.T) {
	_, client := start(t, lab.Options{})
	want := map[string]string{
		"t2.micro":     "x86_64 xen, 1 vCPU in 1 core, 1024 MiB, 2 interfaces of 2, groups [partition spread]",
		"t3.micro":     "x86_64 nitro, 2 vCPU in 1 core, 1024 MiB, 2 interfaces of 2, groups [partition spread]",
		"t4g.small":    "arm64 nitro, 2 vCPU in 2 core, 2048 MiB, 3 interfaces of 4, groups [partition spread]",
		"m5a.4xlarge":  "x86_64 nitro, 16 vCPU in 8 core, 65536 MiB, 8 interfaces of 30, groups [cluster partition spread]",
		"m6a.48xlarge": "x86_64 nitro, 192 vCPU in 96 core, 786432 MiB, 15 interfaces of 50, groups [cluster partition spread]",
		"m6g.16xlarge": "arm64 nitro, 64 vCPU in 64 core, 262144 MiB, 15 interfaces of 50, groups [cluster partition spread]",
		"c5.9xlarge":   "x86_64 nitro, 36 vCPU in 18 core, 73728 MiB, 8 interfaces of 30, groups [cluster partition spread]",
		"c7a.medium":   "x86_64 nitro, 1 vCPU in 1 core, 2048 MiB, 2 interfaces of 4, groups [cluster partition spread]",
		"r6i.8xlarge":  "x86_64 nitro, 32 vCPU in 16 core, 262144 MiB, 8 interfaces of 30, groups [cluster partition spread]",
		"inf1.6xlarge": "x86_64 nitro, 24 vCPU in 12 core, 49152 MiB, 8 interfaces of 30, groups [cluster partition spread]",
	}
	got := map[string]string{}
	for name := range want {
		out, err := client.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{types.InstanceType(name)}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		found := out.InstanceTypes[0]
		got[name] = fmt.Sprintf("%s %s, %d vCPU in %d core, %d MiB, %d interfaces of %d, groups %v",
			found.ProcessorInfo.SupportedArchitectures[0], found.Hypervisor, *found.VCpuInfo.DefaultVCpus, *found.VCpuInfo.DefaultCores,
			*found.MemoryInfo.SizeInMiB, *found.NetworkInfo.MaximumNetworkInterfaces, *found.NetworkInfo.Ipv4AddressesPerInterface,
			found.PlacementGroupInfo.SupportedStrategies)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
}

// Sizes that a family does not have are refused.
func TestTypes_refusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	image := baseImage(t, client, "x86_64")
	for name, want := range map[string]string{
		"m5.9xlarge": "InvalidParameterValue", "c5.8xlarge": "InvalidParameterValue", "m5.medium": "InvalidParameterValue", "t3.4xlarge": "InvalidParameterValue",
		"t2.micro": "Unsupported",
	} {
		_, err := client.RunInstances(t.Context(), launchInput(image, 1, func(in *ec2.RunInstancesInput) {
			in.InstanceType, in.EbsOptimized = types.InstanceType(name), aws.Bool(true)
		}))
		if got := code(t, err); got != want {
			t.Errorf("%s is refused as %s, want %s", name, got, want)
		}
	}
}
