package lab_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// balancing is a lab with a client for each of the two services.
type balancing struct {
	server *labtest.Server
	ec2    *ec2.Client
	elb    *elb.Client
	vpc    string
}

func startBalancing(t *testing.T) *balancing {
	t.Helper()
	server, client := start(t, lab.Options{})
	return &balancing{
		server: server, ec2: client, vpc: defaultVPC(t, client),
		elb: elb.NewFromConfig(config(server.URL, "us-east-1", nil)),
	}
}

func defaultVPC(t *testing.T, client *ec2.Client) string {
	t.Helper()
	out, err := client.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Vpcs[0].VpcId
}

type grouping = func(*elb.CreateTargetGroupInput)

func (b *balancing) groupInput(name string, change ...grouping) *elb.CreateTargetGroupInput {
	in := &elb.CreateTargetGroupInput{Name: &name, Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(8080), VpcId: &b.vpc}
	for _, apply := range change {
		apply(in)
	}
	return in
}

func (b *balancing) group(t *testing.T, name string, change ...grouping) elbtypes.TargetGroup {
	t.Helper()
	out, err := b.elb.CreateTargetGroup(t.Context(), b.groupInput(name, change...))
	if err != nil {
		t.Fatal(err)
	}
	return out.TargetGroups[0]
}

func TestTargetGroup_defaults(t *testing.T) {
	b := startBalancing(t)

	http := b.group(t, "web")
	tcp := b.group(t, "tcp", func(in *elb.CreateTargetGroupInput) { in.Protocol = elbtypes.ProtocolEnumTcp })

	want := elbtypes.TargetGroup{
		TargetGroupName: aws.String("web"), Protocol: elbtypes.ProtocolEnumHttp, ProtocolVersion: aws.String("HTTP1"),
		Port: aws.Int32(8080), VpcId: &b.vpc, HealthCheckProtocol: elbtypes.ProtocolEnumHttp,
		HealthCheckPort: aws.String("traffic-port"), HealthCheckEnabled: aws.Bool(true), HealthCheckPath: aws.String("/"),
		HealthCheckIntervalSeconds: aws.Int32(30), HealthCheckTimeoutSeconds: aws.Int32(5), HealthyThresholdCount: aws.Int32(5),
		UnhealthyThresholdCount: aws.Int32(2), Matcher: &elbtypes.Matcher{HttpCode: aws.String("200")},
		LoadBalancerArns: []string{}, TargetType: elbtypes.TargetTypeEnumInstance, IpAddressType: elbtypes.TargetGroupIpAddressTypeEnumIpv4,
		TargetGroupArn: http.TargetGroupArn,
	}
	if diff := cmp.Diff(want, http, ignoreDocuments); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	want.TargetGroupArn, want.TargetGroupName, want.Protocol, want.ProtocolVersion = tcp.TargetGroupArn, aws.String("tcp"), elbtypes.ProtocolEnumTcp, nil
	want.HealthCheckProtocol, want.HealthCheckPath, want.Matcher = elbtypes.ProtocolEnumTcp, nil, nil
	want.HealthCheckTimeoutSeconds = aws.Int32(10)
	if diff := cmp.Diff(want, tcp, ignoreDocuments); diff != "" {
		t.Errorf("TCP (-want +got):\n%s", diff)
	}
	if got := countLeftovers(b.server.Lab, "target-group"); got != 2 {
		t.Errorf("%d target groups are left over, want 2", got)
	}
}

func TestTargetGroup_sameAgain(t *testing.T) {
	b := startBalancing(t)
	first := b.group(t, "web")

	if again := b.group(t, "web"); *again.TargetGroupArn != *first.TargetGroupArn {
		t.Errorf("the repeated call answers %s, want %s", *again.TargetGroupArn, *first.TargetGroupArn)
	}
	_, err := b.elb.CreateTargetGroup(t.Context(), b.groupInput("web", func(in *elb.CreateTargetGroupInput) { in.Port = aws.Int32(81) }))
	if got := code(t, err); got != "DuplicateTargetGroupName" {
		t.Errorf("another port: %q", got)
	}
}

