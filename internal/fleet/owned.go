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
	ours []cloud.Instance
	// spoilt are the ids of those of ours whose tags somebody has changed, so that they would
	// not be found by them.
	spoilt  []string
	foreign []ownership.Foreign
	// theirs are proven to be of other owners of that name.
	theirs map[string][]cloud.Instance
}

// find asks for all instances of the name, and for those that a state knows besides, and
// parts them: tags only say where to look, and client tokens whose they are.
func find(ctx context.Context, aws AWS, owner ownership.Owner, known map[string]int) (findings, error) {
	found := findings{theirs: map[string][]cloud.Instance{}}
	instances, err := aws.Instances(ctx, cloud.InstanceQuery{Tags: owner.Index()})
	if err != nil {
		return found, err
	}
	strays, err := findStrays(ctx, aws, owner, known, instances)
	for _, instance := range append(instances, strays...) {
		tagged := instance.Tags[cloud.TagOwner]
		why := ""
		switch other := owner.As(tagged); {
		case launchedBy(owner, instance):
			found.ours = append(found.ours, instance)
			if !owner.Claimed(instance.Tags) {
				found.spoilt = append(found.spoilt, instance.ID)
			}
		case owner.Claimed(instance.Tags):
			why = "carries this fleet's tags, and was not launched by it: somebody has copied them"
		case !ownership.ValidID(tagged):
			why = fmt.Sprintf("carries the tag %s = %s, and no fleet's id in %s", cloud.TagFleet, owner.Name, cloud.TagOwner)
		case launchedBy(other, instance):
			found.theirs[tagged] = append(found.theirs[tagged], instance)
		}
		if why != "" {
			found.foreign = append(found.foreign, ownership.Foreign{What: fmt.Sprintf("instance %s (%s)", instance.ID, aws.Name()), Why: why})
		}
	}
	return found, err
}

// findStrays asks for the instances that a state knows and that tags have not found: one
// request, when there are any. Those that have ended are not among them.
func findStrays(ctx context.Context, aws AWS, owner ownership.Owner, known map[string]int, found []cloud.Instance) ([]cloud.Instance, error) {
	missing := maps.Clone(known)
	for _, instance := range found {
		delete(missing, instance.ID)
	}
	delete(missing, "")
	if len(missing) == 0 {
		return nil, nil
	}
	strays, err := aws.Instances(ctx, cloud.InstanceQuery{IDs: slices.Sorted(maps.Keys(missing))})
	return slices.DeleteFunc(strays, func(instance cloud.Instance) bool { return !launchedBy(owner, instance) }), err
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
	found, err := find(ctx, aws, owner.As(""), nil)
	var holders []ownership.Holder
	for _, id := range slices.Sorted(maps.Keys(found.theirs)) {
		holders = append(holders, ownership.Holder{
			OwnerID: id, What: instances(len(found.theirs[id])), Creating: slices.Contains(leases.Creating, id),
		})
	}
	return holders, err
}
