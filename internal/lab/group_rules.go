package lab

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// groupRule is one rule of a security group. Rules are kept and answered, but guard
// nothing: nothing in the lab has a network.
type groupRule struct {
	object
	group       *securityGroup
	egress      bool
	spec        ruleSpec
	description string
}

// ruleSpec is what makes a rule different from others: protocol and ports, and one of
// the four peers.
type ruleSpec struct {
	protocol                      string
	from, to                      int
	cidr4, cidr6, prefix, groupID string
}

// allProtocols is the protocol of a rule for everything, anyPort its ports.
const (
	allProtocols = "-1"
	anyPort      = -1
)

// everything is the rule that lets all traffic out, which new groups begin with.
// https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
var everything = ruleSpec{protocol: allProtocols, from: anyPort, to: anyPort, cidr4: "0.0.0.0/0"}

// maxRules is how many rules a group has in a direction.
// https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups
const maxRules = 60

type rangeParam struct{ CidrIp, Description string }

type range6Param struct{ CidrIpv6, Description string }

type pairParam struct{ GroupId, GroupName, UserId, VpcId, Description string }

type prefixParam struct{ PrefixListId, Description string }

// ipPermissionParam is: one protocol and port range with all its peers.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html
type ipPermissionParam struct {
	IpProtocol       string
	FromPort, ToPort *int
	IpRanges         []rangeParam
	Ipv6Ranges       []range6Param
	Groups           []pairParam
	PrefixListIds    []prefixParam
}

// described is a rule of a request, with its description.
type described struct {
	ruleSpec
	description string
}

// protocols are the names that numbers have.
var protocols = map[string]string{"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": allProtocols}

// rulesOf reads permissions: each peer is a rule of its own.
func (r *region) rulesOf(permissions []ipPermissionParam) ([]described, *apiError) {
	var all []described
	for _, p := range permissions {
		base, err := p.ports()
		if err != nil {
			return nil, err
		}
		some, err := r.peers(base, p)
		if err != nil {
			return nil, err
		}
		if len(some) == 0 {
			return nil, invalid("Invalid value 'null' for ipPermissions: a rule must have a source or a destination")
		}
		all = append(all, some...)
	}
	return all, nil
}

