package lab_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

func TestInstances_moveThroughStates(t *testing.T) {
	_, client := start(t, lab.Options{})

	launched := launch(t, client, 2)
	if got := launched[0].State.Name; got != types.InstanceStateNamePending {
		t.Errorf("the launch answers %s, want pending", got)
	}
	for _, instance := range describe(t, client) {
		if instance.State.Name != types.InstanceStateNameRunning {
			t.Errorf("the next read says %s, want running", instance.State.Name)
		}
	}
	out, err := client.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: idsOf(launched)})
	if err != nil {
		t.Fatal(err)
	}
	if got := out.TerminatingInstances[0].CurrentState.Name; got != types.InstanceStateNameShuttingDown {
		t.Errorf("the termination answers %s, want shutting-down", got)
	}
	for _, instance := range describe(t, client, idsOf(launched)...) {
		if instance.State.Name != types.InstanceStateNameTerminated {
			t.Errorf("the next read says %s, want terminated", instance.State.Name)
		}
		if instance.PrivateIpAddress != nil || instance.SubnetId != nil {
			t.Errorf("a terminated instance still has an address: %v %v", instance.PrivateIpAddress, instance.SubnetId)
		}
	}
}
