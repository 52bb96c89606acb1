package lab

import "slices"

var groupRuleActions = map[string]action{
	"AuthorizeSecurityGroupIngress":              of(authorize(false)),
	"AuthorizeSecurityGroupEgress":               of(authorize(true)),
	"RevokeSecurityGroupIngress":                 of(revoke(false)),
	"RevokeSecurityGroupEgress":                  of(revoke(true)),
	"UpdateSecurityGroupRuleDescriptionsIngress": of(redescribe(false)),
	"UpdateSecurityGroupRuleDescriptionsEgress":  of(redescribe(true)),
	"DescribeSecurityGroupRules":                 of((*region).describeSecurityGroupRules),
	"ModifySecurityGroupRules":                   of((*region).modifySecurityGroupRules),
}

type revokeInput struct {
	groupRef
	SecurityGroupRuleId []string
	IpPermissions       []ipPermissionParam
	CidrIp, IpProtocol  string
	FromPort, ToPort    *int
}

type revokeOutput struct {
	Return  bool         `xml:"return"`
	Unknown []permission `xml:"unknownIpPermissionSet"`
	Revoked []ruleItem   `xml:"revokedSecurityGroupRuleSet"`
}

// revoke removes rules by id or by what they say. In a default VPC, and the lab has no
// other, rules that are not there are told of and are no error.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html
func revoke(egress bool) func(*region, *revokeInput) (*revokeOutput, *apiError) {
	return func(r *region, in *revokeInput) (*revokeOutput, *apiError) {
		g, err := r.group(in.groupRef)
		if err != nil {
			return nil, err
		}
		asked := authorizeInput{
			IpPermissions: in.IpPermissions, CidrIp: in.CidrIp, IpProtocol: in.IpProtocol, FromPort: in.FromPort, ToPort: in.ToPort,
		}
		specs, err := r.rulesOf(asked.permissions())
		if err != nil {
			return nil, err
		}
		if len(specs)+len(in.SecurityGroupRuleId) == 0 {
			return nil, missing("IpPermissions")
		}
		gone, err := r.rulesByID(g, egress, in.SecurityGroupRuleId)
		if err != nil {
			return nil, err
		}
		out := &revokeOutput{Return: true}
		var unknown []described
		for _, spec := range specs {
			if found := r.rule(g, egress, spec.ruleSpec); found != nil {
				gone = append(gone, found)
			} else {
				unknown = append(unknown, spec)
			}
		}
		out.Unknown = permissions(r.account.id, unknown)
		for _, rule := range gone {
			r.groupRules.remove(rule.id)
			out.Revoked = append(out.Revoked, rule.item())
		}
		return out, nil
	}
}

func (r *region) rule(g *securityGroup, egress bool, spec ruleSpec) *groupRule {
	all := r.rules(g, egress)
	at := slices.IndexFunc(all, func(rule *groupRule) bool { return rule.spec == spec })
	if at < 0 {
		return nil
	}
	return all[at]
}

// rulesByID finds a group's rules in one direction.
func (r *region) rulesByID(g *securityGroup, egress bool, ids []string) ([]*groupRule, *apiError) {
	var found []*groupRule
	for _, id := range ids {
		rule := r.groupRules.get(id)
		if rule == nil || rule.group != g || rule.egress != egress {
			return nil, noRule([]string{id})
		}
		found = append(found, rule)
	}
	return found, nil
}

func noRule(ids []string) *apiError {
	return fail("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID '%s' does not exist", ids[0])
}

type ruleDescriptionParam struct{ SecurityGroupRuleId, Description string }

