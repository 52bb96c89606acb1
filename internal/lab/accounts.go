package lab

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
)

// homeID is the lab's own account: everyone is in it who has not asked for another.
const homeID = "123456789012"

// account is one account, with what it has in each region.
type account struct {
	lab     *Lab
	id      string
	regions map[string]*region
	// organization is the ARN of the one that it is in, units are those of the units
	// there that it is below.
	organization string
	units        []string
}

// caller is the account that a request is made in: that of the role whose keys sign
// it, or the one that the access key id names with its twelve digits, as LocalStack
// has it. All other keys are the lab's own account's.
// https://docs.localstack.cloud/aws/capabilities/config/credentials
func (l *Lab) caller(c *call) (*account, *apiError) {
	id := homeID
	if found := l.sessions[c.keyID]; found != nil {
		id = found.account
	} else if accountForm.MatchString(c.keyID) {
		id = c.keyID
	}
	if !enterable(id) {
		return nil, &apiError{
			status: http.StatusUnauthorized, code: "AuthFailure",
			message: "AWS was not able to validate the provided access credentials: nobody gets into account " + id,
		}
	}
	return l.account(id), nil
}

// enterable tells whether one can be in an account: not in those that publish images.
func enterable(id string) bool { return id != amazonID && id != debianID }

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

// administratorID is what IAM calls that user.
func (a *account) administratorID() string {
	if a.id == homeID {
		return "AIDALABLABLABLABLABLA"
	}
	return "AIDA" + keyLetters(newIDs(0, a.idSpace("user lab")))[:17]
}

// idSpace is what the ids of some of the account's things are made from. In the lab's
// own account it is as if there were no other.
func (a *account) idSpace(of string) string {
	if a.id == homeID {
		return of
	}
	return of + " " + a.id
}

// JoinOrganization puts an account into an organization and below units of it, which
// images may be shared with; an empty organization takes it out. All are named by
// their ARNs.
func (l *Lab) JoinOrganization(account, organization string, units ...string) error {
	switch {
	case !accountForm.MatchString(account) || !enterable(account):
		return fmt.Errorf("account %q: want the twelve digits of one that can be entered", account)
	case organization == "" && len(units) > 0:
		return fmt.Errorf("account %s: units are those of an organization", account)
	case organization != "" && !organizationForm.MatchString(organization):
		return fmt.Errorf("organization %q: want an ARN like arn:aws:organizations::111122223333:organization/o-abcdefghij", organization)
	}
	for _, unit := range units {
		if !unitForm.MatchString(unit) {
			return fmt.Errorf("unit %q: want an ARN like arn:aws:organizations::111122223333:ou/o-abcdefghij/ou-abcd-12345678", unit)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	joined := l.account(account)
	joined.organization, joined.units = organization, slices.Clone(units)
	return nil
}

// foreignID is the account's number, and empty for the lab's own account.
func (a *account) foreignID() string {
	if a.id == homeID {
		return ""
	}
	return a.id
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
	// published are the public parameters.
	published map[string]*parameter
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
