package lab

import (
	"slices"
	"strings"
)

// maxTagged is how many things one call may tag.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html
const maxTagged = 1000

// taggable is one kind of thing with tags.
type taggable struct {
	// kind is EC2's resource type; prefix begins its ids; missing is the error code
	// for an id that is not there.
	kind, prefix, missing string
	// get finds a thing's common part; nil without one, or if it is another owner's.
	get func(r *region, id string) *object
	all func(r *region) []*object
}

// kindOf makes a taggable of a table. mine may be nil when everything in the table is
// the account's own.
func kindOf[T thing](kind, prefix, missing string, from func(*region) *table[T], mine func(*account, T) bool) taggable {
	return taggable{
		kind: kind, prefix: prefix, missing: missing,
		get: func(r *region, id string) *object {
			found, there := from(r).byID[id]
			if !there || found.self().hidden() || mine != nil && !mine(r.account, found) {
				return nil
			}
			return found.self()
		},
		all: func(r *region) []*object {
			var all []*object
			for _, candidate := range from(r).all() {
				if mine == nil || mine(r.account, candidate) {
					all = append(all, candidate.self())
				}
			}
			return all
		},
	}
}

var taggables = []taggable{
	kindOf("instance", "i", "InvalidInstanceID.NotFound", func(r *region) *table[*instance] { return &r.instances }, nil),
	kindOf("image", "ami", "InvalidAMIID.NotFound", func(r *region) *table[*image] { return &r.place.images },
		func(by *account, i *image) bool { return i.owner == by.id }),
	kindOf("snapshot", "snap", "InvalidSnapshot.NotFound", func(r *region) *table[*snapshot] { return &r.place.snapshots },
		func(by *account, s *snapshot) bool { return s.owner == by.id }),
	kindOf("volume", "vol", "InvalidVolume.NotFound", func(r *region) *table[*volume] { return &r.volumes }, nil),
	kindOf("network-interface", "eni", "InvalidNetworkInterfaceID.NotFound",
		func(r *region) *table[*networkInterface] { return &r.interfaces }, nil),
	kindOf("security-group", "sg", "InvalidGroup.NotFound", func(r *region) *table[*securityGroup] { return &r.groups }, nil),
	kindOf("security-group-rule", "sgr", "InvalidSecurityGroupRuleId.NotFound",
		func(r *region) *table[*groupRule] { return &r.groupRules }, nil),
	kindOf("route-table", "rtb", "InvalidRouteTableID.NotFound", func(r *region) *table[*routeTable] { return &r.routeTables }, nil),
	kindOf("internet-gateway", "igw", "InvalidInternetGatewayID.NotFound",
		func(r *region) *table[*internetGateway] { return &r.gateways }, nil),
	kindOf("launch-template", "lt", "InvalidLaunchTemplateId.NotFound",
		func(r *region) *table[*launchTemplate] { return &r.templates }, nil),
	kindOf("key-pair", "key", "InvalidKeyPair.NotFound", func(r *region) *table[*keyPair] { return &r.keys }, nil),
	kindOf("placement-group", "pg", "InvalidPlacementGroup.Unknown",
		func(r *region) *table[*placementGroup] { return &r.placementGroups }, nil),
	kindOf("capacity-reservation", "cr", "InvalidCapacityReservationId.NotFound",
		func(r *region) *table[*capacityReservation] { return &r.reservations }, nil),
	kindOf("spot-instances-request", "sir", "InvalidSpotInstanceRequestID.NotFound",
		func(r *region) *table[*spotRequest] { return &r.spotRequests }, nil),
	kindOf("replace-root-volume-task", "replacevol", "InvalidReplaceRootVolumeTaskId.NotFound",
		func(r *region) *table[*rootTask] { return &r.rootTasks }, nil),
	kindOf("subnet", "subnet", "InvalidSubnetID.NotFound", func(r *region) *table[*subnet] { return &r.subnets }, nil),
	kindOf("vpc", "vpc", "InvalidVpcID.NotFound", func(r *region) *table[*vpc] { return &r.vpcs }, nil),
}

// tagged finds the things that a request names; all of them, or an error.
func (r *region) tagged(ids []string) ([]*object, *apiError) {
	if len(ids) == 0 {
		return nil, missing("ResourceId")
	}
	if len(ids) > maxTagged {
		return nil, invalid("The request names %d resources; at most %d are possible", len(ids), maxTagged)
	}
	found := make([]*object, 0, len(ids))
	for _, id := range ids {
		at := slices.IndexFunc(taggables, func(t taggable) bool { return wellFormed(id, t.prefix) })
		if at < 0 {
			return nil, fail("InvalidID", "The ID '%s' is not valid", id)
		}
		thing := taggables[at].get(r, id)
		if thing == nil {
			return nil, fail(taggables[at].missing, "The ID '%s' does not exist", id)
		}
		found = append(found, thing)
	}
	return found, nil
}

