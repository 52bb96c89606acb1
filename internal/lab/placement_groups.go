package lab

import (
	"slices"
)

// placementGroupActions are those of placement groups.
var placementGroupActions = map[string]action{
	"CreatePlacementGroup":    of((*region).createPlacementGroup),
	"DescribePlacementGroups": of((*region).describePlacementGroups),
	"DeletePlacementGroup":    of((*region).deletePlacementGroup),
}

// Strategies of a placement group.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-groups.html
const (
	strategyCluster   = "cluster"
	strategySpread    = "spread"
	strategyPartition = "partition"
)

// Limits of placement groups: a name's characters, partitions in a zone, and running
// instances of a spread group in a zone.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-strategies.html
const (
	maxGroupName     = 255
	maxPartitions    = 7
	maxSpreadPerZone = 7
)

// placementGroup is one placement group.
type placementGroup struct {
	object
	name, strategy string
	partitions     int
}

func (r *region) placementGroup(name string) *placementGroup {
	for _, g := range r.placementGroups.all() {
		if g.name == name {
			return g
		}
	}
	return nil
}

func noPlacementGroup(names []string) *apiError {
	return fail("InvalidPlacementGroup.Unknown", "The Placement Group '%s' is unknown.", names[0])
}

type createPlacementGroupInput struct {
	GroupName, Strategy, SpreadLevel string
	PartitionCount                   *int
	TagSpecification                 []tagSpecification
}

// placementGroupItem is one group in an answer.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_PlacementGroup.html
type placementGroupItem struct {
	Name        string    `xml:"groupName"`
	Strategy    string    `xml:"strategy"`
	State       string    `xml:"state"`
	ID          string    `xml:"groupId"`
	ARN         string    `xml:"groupArn"`
	Partitions  int       `xml:"partitionCount,omitempty"`
	SpreadLevel string    `xml:"spreadLevel,omitempty"`
	Tags        []tagItem `xml:"tagSet"`
}

func (g *placementGroup) item(r *region) placementGroupItem {
	return placementGroupItem{
		Name: g.name, Strategy: g.strategy, State: "available", ID: g.id, ARN: r.arn("ec2", "placement-group/"+g.name),
		Partitions: g.partitions, SpreadLevel: onOff(g.strategy == strategySpread, "rack", ""), Tags: g.seenTags().items(),
	}
}

