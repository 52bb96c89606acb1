package lab

import "time"

// hidden tells whether a thing is too new to be described: EC2 is eventually
// consistent. Rules that EC2 itself enforces, such as that names are unique, see it
// from the start.
// https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
func (o *object) hidden() bool {
	if o.appearsAt.IsZero() {
		return false
	}
	if o.home.now().Before(o.appearsAt) {
		return true
	}
	o.appearsAt = time.Time{}
	return false
}

// retag changes a thing's tags. Who reads sees the former ones for a while.
func (r *region) retag(thing *object, tags tagMap) {
	now := r.now()
	lag := r.lab.takes(toTag, thing.id)
	if lag > 0 && !now.Before(thing.tagsAt) {
		thing.formerTags = thing.tags
	}
	thing.home, thing.tags, thing.tagsAt = r, tags, now.Add(lag)
}

// seenTags are the tags that are described.
func (o *object) seenTags() tagMap {
	if o.tagsAt.IsZero() {
		return o.tags
	}
	if o.home.now().Before(o.tagsAt) {
		return o.formerTags
	}
	o.tagsAt, o.formerTags = time.Time{}, nil
	return o.tags
}
