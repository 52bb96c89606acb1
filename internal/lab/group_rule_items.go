package lab

import (
	"slices"
	"strconv"
)

type cidrRange struct {
	CIDR        string `xml:"cidrIp"`
	Description string `xml:"description,omitempty"`
}

type cidrRange6 struct {
	CIDR        string `xml:"cidrIpv6"`
	Description string `xml:"description,omitempty"`
}

type groupPair struct {
	OwnerID     string `xml:"userId"`
	GroupID     string `xml:"groupId"`
	Description string `xml:"description,omitempty"`
}

// permission is one protocol and port range in an answer, with all its peers.
type permission struct {
	Protocol string       `xml:"ipProtocol"`
	From     *int         `xml:"fromPort"`
	To       *int         `xml:"toPort"`
	Groups   []groupPair  `xml:"groups"`
	Ranges   []cidrRange  `xml:"ipRanges"`
	Ranges6  []cidrRange6 `xml:"ipv6Ranges"`
	Prefixes []string     `xml:"prefixListIds"`
}

// hasPorts tells whether a permission shows ports. Those for all protocols, and for
// others than the named ones, show none.
func (s ruleSpec) hasPorts() bool {
	return slices.Contains([]string{"tcp", "udp", "icmp", "icmpv6"}, s.protocol)
}

// permissions gather an owner's rules by protocol and ports, in order of the first of each.
func permissions(owner string, specs []described) []permission {
	var all []permission
	at := map[ruleSpec]int{}
	for _, rule := range specs {
		key := ruleSpec{protocol: rule.protocol, from: rule.from, to: rule.to}
		index, known := at[key]
		if !known {
			index = len(all)
			at[key] = index
			made := permission{Protocol: rule.protocol}
			if rule.hasPorts() {
				made.From, made.To = &key.from, &key.to
			}
			all = append(all, made)
		}
		all[index].add(owner, rule)
	}
	return all
}

func (p *permission) add(owner string, rule described) {
	switch {
	case rule.cidr4 != "":
		p.Ranges = append(p.Ranges, cidrRange{CIDR: rule.cidr4, Description: rule.description})
	case rule.cidr6 != "":
		p.Ranges6 = append(p.Ranges6, cidrRange6{CIDR: rule.cidr6, Description: rule.description})
	case rule.groupID != "":
		p.Groups = append(p.Groups, groupPair{OwnerID: owner, GroupID: rule.groupID, Description: rule.description})
	}
}

// permissionsOf are a group's rules in an answer.
func (r *region) permissionsOf(g *securityGroup, egress bool) []permission {
	var specs []described
	for _, rule := range r.rules(g, egress) {
		specs = append(specs, described{rule.spec, rule.description})
	}
	return permissions(r.account.id, specs)
}

type referencedGroup struct {
	GroupID string `xml:"groupId"`
	UserID  string `xml:"userId"`
	VPCID   string `xml:"vpcId"`
}

// ruleItem is one rule in an answer.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SecurityGroupRule.html
type ruleItem struct {
	ID          string           `xml:"securityGroupRuleId"`
	ARN         string           `xml:"securityGroupRuleArn"`
	GroupID     string           `xml:"groupId"`
	OwnerID     string           `xml:"groupOwnerId"`
	Egress      bool             `xml:"isEgress"`
	Protocol    string           `xml:"ipProtocol"`
	From        int              `xml:"fromPort"`
	To          int              `xml:"toPort"`
	CIDR4       string           `xml:"cidrIpv4,omitempty"`
	CIDR6       string           `xml:"cidrIpv6,omitempty"`
	Referenced  *referencedGroup `xml:"referencedGroupInfo"`
	Description string           `xml:"description,omitempty"`
	Tags        []tagItem        `xml:"tagSet"`
}

func (g *groupRule) item() ruleItem {
	item := ruleItem{
		ID: g.id, ARN: g.group.region.arn("ec2", "security-group-rule/"+g.id), GroupID: g.group.id, OwnerID: g.accountID(),
		Egress: g.egress, Protocol: g.spec.protocol, From: g.spec.from, To: g.spec.to, CIDR4: g.spec.cidr4, CIDR6: g.spec.cidr6,
		Description: g.description, Tags: g.seenTags().items(),
	}
	if g.spec.groupID != "" {
		item.Referenced = &referencedGroup{GroupID: g.spec.groupID, UserID: g.accountID(), VPCID: g.group.vpc.id}
	}
	return item
}

// ruleValues makes a filter of security groups from a value of their rules.
func ruleValues(egress bool, value func(ruleSpec) string) func(*securityGroup) []string {
	return func(g *securityGroup) []string {
		var values []string
		for _, rule := range g.region.rules(g, egress) {
			values = append(values, value(rule.spec))
		}
		return values
	}
}

// The filters that look at rules.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html
func init() {
	for prefix, egress := range map[string]bool{"ip-permission.": false, "egress.ip-permission.": true} {
		for name, value := range map[string]func(ruleSpec) string{
			"cidr":      func(s ruleSpec) string { return s.cidr4 },
			"ipv6-cidr": func(s ruleSpec) string { return s.cidr6 },
			"group-id":  func(s ruleSpec) string { return s.groupID },
			"protocol":  func(s ruleSpec) string { return s.protocol },
			"from-port": func(s ruleSpec) string { return strconv.Itoa(s.from) },
			"to-port":   func(s ruleSpec) string { return strconv.Itoa(s.to) },
		} {
			groupFilters[prefix+name] = ruleValues(egress, value)
		}
	}
}