type createPlacementGroupOutput struct {
	Group placementGroupItem `xml:"placementGroup"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreatePlacementGroup.html
func (r *region) createPlacementGroup(in *createPlacementGroupInput) (*createPlacementGroupOutput, *apiError) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if r.placementGroup(in.GroupName) != nil {
		return nil, fail("InvalidPlacementGroup.Duplicate", "The placement group '%s' already exists.", in.GroupName)
	}
	partitions, err := in.partitions()
	if err != nil {
		return nil, err
	}
	tags, err := specifiedTags(in.TagSpecification, "placement-group")
	if err != nil {
		return nil, err
	}
	made := &placementGroup{
		object: r.object("pg", tagMap{}.with(tags["placement-group"])), name: in.GroupName, strategy: in.Strategy, partitions: partitions,
	}
	r.placementGroups.put(made)
	return &createPlacementGroupOutput{Group: made.item(r)}, nil
}

func (in *createPlacementGroupInput) check() *apiError {
	switch {
	case in.GroupName == "":
		return missing("GroupName")
	case len(in.GroupName) > maxGroupName:
		return invalid("Value (%s) for parameter groupName is invalid. It has more than %d characters.", in.GroupName, maxGroupName)
	case in.Strategy == "":
		return missing("Strategy")
	case !slices.Contains([]string{strategyCluster, strategySpread, strategyPartition}, in.Strategy):
		return invalid("Value (%s) for parameter strategy is invalid.", in.Strategy)
	case in.PartitionCount != nil && in.Strategy != strategyPartition:
		return combination("The parameter PartitionCount is only supported for the strategy partition")
	case in.SpreadLevel != "" && (in.Strategy != strategySpread || in.SpreadLevel != "rack"):
		return combination("The parameter SpreadLevel can be rack, for the strategy spread")
	}
	return nil
}

// defaultPartitions are those of a group that asks for no number.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-placement-group.html
const defaultPartitions = 2

func (in *createPlacementGroupInput) partitions() (int, *apiError) {
	switch {
	case in.Strategy != strategyPartition:
		return 0, nil
	case in.PartitionCount == nil:
		return defaultPartitions, nil
	case *in.PartitionCount < 1 || *in.PartitionCount > maxPartitions:
		return 0, invalid("Value (%d) for parameter partitionCount is invalid. It must be between 1 and %d.", *in.PartitionCount, maxPartitions)
	}
	return *in.PartitionCount, nil
}

type describePlacementGroupsInput struct {
	GroupName, GroupId []string
	Filter             []filterParam
}

type describePlacementGroupsOutput struct {
	Groups []placementGroupItem `xml:"placementGroupSet"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribePlacementGroups.html
func (r *region) describePlacementGroups(in *describePlacementGroupsInput) (*describePlacementGroupsOutput, *apiError) {
	for _, name := range in.GroupName {
		if r.placementGroup(name) == nil {
			return nil, noPlacementGroup([]string{name})
		}
	}
	found, _, err := list(&r.placementGroups, listing[*placementGroup]{
		ids: in.GroupId, absent: noPlacementGroup, filters: in.Filter,
		fields: filterable[*placementGroup]{
			"group-name":   one(func(g *placementGroup) string { return g.name }),
			"group-arn":    one(func(g *placementGroup) string { return g.item(r).ARN }),
			"strategy":     one(func(g *placementGroup) string { return g.strategy }),
			"spread-level": one(func(g *placementGroup) string { return g.item(r).SpreadLevel }),
			"state":        one(func(*placementGroup) string { return "available" }),
		},
		also: func(g *placementGroup) bool { return len(in.GroupName) == 0 || slices.Contains(in.GroupName, g.name) },
	})
	if err != nil {
		return nil, err
	}
	out := &describePlacementGroupsOutput{}
	for _, g := range found {
		out.Groups = append(out.Groups, g.item(r))
	}
	return out, nil
}

type deletePlacementGroupInput struct{ GroupName string }

// deletePlacementGroup refuses while instances are in the group.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeletePlacementGroup.html
func (r *region) deletePlacementGroup(in *deletePlacementGroupInput) (*success, *apiError) {
	if in.GroupName == "" {
		return nil, missing("GroupName")
	}
	found := r.placementGroup(in.GroupName)
	if found == nil {
		return nil, noPlacementGroup([]string{in.GroupName})
	}
	if len(r.placed(found)) > 0 {
		return nil, fail("InvalidPlacementGroup.InUse", "The placement group '%s' is in use and may not be deleted.", found.name)
	}
	r.placementGroups.remove(found.id)
	return &success{Return: true}, nil
}

// placed are the instances of a group that have not ended.
func (r *region) placed(in *placementGroup) []*instance {
	var all []*instance
	for _, i := range r.instances.all() {
		if i.launch.group == in && i.state != stateTerminated {
			all = append(all, i)
		}
	}
	return all
}

// planPlacement finds the placement group, and checks tenancy.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-strategies.html
func (r *region) planPlacement(planned *launch, in *runInstancesInput) *apiError {
	if in.Placement == nil {
		return nil
	}
	asked := in.Placement
	switch {
	case asked.Tenancy == "host":
		return fail("UnsupportedOperation", "The lab has no dedicated hosts")
	case !slices.Contains([]string{"", "default", "dedicated"}, asked.Tenancy):
		return invalid("Value (%s) for parameter tenancy is invalid.", asked.Tenancy)
	case asked.GroupName != "" && asked.GroupId != "":
		return combination("The parameters GroupName and GroupId may not be specified on the same request")
	}
	if asked.GroupName+asked.GroupId == "" {
		if asked.PartitionNumber != nil {
			return combination("The parameter PartitionNumber requires a partition placement group")
		}
		return nil
	}
	if planned.group = r.placementGroup(asked.GroupName); asked.GroupId != "" {
		planned.group = r.placementGroups.get(asked.GroupId)
	}
	if planned.group == nil {
		return noPlacementGroup([]string{asked.GroupName + asked.GroupId})
	}
	if planned.group.strategy == strategyCluster && planned.kind.burstable {
		return combination("Cluster placement groups are not supported by the '%s' instance type. "+
			"Specify a supported instance type or change the placement group strategy, and try again.", planned.kind.name)
	}
	return planned.group.partition(asked.PartitionNumber)
}

// partition checks the number of a partition.
func (g *placementGroup) partition(number *int) *apiError {
	switch {
	case number == nil:
		return nil
	case g.strategy != strategyPartition:
		return combination("The parameter PartitionNumber requires a partition placement group")
	case *number < 1 || *number > g.partitions:
		return invalid("Value (%d) for parameter partitionNumber is invalid. The placement group has %d partitions.", *number, g.partitions)
	}
	return nil
}

// spreadRoom is how many more instances of a group a zone takes.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/placement-strategies.html#placement-groups-limitations-spread
func (r *region) spreadRoom(group *placementGroup, in zone) int {
	if group == nil || group.strategy != strategySpread {
		return maxLaunch
	}
	room := maxSpreadPerZone
	for _, i := range r.placed(group) {
		if i.launch.subnet.zone == in {
			room--
		}
	}
	return room
}

// partition is the partition of an instance: the chosen one, or by turns.
func (i *instance) partition() int {
	group := i.launch.group
	if group == nil || group.partitions == 0 {
		return 0
	}
	if chosen := i.launch.asked.Placement.PartitionNumber; chosen != nil {
		return *chosen
	}
	return i.index%group.partitions + 1
}

func (i *instance) placement() placementItem {
	item := placementItem{
		Zone: i.launch.subnet.zone.name, ZoneID: i.launch.subnet.zone.id, Tenancy: i.launch.tenancy(), Partition: i.partition(),
	}
	if i.launch.group != nil {
		item.Group, item.GroupID = i.launch.group.name, i.launch.group.id
	}
	return item
}

func (l *launch) tenancy() string {
	if l.asked.Placement == nil || l.asked.Placement.Tenancy == "" {
		return "default"
	}
	return l.asked.Placement.Tenancy
}
