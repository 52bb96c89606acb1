package lab_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// use puts a group behind a new load balancer in the first two zones.
func (b *balancing) use(t *testing.T, group string) (balancer, listener string) {
	t.Helper()
	subnets, err := b.ec2.DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{})
	if err != nil {
		t.Fatal(err)
	}
	made, err := b.elb.CreateLoadBalancer(t.Context(), &elb.CreateLoadBalancerInput{
		Name: aws.String("front"), Subnets: []string{*subnets.Subnets[0].SubnetId, *subnets.Subnets[1].SubnetId},
	})
	if err != nil {
		t.Fatal(err)
	}
	balancer = *made.LoadBalancers[0].LoadBalancerArn
	return balancer, b.listen(t, balancer, group)
}

func (b *balancing) listen(t *testing.T, balancer, group string) string {
	t.Helper()
	out, err := b.elb.CreateListener(t.Context(), &elb.CreateListenerInput{
		LoadBalancerArn: &balancer, Port: aws.Int32(80), Protocol: elbtypes.ProtocolEnumHttp,
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: &group}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Listeners[0].ListenerArn
}

// inZone launches running instances in the zone of that letter.
func (b *balancing) inZone(t *testing.T, letter string, count int32) []string {
	t.Helper()
	ids := idsOf(launch(t, b.ec2, count, func(in *ec2.RunInstancesInput) {
		in.Placement = placementIn("us-east-1" + letter)
	}))
	return ids
}

func (b *balancing) register(t *testing.T, group string, ids ...string) error {
	t.Helper()
	_, err := b.elb.RegisterTargets(t.Context(), &elb.RegisterTargetsInput{TargetGroupArn: &group, Targets: targetsOf(ids)})
	return err
}

func (b *balancing) deregister(t *testing.T, group string, ids ...string) {
	t.Helper()
	if _, err := b.elb.DeregisterTargets(t.Context(), &elb.DeregisterTargetsInput{TargetGroupArn: &group, Targets: targetsOf(ids)}); err != nil {
		t.Fatal(err)
	}
}

func targetsOf(ids []string) []elbtypes.TargetDescription {
	targets := make([]elbtypes.TargetDescription, len(ids))
	for i := range ids {
		targets[i].Id = &ids[i]
	}
	return targets
}

// health is all targets' health, as "healthy, unused Target.NotInUse".
func (b *balancing) health(t *testing.T, group string, ids ...string) string {
	t.Helper()
	out, err := b.elb.DescribeTargetHealth(t.Context(), &elb.DescribeTargetHealthInput{TargetGroupArn: &group, Targets: targetsOf(ids)})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, target := range out.TargetHealthDescriptions {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s", target.TargetHealth.State, target.TargetHealth.Reason)))
	}
	return strings.Join(all, ", ")
}

func (b *balancing) expect(t *testing.T, when, group, want string, ids ...string) {
	t.Helper()
	if got := b.health(t, group, ids...); got != want {
		t.Errorf("%s: %q, want %q", when, got, want)
	}
}

func TestTargetHealth_calm(t *testing.T) {
	b := startBalancing(t)
	group := *b.group(t, "web").TargetGroupArn
	ids := b.inZone(t, "a", 2)
	describe(t, b.ec2)
	if err := b.register(t, group, ids...); err != nil {
		t.Fatal(err)
	}

	b.expect(t, "without a load balancer", group, "unused Target.NotInUse, unused Target.NotInUse")
	balancer, _ := b.use(t, group)
	b.expect(t, "in use", group, "healthy, healthy")
	b.expect(t, "one that is not registered", group, "unused Target.NotRegistered", b.inZone(t, "a", 1)...)
	if err := b.server.Lab.SetState(ids[0], "impaired"); err != nil {
		t.Fatal(err)
	}
	b.expect(t, "impaired", group, "unhealthy Target.Timeout, healthy")
	if err := b.server.Lab.SetState(ids[0], "terminated"); err != nil {
		t.Fatal(err)
	}
	b.expect(t, "terminated", group, "unused Target.InvalidState, healthy")
	b.deregister(t, group, ids...)
	b.expect(t, "deregistered", group, "")
	if _, err := b.elb.DeleteLoadBalancer(t.Context(), &elb.DeleteLoadBalancerInput{LoadBalancerArn: &balancer}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.elb.DeleteTargetGroup(t.Context(), &elb.DeleteTargetGroupInput{TargetGroupArn: &group}); err != nil {
		t.Errorf("a group that is no longer used: %v", err)
	}
}

func TestTargetHealth_otherZones(t *testing.T) {
	b := startBalancing(t)
	group := *b.group(t, "web").TargetGroupArn
	ids := b.inZone(t, "c", 1)
	b.use(t, group)
	if err := b.register(t, group, ids...); err != nil {
		t.Fatal(err)
	}
	b.expect(t, "in a zone without the load balancer", group, "unused Target.NotInUse")
}

func TestTargetHealth_addresses(t *testing.T) {
	b := startBalancing(t)
	group := *b.group(t, "web", func(in *elb.CreateTargetGroupInput) { in.TargetType = elbtypes.TargetTypeEnumIp }).TargetGroupArn
	b.use(t, group)
	instance := describe(t, b.ec2, b.inZone(t, "a", 1)...)[0]

	if err := b.register(t, group, *instance.PrivateIpAddress, "172.31.15.250"); err != nil {
		t.Fatal(err)
	}
	b.expect(t, "one of two is somebody's", group, "healthy, unhealthy Target.Timeout")
	for address, want := range map[string]string{"10.0.0.1": "ValidationError", "8.8.8.8": "ValidationError", "web": "ValidationError"} {
		if got := code(t, b.register(t, group, address)); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func TestRegisterTargets_refusals(t *testing.T) {
	b := startBalancing(t)
	group := *b.group(t, "web").TargetGroupArn
	running := b.inZone(t, "a", 1)[0]
	stopped := b.inZone(t, "a", 1)[0]
	if err := b.server.Lab.SetState(stopped, "stopped"); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		group, id, want string
	}{
		"stopped":       {group, stopped, "InvalidTarget"},
		"not there":     {group, "i-0123456789abcdef0", "InvalidTarget"},
		"no id":         {group, "web", "ValidationError"},
		"no such group": {group[:len(group)-1] + "x", running, "TargetGroupNotFound"},
		"no ARN":        {"web", running, "ValidationError"},
	} {
		if got := code(t, b.register(t, test.group, test.id)); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if code(t, b.register(t, group, running, stopped)); b.health(t, group) != "" {
		t.Error("a refused call has registered one of two")
	}
}

func TestDeleteTargetGroup_inUse(t *testing.T) {
	b := startBalancing(t)
	group := *b.group(t, "web").TargetGroupArn
	_, listener := b.use(t, group)
	remove := func() string {
		_, err := b.elb.DeleteTargetGroup(t.Context(), &elb.DeleteTargetGroupInput{TargetGroupArn: &group})
		return code(t, err)
	}
	if got := remove(); got != "ResourceInUse" {
		t.Errorf("in use: %q", got)
	}
	if _, err := b.elb.DeleteListener(t.Context(), &elb.DeleteListenerInput{ListenerArn: &listener}); err != nil {
		t.Fatal(err)
	}
	if got := remove(); got != "" {
		t.Errorf("no longer in use: %q", got)
	}
	if got := remove(); got != "" {
		t.Errorf("no longer there: %q", got)
	}
	if got := countLeftovers(b.server.Lab, "load-balancer"); got != 1 {
		t.Errorf("%d load balancers are left over, want 1", got)
	}
}

// TestTargetHealth_takesItsTime is health in weather in which things take time.
func TestTargetHealth_takesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inside, err := lab.New(lab.Options{Weather: "aws"})
		if err != nil {
			t.Skip("this lab has no weather in which things take time")
		}
		shared := config(labtest.Endpoint, "us-east-1", labtest.InBubble(t, inside))
		b := &balancing{ec2: ec2.NewFromConfig(shared), elb: elb.NewFromConfig(shared)}
		b.vpc = defaultVPC(t, b.ec2)
		group := *b.group(t, "web").TargetGroupArn
		b.use(t, group)
		ids := b.inZone(t, "a", 2)
		<-time.After(10 * time.Minute)

		if err := b.register(t, group, ids...); err != nil {
			t.Fatal(err)
		}
		b.expect(t, "at once", group, "initial Elb.InitialHealthChecking, initial Elb.InitialHealthChecking")
		<-time.After(30 * time.Second)
		b.expect(t, "after one check", group, "healthy, healthy")
		if err := inside.SetState(ids[0], "impaired"); err != nil {
			t.Fatal(err)
		}
		<-time.After(59 * time.Second)
		b.expect(t, "before the second bad check", group, "healthy, healthy")
		<-time.After(time.Second)
		b.expect(t, "after the second bad check", group, "unhealthy Target.Timeout, healthy")

		b.deregister(t, group, ids[1])
		<-time.After(299 * time.Second)
		b.expect(t, "before the delay is over", group, "unhealthy Target.Timeout, draining Target.DeregistrationInProgress")
		<-time.After(time.Second)
		b.expect(t, "after the delay", group, "unhealthy Target.Timeout")
		b.expect(t, "asked for", group, "unused Target.NotRegistered", ids[1])

		b.deregister(t, group, ids[0])
		<-time.After(100 * time.Second)
		if err := b.register(t, group, ids[0]); err != nil {
			t.Fatal(err)
		}
		<-time.After(200 * time.Second)
		b.expect(t, "registered again while draining", group, "unhealthy Target.Timeout")
	})
}

func placementIn(zone string) *ec2types.Placement {
	return &ec2types.Placement{AvailabilityZone: &zone}
}
