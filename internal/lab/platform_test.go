package lab_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

const windowsParameter = "/aws/service/ami-windows-latest/Windows_Server-2022-English-Full-Base"

// windowsImage is the newest public image of Windows, by its parameter.
func (s shop) windowsImage(t *testing.T) ec2types.Image {
	t.Helper()
	parameter, err := s.agents.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String(windowsParameter)})
	if err != nil {
		t.Fatal(err)
	}
	images, err := s.machines.DescribeImages(t.Context(), &ec2.DescribeImagesInput{
		Owners:  []string{"amazon"},
		Filters: []ec2types.Filter{filter("platform", "windows"), filter("image-id", *parameter.Parameter.Value)},
	})
	if err != nil || len(images.Images) != 1 {
		t.Fatalf("%v, %v", images, err)
	}
	return images.Images[0]
}

// Windows is told apart wherever AWS tells it apart.
func TestPlatform_isTold(t *testing.T) {
	open(t, obedient, func(t *testing.T, s shop) {
		base := s.windowsImage(t)
		if base.Platform != "windows" || *base.PlatformDetails != "Windows" || *base.UsageOperation != "RunInstances:0002" ||
			!strings.HasPrefix(*base.Name, "Windows_Server-2022-English-Full-Base-") || *base.RootDeviceName != "/dev/sda1" {
			t.Errorf("the image is %+v", base)
		}
		s.staff(t, 1)
		onWindows := s.staff(t, 1, func(in *ec2.RunInstancesInput) { in.ImageId = base.ImageId })[0]
		found, err := s.machines.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []ec2types.Filter{filter("platform", "windows")}})
		if err != nil || len(found.Reservations) != 1 || *found.Reservations[0].Instances[0].InstanceId != onWindows ||
			found.Reservations[0].Instances[0].Platform != "windows" {
			t.Errorf("instances of Windows: %+v, %v", found, err)
		}
		managed, err := s.agents.DescribeInstanceInformation(t.Context(), &ssm.DescribeInstanceInformationInput{
			Filters: []types.InstanceInformationStringFilter{{Key: aws.String("PlatformTypes"), Values: []string{"Windows"}}},
		})
		if err != nil || len(managed.InstanceInformationList) != 1 || managed.InstanceInformationList[0].PlatformType != types.PlatformTypeWindows {
			t.Errorf("managed instances of Windows: %+v, %v", managed, err)
		}
	})
}

func powerShell(in *ssm.SendCommandInput) { in.DocumentName = aws.String("AWS-RunPowerShellScript") }

// A document is for one platform.
func TestPlatform_hasItsDocument(t *testing.T) {
	open(t, obedient, func(t *testing.T, s shop) {
		base := s.windowsImage(t)
		onLinux := s.staff(t, 1)[0]
		onWindows := s.staff(t, 1, func(in *ec2.RunInstancesInput) { in.ImageId = base.ImageId })[0]
		for _, send := range []*ssm.SendCommandInput{sendInput([]string{onWindows}, "x"), sendInput([]string{onLinux}, "x", powerShell)} {
			_, err := s.agents.SendCommand(t.Context(), send)
			if got := code(t, err); got != "UnsupportedPlatformType" {
				t.Errorf("refused as %s", got)
			}
		}
		if got := s.invocation(t, s.send(t, []string{onWindows}, "hello", powerShell), onWindows); got.Status == "" {
			t.Errorf("the command is %s", got.Status)
		}
	})
}

// On Windows it is another exit code that asks for a reboot.
func TestPlatform_rebootsOnItsOwnCode(t *testing.T) {
	var runs atomic.Int64
	asks := func(context.Context, *guests.Machine, guests.Command) (guests.Result, error) {
		if runs.Add(1) == 1 {
			return guests.Result{ExitCode: 3010}, nil
		}
		return guests.Result{Output: "again\n", ExitCode: 194}, nil
	}
	open(t, asks, func(t *testing.T, s shop) {
		base := s.windowsImage(t)
		id := s.staff(t, 1, func(in *ec2.RunInstancesInput) { in.ImageId = base.ImageId })[0]
		command := s.send(t, []string{id}, "x", powerShell)
		s.invocation(t, command, id)
		<-time.After(time.Minute)
		got := s.invocation(t, command, id)
		if got.Status != types.CommandInvocationStatusFailed || got.ResponseCode != 194 || *got.StandardOutputContent != "again\n" || runs.Load() != 2 {
			t.Errorf("after %d runs it is %s with %d, said %q", runs.Load(), got.Status, got.ResponseCode, *got.StandardOutputContent)
		}
	})
}