func TestTargetGroup_refusals(t *testing.T) {
	b := startBalancing(t)
	for name, test := range map[string]struct {
		change grouping
		want   string
	}{
		"name with a dot":         {func(in *elb.CreateTargetGroupInput) { in.Name = aws.String("a.b") }, "ValidationError"},
		"name ends with a hyphen": {func(in *elb.CreateTargetGroupInput) { in.Name = aws.String("a-") }, "ValidationError"},
		"name of 33":              {func(in *elb.CreateTargetGroupInput) { in.Name = aws.String("a23456789012345678901234567890123") }, "ValidationError"},
		"no protocol":             {func(in *elb.CreateTargetGroupInput) { in.Protocol = "" }, "ValidationError"},
		"no port":                 {func(in *elb.CreateTargetGroupInput) { in.Port = nil }, "ValidationError"},
		"port 0":                  {func(in *elb.CreateTargetGroupInput) { in.Port = aws.Int32(0) }, "ValidationError"},
		"no VPC":                  {func(in *elb.CreateTargetGroupInput) { in.VpcId = nil }, "ValidationError"},
		"VPC of nobody":           {func(in *elb.CreateTargetGroupInput) { in.VpcId = aws.String("vpc-0123456789abcdef0") }, "ValidationError"},
		"checked by TCP":          {func(in *elb.CreateTargetGroupInput) { in.HealthCheckProtocol = elbtypes.ProtocolEnumTcp }, "InvalidConfigurationRequest"},
		"interval as the timeout": {func(in *elb.CreateTargetGroupInput) { in.HealthCheckIntervalSeconds = aws.Int32(5) }, "ValidationError"},
		"interval of 301":         {func(in *elb.CreateTargetGroupInput) { in.HealthCheckIntervalSeconds = aws.Int32(301) }, "ValidationError"},
		"threshold of 1":          {func(in *elb.CreateTargetGroupInput) { in.HealthyThresholdCount = aws.Int32(1) }, "ValidationError"},
		"path without a slash":    {func(in *elb.CreateTargetGroupInput) { in.HealthCheckPath = aws.String("up") }, "ValidationError"},
		"matcher of 500":          {func(in *elb.CreateTargetGroupInput) { in.Matcher = &elbtypes.Matcher{HttpCode: aws.String("500")} }, "ValidationError"},
		"never checked":           {func(in *elb.CreateTargetGroupInput) { in.HealthCheckEnabled = aws.Bool(false) }, "ValidationError"},
		"health port of a name":   {func(in *elb.CreateTargetGroupInput) { in.HealthCheckPort = aws.String("http") }, "ValidationError"},
		"tag twice": {func(in *elb.CreateTargetGroupInput) {
			in.Tags = []elbtypes.Tag{{Key: aws.String("a")}, {Key: aws.String("a")}}
		}, "DuplicateTagKeys"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := b.elb.CreateTargetGroup(t.Context(), b.groupInput("web", test.change))
			if got := code(t, err); got != test.want {
				t.Errorf("answer %q, want %q", got, test.want)
			}
		})
	}
}

