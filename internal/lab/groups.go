package lab

import "slices"

// securityGroup is one security group. Its rules are in the region's table.
type securityGroup struct {
	object
	region            *region
	vpc               *vpc
	name, description string
}

type groupItem struct {
	ID   string `xml:"groupId"`
	Name string `xml:"groupName"`
}

type describeSecurityGroupsInput struct {
	GroupId   []string
	GroupName []string
	Filter    []filterParam
	pageParams
}

type securityGroupItem struct {
	OwnerID     string       `xml:"ownerId"`
	ID          string       `xml:"groupId"`
	Name        string       `xml:"groupName"`
	ARN         string       `xml:"securityGroupArn"`
	Description string       `xml:"groupDescription"`
	VPCID       string       `xml:"vpcId"`
	Ingress     []permission `xml:"ipPermissions"`
	Egress      []permission `xml:"ipPermissionsEgress"`
	Tags        []tagItem    `xml:"tagSet"`
}

type describeSecurityGroupsOutput struct {
	Groups    []securityGroupItem `xml:"securityGroupInfo"`
	NextToken string              `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroups.html
var groupFilters = filterable[*securityGroup]{
	"group-id":    one(func(g *securityGroup) string { return g.id }),
	"group-name":  one(func(g *securityGroup) string { return g.name }),
	"description": one(func(g *securityGroup) string { return g.description }),
	"vpc-id":      one(func(g *securityGroup) string { return g.vpc.id }),
	"owner-id":    one(func(g *securityGroup) string { return g.accountID() }),
}

func noGroup(ids []string) *apiError {
	return fail("InvalidGroup.NotFound", "The security group '%s' does not exist", ids[0])
}

func (r *region) describeSecurityGroups(in *describeSecurityGroupsInput) (*describeSecurityGroupsOutput, *apiError) {
	named := func(g *securityGroup) bool {
		return len(in.GroupName) == 0 || slices.Contains(in.GroupName, g.name)
	}
	found, next, err := list(&r.groups, listing[*securityGroup]{
		ids: in.GroupId, absent: noGroup, filters: in.Filter, fields: groupFilters, also: named,
		page: in.pageParams, limits: pageLimits{least: 5, most: 1000},
	})
	if err != nil {
		return nil, err
	}
	out := &describeSecurityGroupsOutput{NextToken: next}
	for _, g := range found {
		item := securityGroupItem{
			OwnerID: r.account.id, ID: g.id, Name: g.name, ARN: r.arn("ec2", "security-group/"+g.id),
			Description: g.description, VPCID: g.vpc.id, Tags: g.seenTags().items(),
			Ingress: r.permissionsOf(g, false), Egress: r.permissionsOf(g, true),
		}
		out.Groups = append(out.Groups, item)
	}
	return out, nil
}

type createSecurityGroupInput struct {
	GroupName, GroupDescription, VpcId string
	TagSpecification                   []tagSpecification
}

type createSecurityGroupOutput struct {
	ID   string    `xml:"groupId"`
	ARN  string    `xml:"securityGroupArn"`
	Tags []tagItem `xml:"tagSet"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
func (r *region) createSecurityGroup(in *createSecurityGroupInput) (*createSecurityGroupOutput, *apiError) {
	if in.GroupName == "" {
		return nil, missing("GroupName")
	}
	if in.GroupDescription == "" {
		return nil, missing("GroupDescription")
	}
	home := r.vpcs.all()[0]
	if in.VpcId != "" {
		if home = r.vpcs.get(in.VpcId); home == nil {
			return nil, noVPC([]string{in.VpcId})
		}
	}
	if slices.ContainsFunc(r.groups.all(), func(g *securityGroup) bool { return g.vpc == home && g.name == in.GroupName }) {
		return nil, fail("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", in.GroupName, home.id)
	}
	tags, err := specifiedTags(in.TagSpecification, "security-group")
	if err != nil {
		return nil, err
	}
	created := &securityGroup{
		object: r.object("sg", tagMap{}.with(tags["security-group"])), region: r, vpc: home,
		name: in.GroupName, description: in.GroupDescription,
	}
	r.groups.put(created)
	r.addRule(created, true, described{ruleSpec: everything}, nil)
	return &createSecurityGroupOutput{
		ID: created.id, ARN: r.arn("ec2", "security-group/"+created.id), Tags: created.seenTags().items(),
	}, nil
}

type deleteSecurityGroupInput struct{ GroupId, GroupName string }

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html
func (r *region) deleteSecurityGroup(in *deleteSecurityGroupInput) (*success, *apiError) {
	at := slices.IndexFunc(r.groups.all(), func(g *securityGroup) bool {
		return g.id == in.GroupId || in.GroupId == "" && g.name == in.GroupName
	})
	if at < 0 {
		return nil, noGroup([]string{in.GroupId + in.GroupName})
	}
	group := r.groups.all()[at]
	if group.name == "default" {
		return nil, fail("CannotDelete", "the specified group: \"%s\" name: \"default\" cannot be deleted by a user", group.id)
	}
	for _, card := range r.interfaces.all() {
		if slices.Contains(card.groups, group) {
			return nil, fail("DependencyViolation", "resource %s has a dependent object", group.id)
		}
	}
	for _, rule := range r.groupRules.all() {
		if rule.spec.groupID == group.id && rule.group != group {
			return nil, fail("DependencyViolation", "resource %s has a dependent object", group.id)
		}
	}
	r.dropRules(group)
	r.groups.remove(group.id)
	return &success{Return: true}, nil
}

// groupsOf finds the security groups of a launch into a subnet: the named ones, or
// the default group of the subnet's VPC.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
func (r *region) groupsOf(ids, names []string, home *vpc) ([]*securityGroup, *apiError) {
	if len(ids)+len(names) == 0 {
		names = []string{"default"}
	}
	var found []*securityGroup
	for _, id := range ids {
		group := r.groups.get(id)
		if group == nil {
			return nil, noGroup([]string{id})
		}
		if group.vpc != home {
			return nil, fail("InvalidGroup.NotFound", "The security group '%s' does not exist in VPC '%s'", id, home.id)
		}
		found = append(found, group)
	}
	for _, name := range names {
		at := slices.IndexFunc(r.groups.all(), func(g *securityGroup) bool { return g.vpc == home && g.name == name })
		if at < 0 {
			return nil, fail("InvalidGroup.NotFound", "The security group '%s' does not exist in VPC '%s'", name, home.id)
		}
		found = append(found, r.groups.all()[at])
	}
	return found, nil
}

func groupItems(groups []*securityGroup) []groupItem {
	items := make([]groupItem, len(groups))
	for i, group := range groups {
		items[i] = groupItem{ID: group.id, Name: group.name}
	}
	return items
}