// redescribe changes only the descriptions of rules that are there.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UpdateSecurityGroupRuleDescriptionsIngress.html
func redescribe(egress bool) func(*region, *authorizeInput) (*success, *apiError) {
	return func(r *region, in *authorizeInput) (*success, *apiError) {
		g, err := r.group(in.groupRef)
		if err != nil {
			return nil, err
		}
		specs, err := r.rulesOf(in.permissions())
		if err != nil {
			return nil, err
		}
		if (len(specs) == 0) == (len(in.SecurityGroupRuleDescriptions) == 0) {
			return nil, missing("IpPermissions or SecurityGroupRuleDescriptions")
		}
		var changes []func()
		for _, spec := range specs {
			found := r.rule(g, egress, spec.ruleSpec)
			if found == nil {
				return nil, fail("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
			}
			changes = append(changes, func() { found.description = spec.description })
		}
		for _, asked := range in.SecurityGroupRuleDescriptions {
			found, err := r.rulesByID(g, egress, []string{asked.SecurityGroupRuleId})
			if err != nil {
				return nil, err
			}
			changes = append(changes, func() { found[0].description = asked.Description })
		}
		for _, apply := range changes {
			apply()
		}
		return &success{Return: true}, nil
	}
}

type describeRulesInput struct {
	SecurityGroupRuleId []string
	Filter              []filterParam
	pageParams
}

type describeRulesOutput struct {
	Rules     []ruleItem `xml:"securityGroupRuleSet"`
	NextToken string     `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroupRules.html
var ruleFilters = filterable[*groupRule]{
	"group-id":               one(func(g *groupRule) string { return g.group.id }),
	"security-group-rule-id": one(func(g *groupRule) string { return g.id }),
}

func (r *region) describeSecurityGroupRules(in *describeRulesInput) (*describeRulesOutput, *apiError) {
	found, next, err := list(&r.groupRules, listing[*groupRule]{
		ids: in.SecurityGroupRuleId, absent: noRule, filters: in.Filter, fields: ruleFilters,
		page: in.pageParams, limits: pageLimits{least: 5, most: 1000},
	})
	if err != nil {
		return nil, err
	}
	out := &describeRulesOutput{NextToken: next}
	for _, rule := range found {
		out.Rules = append(out.Rules, rule.item())
	}
	return out, nil
}

// ruleRequest is a rule as ModifySecurityGroupRules has it, with one peer.
type ruleRequest struct {
	IpProtocol                                    string
	FromPort, ToPort                              *int
	CidrIpv4, CidrIpv6, PrefixListId, Description string
	ReferencedGroupId                             string
}

type ruleUpdate struct {
	SecurityGroupRuleId string
	SecurityGroupRule   *ruleRequest
}

type modifyRulesInput struct {
	GroupId           string
	SecurityGroupRule []ruleUpdate
}

// modifySecurityGroupRules puts other rules in the place of some, under the same ids.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySecurityGroupRules.html
func (r *region) modifySecurityGroupRules(in *modifyRulesInput) (*success, *apiError) {
	g, err := r.group(groupRef{GroupId: in.GroupId})
	if err != nil {
		return nil, err
	}
	if len(in.SecurityGroupRule) == 0 {
		return nil, missing("SecurityGroupRule")
	}
	var changes []func()
	for _, update := range in.SecurityGroupRule {
		rule := r.groupRules.get(update.SecurityGroupRuleId)
		if rule == nil || rule.group != g {
			return nil, noRule([]string{update.SecurityGroupRuleId})
		}
		if update.SecurityGroupRule == nil {
			return nil, missing("SecurityGroupRule.SecurityGroupRule")
		}
		asked, err := r.rulesOf([]ipPermissionParam{update.SecurityGroupRule.permission()})
		if err != nil {
			return nil, err
		}
		if other := r.rule(g, rule.egress, asked[0].ruleSpec); other != nil && other != rule {
			return nil, fail("InvalidPermission.Duplicate", "the specified rule \"%s\" already exists", asked[0].ruleSpec)
		}
		changes = append(changes, func() { rule.spec, rule.description = asked[0].ruleSpec, asked[0].description })
	}
	for _, apply := range changes {
		apply()
	}
	return &success{Return: true}, nil
}

func (q *ruleRequest) permission() ipPermissionParam {
	p := ipPermissionParam{IpProtocol: q.IpProtocol, FromPort: q.FromPort, ToPort: q.ToPort}
	switch {
	case q.CidrIpv4 != "":
		p.IpRanges = []rangeParam{{CidrIp: q.CidrIpv4, Description: q.Description}}
	case q.CidrIpv6 != "":
		p.Ipv6Ranges = []range6Param{{CidrIpv6: q.CidrIpv6, Description: q.Description}}
	case q.PrefixListId != "":
		p.PrefixListIds = []prefixParam{{PrefixListId: q.PrefixListId}}
	case q.ReferencedGroupId != "":
		p.Groups = []pairParam{{GroupId: q.ReferencedGroupId, Description: q.Description}}
	}
	return p
}
