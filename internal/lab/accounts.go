package lab

import (
	"maps"
	"slices"
)

// homeID is the lab's own account: everyone is in it who has not asked for another.
const homeID = "123456789012"

// administratorID is what IAM calls the user that everybody is in the lab.
const administratorID = "AIDALABLABLABLABLABLA"

// account is one account, with what it has in each region.
type account struct {
	lab     *Lab
	id      string
	regions map[string]*region
}

// account returns an account, which is there from the first time that somebody asks.
func (l *Lab) account(id string) *account {
	found := l.accounts[id]
	if found == nil {
		found = &account{lab: l, id: id, regions: map[string]*region{}}
		l.accounts[id] = found
	}
	return found
}

// administrator is the user that everybody is in the lab.
func (a *account) administrator() string { return "arn:aws:iam::" + a.id + ":user/lab" }

// idSpace is what the ids of the account's things in a region are made from.
func (a *account) idSpace(region string) string {
	if a.id == homeID {
		return region
	}
	return region + " " + a.id
}

// accountID is the account that the thing was made in.
func (o *object) accountID() string { return o.home.account.id }

// allRegions are the parts of regions that are in use: the lab's own account first,
// then the others by number.
func (l *Lab) allRegions() []*region {
	ids := slices.Sorted(maps.Keys(l.accounts))
	slices.SortStableFunc(ids, func(a, b string) int {
		switch {
		case a == homeID:
			return -1
		case b == homeID:
			return 1
		}
		return 0
	})
	var all []*region
	for _, id := range ids {
		regions := l.accounts[id].regions
		for _, name := range slices.Sorted(maps.Keys(regions)) {
			all = append(all, regions[name])
		}
	}
	return all
}

// place is what the accounts have of one region together. Images and snapshots are
// all here, since they can be shared: whose they are and who sees them is theirs to
// say.
type place struct {
	images    table[*image]
	snapshots table[*snapshot]
	// created counts what was made, for the order of creation.
	created int
	// publicAddresses counts the public addresses given out.
	publicAddresses uint32
}

func (l *Lab) place(region string) *place {
	found := l.places[region]
	if found == nil {
		found = &place{}
		l.places[region] = found
	}
	return found
}
