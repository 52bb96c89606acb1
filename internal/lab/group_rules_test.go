package lab_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

func newGroup(t *testing.T, client *ec2.Client, name string) string {
	t.Helper()
	out, err := client.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{GroupName: &name, Description: &name})
	if err != nil {
		t.Fatal(err)
	}
	return *out.GroupId
}

// tcp is a permission for one port.
func tcp(port int32, blocks ...string) types.IpPermission {
	p := types.IpPermission{IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port}
	for _, block := range blocks {
		p.IpRanges = append(p.IpRanges, types.IpRange{CidrIp: &block})
	}
	return p
}

func allow(t *testing.T, client *ec2.Client, group string, permissions ...types.IpPermission) ([]types.SecurityGroupRule, error) {
	t.Helper()
	out, err := client.AuthorizeSecurityGroupIngress(t.Context(), &ec2.AuthorizeSecurityGroupIngressInput{GroupId: &group, IpPermissions: permissions})
	if err != nil {
		return nil, err
	}
	return out.SecurityGroupRules, nil
}

func groupAsItIs(t *testing.T, client *ec2.Client, id string) types.SecurityGroup {
	t.Helper()
	out, err := client.DescribeSecurityGroups(t.Context(), &ec2.DescribeSecurityGroupsInput{GroupIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	return out.SecurityGroups[0]
}

func TestGroupRules_comeAndGo(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := newGroup(t, client, "web")

	fresh := groupAsItIs(t, client, id)
	if len(fresh.IpPermissions) != 0 || len(fresh.IpPermissionsEgress) != 1 || *fresh.IpPermissionsEgress[0].IpProtocol != "-1" {
		t.Errorf("a new group has %v in and %v out, want nothing in and everything out", fresh.IpPermissions, fresh.IpPermissionsEgress)
	}
	rules, err := allow(t, client, id, tcp(80, "10.1.2.3/8", "192.168.0.0/16"), types.IpPermission{
		IpProtocol: aws.String("tcp"), FromPort: aws.Int32(80), ToPort: aws.Int32(80),
		UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &id, Description: aws.String("each other")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(rules) != 3 || *rules[0].CidrIpv4 != "10.0.0.0/8" || *rules[2].ReferencedGroupInfo.GroupId != id {
		t.Errorf("%d rules, of which the first is for %s", len(rules), aws.ToString(rules[0].CidrIpv4))
	}

	want := []types.IpPermission{{
		IpProtocol: aws.String("tcp"), FromPort: aws.Int32(80), ToPort: aws.Int32(80),
		IpRanges:         []types.IpRange{{CidrIp: aws.String("10.0.0.0/8")}, {CidrIp: aws.String("192.168.0.0/16")}},
		UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &id, UserId: fresh.OwnerId, Description: aws.String("each other")}},
		Ipv6Ranges:       []types.Ipv6Range{}, PrefixListIds: []types.PrefixListId{},
	}}
	if diff := cmp.Diff(want, groupAsItIs(t, client, id).IpPermissions, ignoreDocuments); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	out, err := client.RevokeSecurityGroupIngress(t.Context(), &ec2.RevokeSecurityGroupIngressInput{
		GroupId: &id, IpPermissions: []types.IpPermission{tcp(80, "10.0.0.0/8"), tcp(81, "10.0.0.0/8")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.UnknownIpPermissions) != 1 || *out.UnknownIpPermissions[0].FromPort != 81 || len(out.RevokedSecurityGroupRules) != 1 {
		t.Errorf("%d rules were not known and %d revoked, want one and one", len(out.UnknownIpPermissions), len(out.RevokedSecurityGroupRules))
	}
	if left := groupAsItIs(t, client, id).IpPermissions[0]; len(left.IpRanges) != 1 || len(left.UserIdGroupPairs) != 1 {
		t.Errorf("left are %v and %v", left.IpRanges, left.UserIdGroupPairs)
	}
}

func TestGroupRules_change(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := newGroup(t, client, "web")
	rules, err := allow(t, client, id, tcp(80, "10.0.0.0/8"), tcp(443, "10.0.0.0/8"))
	if err != nil {
		t.Fatal(err)
	}

	modify := func(port int32) error {
		_, err := client.ModifySecurityGroupRules(t.Context(), &ec2.ModifySecurityGroupRulesInput{
			GroupId: &id, SecurityGroupRules: []types.SecurityGroupRuleUpdate{{
				SecurityGroupRuleId: rules[0].SecurityGroupRuleId, SecurityGroupRule: &types.SecurityGroupRuleRequest{
					IpProtocol: aws.String("tcp"), FromPort: &port, ToPort: &port, CidrIpv4: aws.String("10.0.0.0/8"), Description: aws.String("moved"),
				},
			}},
		})
		return err
	}
	if err := modify(8080); err != nil {
		t.Fatal(err)
	}
	if got := code(t, modify(443)); got != "InvalidPermission.Duplicate" {
		t.Errorf("onto another rule: %q", got)
	}

	out, err := client.DescribeSecurityGroupRules(t.Context(), &ec2.DescribeSecurityGroupRulesInput{Filters: []types.Filter{filter("group-id", id)}})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int32{}
	for _, rule := range out.SecurityGroupRules {
		found[aws.ToString(rule.Description)] = *rule.FromPort
	}
	if len(out.SecurityGroupRules) != 3 || found["moved"] != 8080 {
		t.Errorf("%d rules, described as %v", len(out.SecurityGroupRules), found)
	}
}

func TestGroupRules_refusals(t *testing.T) {
	_, client := start(t, lab.Options{})
	id, other := newGroup(t, client, "web"), newGroup(t, client, "other")
	if _, err := allow(t, client, id, tcp(80, "10.0.0.0/8")); err != nil {
		t.Fatal(err)
	}
	if _, err := allow(t, client, id, types.IpPermission{IpProtocol: aws.String("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: &other}}}); err != nil {
		t.Fatal(err)
	}
	var many []types.IpPermission
	for port := range int32(60) {
		many = append(many, tcp(1000+port, "10.0.0.0/8"))
	}
	for name, test := range map[string]struct {
		permissions []types.IpPermission
		want        string
	}{
		"there already":     {[]types.IpPermission{tcp(80, "10.9.9.9/8")}, "InvalidPermission.Duplicate"},
		"twice in one":      {[]types.IpPermission{tcp(81, "10.0.0.0/8", "10.0.0.0/8")}, "InvalidPermission.Duplicate"},
		"no block":          {[]types.IpPermission{tcp(81, "10.0.0.0/33")}, "InvalidParameterValue"},
		"no ports":          {[]types.IpPermission{{IpProtocol: aws.String("tcp"), IpRanges: tcp(1, "10.0.0.0/8").IpRanges}}, "InvalidParameterValue"},
		"no protocol":       {[]types.IpPermission{{IpProtocol: aws.String("http"), IpRanges: tcp(1, "10.0.0.0/8").IpRanges}}, "InvalidParameterValue"},
		"no peer":           {[]types.IpPermission{tcp(81)}, "InvalidParameterValue"},
		"no such group":     {[]types.IpPermission{{IpProtocol: aws.String("-1"), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: aws.String("sg-0123456789abcdef0")}}}}, "InvalidGroup.NotFound"},
		"one rule too many": {many, "RulesPerSecurityGroupLimitExceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := allow(t, client, id, test.permissions...)
			if got := code(t, err); got != test.want {
				t.Errorf("answer %q, want %q", got, test.want)
			}
		})
	}
	_, err := client.DeleteSecurityGroup(t.Context(), &ec2.DeleteSecurityGroupInput{GroupId: &other})
	if got := code(t, err); got != "DependencyViolation" {
		t.Errorf("a group that a rule of another refers to: %q", got)
	}
}

func TestDefaultVPC_isConnected(t *testing.T) {
	_, client := start(t, lab.Options{})
	out, err := client.DescribeRouteTables(t.Context(), &ec2.DescribeRouteTablesInput{Filters: []types.Filter{filter("association.main", "true")}})
	if err != nil {
		t.Fatal(err)
	}
	gateways, err := client.DescribeInternetGateways(t.Context(), &ec2.DescribeInternetGatewaysInput{})
	if err != nil {
		t.Fatal(err)
	}
	routes := map[string]string{}
	for _, route := range out.RouteTables[0].Routes {
		routes[*route.DestinationCidrBlock] = *route.GatewayId
	}
	want := map[string]string{"172.31.0.0/16": "local", "0.0.0.0/0": *gateways.InternetGateways[0].InternetGatewayId}
	if diff := cmp.Diff(want, routes); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	attribute, err := client.DescribeVpcAttribute(t.Context(), &ec2.DescribeVpcAttributeInput{
		VpcId: out.RouteTables[0].VpcId, Attribute: types.VpcAttributeNameEnableDnsHostnames,
	})
	if err != nil || !*attribute.EnableDnsHostnames.Value {
		t.Errorf("names in the default VPC: %v, %v", attribute, err)
	}
}