type createTagsInput struct {
	ResourceId []string
	Tag        []tagItem
}

// createTags adds tags, and overwrites those of the same key; on all or on none.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html
func (r *region) createTags(in *createTagsInput) (*success, *apiError) {
	if len(in.Tag) == 0 {
		return nil, missing("Tag")
	}
	if err := checkTags(in.Tag); err != nil {
		return nil, err
	}
	things, err := r.tagged(in.ResourceId)
	if err != nil {
		return nil, err
	}
	added := tagMap{}
	for _, tag := range in.Tag {
		added[tag.Key] = tag.Value
	}
	for _, thing := range things {
		if len(thing.tags.with(added)) > maxTags {
			return nil, tagLimit(thing.id)
		}
		if i := r.instances.get(thing.id); i != nil {
			if err := i.metadata.checkTags(added); err != nil {
				return nil, err
			}
		}
	}
	for _, thing := range things {
		r.retag(thing, thing.tags.with(added))
	}
	return &success{Return: true}, nil
}

// tagChoice is a tag to delete: by key, or only if it has the value.
type tagChoice struct {
	Key   string
	Value *string
}

type deleteTagsInput struct {
	ResourceId []string
	Tag        []tagChoice
}

// deleteTags removes tags; without any named, all but AWS's own.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html
func (r *region) deleteTags(in *deleteTagsInput) (*success, *apiError) {
	things, err := r.tagged(in.ResourceId)
	if err != nil {
		return nil, err
	}
	for _, choice := range in.Tag {
		if strings.HasPrefix(strings.ToLower(choice.Key), "aws:") {
			return nil, invalid("Tag keys starting with 'aws:' are reserved for internal use")
		}
	}
	for _, thing := range things {
		kept := tagMap{}
		for key, value := range thing.tags {
			chosen := func(c tagChoice) bool { return c.Key == key && (c.Value == nil || *c.Value == value) }
			if strings.HasPrefix(key, "aws:") || len(in.Tag) > 0 && !slices.ContainsFunc(in.Tag, chosen) {
				kept[key] = value
			}
		}
		r.retag(thing, kept)
	}
	return &success{Return: true}, nil
}

type describeTagsInput struct {
	Filter []filterParam
	pageParams
}

// tagLine is one tag of one thing.
type tagLine struct {
	object
	ResourceID   string `xml:"resourceId"`
	ResourceType string `xml:"resourceType"`
	Key          string `xml:"key"`
	Value        string `xml:"value"`
}

type describeTagsOutput struct {
	Tags      []*tagLine `xml:"tagSet"`
	NextToken string     `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTags.html
var tagLineFilters = filterable[*tagLine]{
	"key":           one(func(t *tagLine) string { return t.Key }),
	"value":         one(func(t *tagLine) string { return t.Value }),
	"resource-id":   one(func(t *tagLine) string { return t.ResourceID }),
	"resource-type": one(func(t *tagLine) string { return t.ResourceType }),
}

// tagOrder leaves room for a thing's tags in the order of all tags.
const tagOrder = maxTags + 1

func (r *region) describeTags(in *describeTagsInput) (*describeTagsOutput, *apiError) {
	lines := table[*tagLine]{}
	for _, kind := range taggables {
		for _, thing := range kind.all(r) {
			if thing.hidden() {
				continue
			}
			for at, tag := range thing.seenTags().items() {
				lines.put(&tagLine{
					object:     object{id: thing.id + " " + tag.Key, seq: thing.seq*tagOrder + at + 1, tags: thing.tags},
					ResourceID: thing.id, ResourceType: kind.kind, Key: tag.Key, Value: tag.Value,
				})
			}
		}
	}
	slices.SortFunc(lines.order, func(a, b *tagLine) int { return a.seq - b.seq })
	found, next, err := list(&lines, listing[*tagLine]{
		filters: in.Filter, fields: tagLineFilters, page: in.pageParams,
		limits: pageLimits{least: 5, most: 1000, capped: true},
	})
	if err != nil {
		return nil, err
	}
	return &describeTagsOutput{Tags: found, NextToken: next}, nil
}
