package fleet

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// findings are the live instances that carry a fleet's tags, by whose they are.
type findings struct {
	ours    []cloud.Instance
	foreign []ownership.Foreign
	// theirs are proven to be of other owners of that name.
	theirs map[string][]cloud.Instance
}

// find asks for all instances of the name, and parts them: tags only say where to look.
func find(ctx context.Context, aws AWS, owner ownership.Owner) (findings, error) {
	found := findings{theirs: map[string][]cloud.Instance{}}
	instances, err := aws.Instances(ctx, cloud.InstanceQuery{Tags: owner.Index()})
	for _, instance := range instances {
		tagged := instance.Tags[cloud.TagOwner]
		why := ""
		switch other := owner.As(tagged); {
		case owner.Claimed(instance.Tags) && launchedBy(owner, instance):
			found.ours = append(found.ours, instance)
		case owner.Claimed(instance.Tags):
			why = "carries this fleet's tags, and was not launched by it: somebody has copied them"
		case !ownership.ValidID(tagged):
			why = fmt.Sprintf("carries the tag %s = %s, and no fleet's id in %s", cloud.TagFleet, owner.Name, cloud.TagOwner)
		case launchedBy(owner, instance):
			why = fmt.Sprintf("was launched by this fleet, and somebody has changed its tag %s", cloud.TagOwner)
		case launchedBy(other, instance):
			found.theirs[tagged] = append(found.theirs[tagged], instance)
		}
		if why != "" {
			found.foreign = append(found.foreign, ownership.Foreign{What: fmt.Sprintf("instance %s (%s)", instance.ID, aws.Name()), Why: why})
		}
	}
	return found, err
}

// launchedBy reports whether an owner has launched an instance. Its root volume may be of
// another image since: then the tag has the one that it was launched from.
func launchedBy(owner ownership.Owner, instance cloud.Instance) bool {
	if owner.Launched(instance) {
		return true
	}
	instance.ImageID = instance.Tags[cloud.TagLaunchImage]
	return instance.ImageID != "" && owner.Launched(instance)
}

// Holders returns who has instances of a fleet's name: one request, and one for leases.
func Holders(ctx context.Context, aws AWS, owner ownership.Owner) ([]ownership.Holder, error) {
	leases, err := ownership.Observe(ctx, aws, owner)
	if err != nil {
		return nil, err
	}
	found, err := find(ctx, aws, owner.As(""))
	var holders []ownership.Holder
	for _, id := range slices.Sorted(maps.Keys(found.theirs)) {
		holders = append(holders, ownership.Holder{
			OwnerID: id, What: instances(len(found.theirs[id])), Creating: slices.Contains(leases.Creating, id),
		})
	}
	return holders, err
}
