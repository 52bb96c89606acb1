package lab

import (
	"maps"
	"slices"
)

// serviceLeftovers is what the services beside EC2 have of the account's in a region.
func (r *region) serviceLeftovers() []Leftover {
	var all []Leftover
	leave := func(kind, id string, tags tagMap) {
		all = append(all, Leftover{Type: kind, ID: id, Region: r.name, Tags: tagMap{}.with(tags)})
	}
	for _, g := range r.scalingGroups.all() {
		leave("auto-scaling-group", g.name, g.tags)
	}
	for _, p := range r.ownParameters() {
		leave("parameter", p.name, p.tags)
	}
	for _, name := range slices.Sorted(maps.Keys(r.lab.s3Buckets)) {
		of := r.lab.s3Buckets[name]
		if of.region != r.name || of.owner != r.account {
			continue
		}
		leave("bucket", name, nil)
		for _, key := range slices.Sorted(maps.Keys(of.objects)) {
			leave("object", name+"/"+key, nil)
		}
	}
	// A key that is waiting for its deletion is as good as deleted.
	for _, key := range r.keysOfKMS.all() {
		if !key.managed && key.state != keyPendingDeletion {
			leave("kms-key", key.id, key.tags)
		}
	}
	for _, alias := range r.aliases {
		if !alias.target.managed && alias.target.state != keyPendingDeletion {
			leave("kms-alias", alias.name, nil)
		}
	}
	return all
}