// ports reads protocol and ports. Only the named protocols have ports.
func (p ipPermissionParam) ports() (ruleSpec, *apiError) {
	name := strings.ToLower(p.IpProtocol)
	spec := ruleSpec{protocol: cmp.Or(protocols[name], name), from: anyPort, to: anyPort}
	switch spec.protocol {
	case "":
		return spec, missing("IpProtocol")
	case "tcp", "udp":
		if p.FromPort == nil || p.ToPort == nil {
			return spec, invalid("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
		}
		spec.from, spec.to = *p.FromPort, *p.ToPort
		if spec.from < 0 || spec.to > 65535 || spec.from > spec.to {
			return spec, invalid("Invalid TCP/UDP port range (%d:%d)", spec.from, spec.to)
		}
	case "icmp", "icmpv6":
		if p.FromPort != nil {
			spec.from = *p.FromPort
		}
		if p.ToPort != nil {
			spec.to = *p.ToPort
		}
	case allProtocols:
	default:
		if number, err := strconv.Atoi(spec.protocol); err != nil || number < 0 || number > 255 {
			return spec, invalid("Invalid value '%s' for IP protocol. Unknown protocol.", p.IpProtocol)
		}
	}
	return spec, nil
}

func (r *region) peers(base ruleSpec, p ipPermissionParam) ([]described, *apiError) {
	var all []described
	for _, one := range p.IpRanges {
		block, err := canonical(one.CidrIp, true)
		if err != nil {
			return nil, err
		}
		spec := base
		spec.cidr4 = block
		all = append(all, described{spec, one.Description})
	}
	for _, one := range p.Ipv6Ranges {
		block, err := canonical(one.CidrIpv6, false)
		if err != nil {
			return nil, err
		}
		spec := base
		spec.cidr6 = block
		all = append(all, described{spec, one.Description})
	}
	for _, one := range p.PrefixListIds {
		return nil, fail("InvalidPrefixListId.NotFound", "The prefix list ID '%s' does not exist", one.PrefixListId)
	}
	for _, one := range p.Groups {
		spec := base
		if spec.groupID = one.GroupId; one.GroupId == "" {
			spec.groupID = r.groupNamed(one.GroupName)
		}
		if r.groups.get(spec.groupID) == nil {
			return nil, noGroup([]string{one.GroupId + one.GroupName})
		}
		all = append(all, described{spec, one.Description})
	}
	return all, nil
}

func (r *region) groupNamed(name string) string {
	for _, g := range r.groups.all() {
		if g.name == name {
			return g.id
		}
	}
	return ""
}

// canonical clears the bits of a block that are the host's.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html
func canonical(block string, four bool) (string, *apiError) {
	prefix, err := netip.ParsePrefix(block)
	if err != nil || prefix.Addr().Is4() != four {
		return "", invalid("CIDR block %s is malformed", block)
	}
	return prefix.Masked().String(), nil
}

// rules are a group's rules in one direction.
func (r *region) rules(g *securityGroup, egress bool) []*groupRule {
	var all []*groupRule
	for _, rule := range r.groupRules.all() {
		if rule.group == g && rule.egress == egress {
			all = append(all, rule)
		}
	}
	return all
}

func (r *region) addRule(g *securityGroup, egress bool, asked described, tags tagMap) *groupRule {
	made := &groupRule{
		object: r.object("sgr", tagMap{}.with(tags)), group: g, egress: egress, spec: asked.ruleSpec, description: asked.description,
	}
	r.groupRules.put(made)
	return made
}

// dropRules takes out all rules of a group.
func (r *region) dropRules(g *securityGroup) {
	var ids []string
	for _, rule := range r.groupRules.all() {
		if rule.group == g {
			ids = append(ids, rule.id)
		}
	}
	r.groupRules.remove(ids...)
}

// authorizeInput are the parameters of both directions; CidrIp and its like, a single
// rule, only ingress takes.
type authorizeInput struct {
	groupRef
	IpPermissions                 []ipPermissionParam
	CidrIp, IpProtocol            string
	FromPort, ToPort              *int
	TagSpecification              []tagSpecification
	SecurityGroupRuleDescriptions []ruleDescriptionParam
}

// groupRef names a security group; by name only one of the default VPC.
type groupRef struct{ GroupId, GroupName string }

func (r *region) group(ref groupRef) (*securityGroup, *apiError) {
	switch {
	case ref.GroupId == "" && ref.GroupName == "":
		return nil, missing("GroupId or GroupName")
	case ref.GroupId == "":
		ref.GroupId = r.groupNamed(ref.GroupName)
	case !wellFormed(ref.GroupId, "sg"):
		return nil, fail("InvalidGroupId.Malformed", "Invalid id: \"%s\" (expecting \"sg-...\")", ref.GroupId)
	}
	found := r.groups.get(ref.GroupId)
	if found == nil {
		return nil, noGroup([]string{ref.GroupId + ref.GroupName})
	}
	return found, nil
}

// permissions are those of the request, in either form.
func (in *authorizeInput) permissions() []ipPermissionParam {
	if in.IpProtocol == "" {
		return in.IpPermissions
	}
	return append(in.IpPermissions, ipPermissionParam{
		IpProtocol: in.IpProtocol, FromPort: in.FromPort, ToPort: in.ToPort, IpRanges: []rangeParam{{CidrIp: in.CidrIp}},
	})
}

type authorizeOutput struct {
	Return bool       `xml:"return"`
	Rules  []ruleItem `xml:"securityGroupRuleSet"`
}

// authorize adds rules, all or none.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupEgress.html
func authorize(egress bool) func(*region, *authorizeInput) (*authorizeOutput, *apiError) {
	return func(r *region, in *authorizeInput) (*authorizeOutput, *apiError) {
		g, err := r.group(in.groupRef)
		if err != nil {
			return nil, err
		}
		asked, err := r.rulesOf(in.permissions())
		if err != nil {
			return nil, err
		}
		if len(asked) == 0 {
			return nil, missing("IpPermissions")
		}
		tags, err := specifiedTags(in.TagSpecification, "security-group-rule")
		if err != nil {
			return nil, err
		}
		present := r.rules(g, egress)
		for at, rule := range asked {
			known := func(other described) bool { return other.ruleSpec == rule.ruleSpec }
			there := func(other *groupRule) bool { return other.spec == rule.ruleSpec }
			if slices.ContainsFunc(present, there) || slices.ContainsFunc(asked[:at], known) {
				return nil, fail("InvalidPermission.Duplicate", "the specified rule \"%s\" already exists", rule.ruleSpec)
			}
		}
		if len(present)+len(asked) > maxRules {
			return nil, fail("RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group has been reached.")
		}
		out := &authorizeOutput{Return: true}
		for _, rule := range asked {
			out.Rules = append(out.Rules, r.addRule(g, egress, rule, tags["security-group-rule"]).item())
		}
		return out, nil
	}
}

// String is the rule as errors have it: "peer: 10.0.0.0/8, TCP, from port: 80, to
// port: 80, ALLOW".
func (s ruleSpec) String() string {
	peer := s.cidr4 + s.cidr6 + s.prefix + s.groupID
	if s.protocol == allProtocols {
		return fmt.Sprintf("peer: %s, ALL, ALLOW", peer)
	}
	return fmt.Sprintf("peer: %s, %s, from port: %d, to port: %d, ALLOW", peer, strings.ToUpper(s.protocol), s.from, s.to)
}
