package rehearsal

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// TargetGroup makes a target group that a load balancer uses, as other Terraform code
// would beside a fleet, and returns its ARN.
func (s *Stage) TargetGroup(name string) string {
	s.t.Helper()
	ctx := s.t.Context()
	client := elb.New(elb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(labtest.Endpoint), HTTPClient: s.client,
		Credentials: credentials.NewStaticCredentialsProvider("lab", "lab", ""),
	})
	subnets, err := s.Region.DefaultSubnets(ctx)
	if err != nil || len(subnets) == 0 {
		s.t.Fatalf("%d default subnets, %v", len(subnets), err)
	}
	var ids []string
	for _, subnet := range subnets {
		ids = append(ids, subnet.ID)
	}
	group, err := client.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
		Name: &name, Protocol: types.ProtocolEnumHttp, Port: aws.Int32(80), VpcId: &subnets[0].VPCID, TargetType: types.TargetTypeEnumInstance,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	arn := group.TargetGroups[0].TargetGroupArn
	balancer, err := client.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{
		Name: &name, Type: types.LoadBalancerTypeEnumApplication, Subnets: ids,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = client.CreateListener(ctx, &elb.CreateListenerInput{
		LoadBalancerArn: balancer.LoadBalancers[0].LoadBalancerArn, Protocol: types.ProtocolEnumHttp, Port: aws.Int32(80),
		DefaultActions: []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: arn}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return *arn
}