func TestTargetGroup_describes(t *testing.T) {
	b := startBalancing(t)
	var arns []string
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		arns = append(arns, *b.group(t, name).TargetGroupArn)
	}

	var seen []string
	pager := elb.NewDescribeTargetGroupsPaginator(b.elb, &elb.DescribeTargetGroupsInput{PageSize: aws.Int32(2)})
	for pager.HasMorePages() {
		out, err := pager.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, group := range out.TargetGroups {
			seen = append(seen, *group.TargetGroupArn)
		}
	}
	if diff := cmp.Diff(arns, seen); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	out, err := b.elb.DescribeTargetGroups(t.Context(), &elb.DescribeTargetGroupsInput{Names: []string{"d", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.TargetGroups) != 2 || *out.TargetGroups[0].TargetGroupName != "b" {
		t.Errorf("by name: %d groups", len(out.TargetGroups))
	}
	for name, in := range map[string]*elb.DescribeTargetGroupsInput{
		"no such name": {Names: []string{"z"}},
		"no such ARN":  {TargetGroupArns: []string{arns[0][:len(arns[0])-1] + "x"}},
	} {
		_, err := b.elb.DescribeTargetGroups(t.Context(), in)
		if got := code(t, err); got != "TargetGroupNotFound" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestTargetGroup_changes(t *testing.T) {
	b := startBalancing(t)
	arn := b.group(t, "web").TargetGroupArn

	out, err := b.elb.ModifyTargetGroup(t.Context(), &elb.ModifyTargetGroupInput{
		TargetGroupArn: arn, HealthCheckPath: aws.String("/up"), HealthCheckPort: aws.String("9000"), Matcher: &elbtypes.Matcher{HttpCode: aws.String("200-299,302")},
	})
	if err != nil {
		t.Fatal(err)
	}
	group := out.TargetGroups[0]
	if *group.HealthCheckPath != "/up" || *group.HealthCheckPort != "9000" || *group.Matcher.HttpCode != "200-299,302" || *group.HealthCheckIntervalSeconds != 30 {
		t.Errorf("changed to %s %s %s every %d s", *group.HealthCheckPath, *group.HealthCheckPort, *group.Matcher.HttpCode, *group.HealthCheckIntervalSeconds)
	}

	set := func(key, value string) (map[string]string, error) {
		out, err := b.elb.ModifyTargetGroupAttributes(t.Context(), &elb.ModifyTargetGroupAttributesInput{
			TargetGroupArn: arn, Attributes: []elbtypes.TargetGroupAttribute{{Key: &key, Value: &value}},
		})
		values := map[string]string{}
		if err == nil {
			for _, attribute := range out.Attributes {
				values[*attribute.Key] = *attribute.Value
			}
		}
		return values, err
	}
	values, err := set("deregistration_delay.timeout_seconds", "20")
	if err != nil || values["deregistration_delay.timeout_seconds"] != "20" || values["stickiness.type"] != "lb_cookie" || len(values) != 14 {
		t.Errorf("attributes %v, error %v", values, err)
	}
	for key, value := range map[string]string{"deregistration_delay.timeout_seconds": "3601", "proxy_protocol_v2.enabled": "true", "colour": "red"} {
		if _, err := set(key, value); code(t, err) != "InvalidConfigurationRequest" {
			t.Errorf("%s=%s: %v", key, value, err)
		}
	}
}

func TestTargetGroup_tags(t *testing.T) {
	b := startBalancing(t)
	arn := *b.group(t, "web", func(in *elb.CreateTargetGroupInput) {
		in.Tags = []elbtypes.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}
	}).TargetGroupArn

	if _, err := b.elb.AddTags(t.Context(), &elb.AddTagsInput{
		ResourceArns: []string{arn}, Tags: []elbtypes.Tag{{Key: aws.String("a"), Value: aws.String("3")}},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.elb.RemoveTags(t.Context(), &elb.RemoveTagsInput{ResourceArns: []string{arn}, TagKeys: []string{"b", "none"}}); err != nil {
		t.Fatal(err)
	}

	out, err := b.elb.DescribeTags(t.Context(), &elb.DescribeTagsInput{ResourceArns: []string{arn}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, tag := range out.TagDescriptions[0].Tags {
		got[*tag.Key] = *tag.Value
	}
	if diff := cmp.Diff(map[string]string{"a": "3"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	tags, err := b.ec2.DescribeTags(t.Context(), &ec2.DescribeTagsInput{})
	if err != nil || len(tags.Tags) != 0 {
		t.Errorf("EC2 tells of the tags of another service: %v, %v", tags, err)
	}
}
