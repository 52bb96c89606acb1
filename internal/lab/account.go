package lab

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// The owners of public images.
// https://docs.aws.amazon.com/linux/al2023/ug/ec2.html
// https://wiki.debian.org/Cloud/AmazonEC2Image/Bookworm
const (
	amazonID    = "137112412989"
	amazonAlias = "amazon"
	debianID    = "136693071363"
)

// regionNames are the regions that every account has without opting in.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html
var regionNames = []string{
	"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2",
	"ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
	"us-east-1", "us-east-2", "us-west-1", "us-west-2",
}

// region is everything that an account has in one region.
type region struct {
	lab     *Lab
	account *account
	name    string
	// place is what the accounts have of the region together.
	place *place
	ids   ids
	// open is set once the region is furnished; what was there before is seen at once.
	open bool

	zones        []zone
	vpcs         table[*vpc]
	subnets      table[*subnet]
	groupRules   table[*groupRule]
	routeTables  table[*routeTable]
	gateways     table[*internetGateway]
	groups       table[*securityGroup]
	interfaces   table[*networkInterface]
	instances    table[*instance]
	volumes      table[*volume]
	profiles     table[*profileAssociation]
	keys         table[*keyPair]
	parameters   map[string]*parameter
	templates    table[*launchTemplate]
	targetGroups table[*targetGroup]
	balancers    table[*loadBalancer]
	listeners    table[*listener]
	// scalingGroups are those of Auto Scaling, by name.
	scalingGroups table[*scalingGroup]
	// placementGroups and rootTasks are what their names say.
	placementGroups table[*placementGroup]
	rootTasks       table[*rootTask]
	// reservations are Capacity Reservations.
	reservations table[*capacityReservation]
	spotRequests table[*spotRequest]
	// keysOfKMS and aliases are encryption keys; keys above are those of SSH.
	keysOfKMS table[*kmsKey]
	aliases   []*kmsAlias
	// commands are Run Command's, in order.
	commands []*command
	// launches are RunInstances calls by client token and zone.
	launches map[launchKey]*launch
	// publicImages tells whether images can be made public.
	publicImages publicAccess
	// tokens are the client tokens of calls other than RunInstances.
	tokens map[tokenKey]any
}

// zone is one Availability Zone.
type zone struct{ name, id string }

// region returns the account's part of a region, which is furnished when it is first
// used.
func (a *account) region(name string) (*region, *apiError) {
	if r := a.regions[name]; r != nil {
		return r, nil
	}
	if !slices.Contains(regionNames, name) {
		return nil, &apiError{
			status: http.StatusUnauthorized, code: "AuthFailure",
			message: "Credential should be scoped to a valid region, not '" + name + "'.",
		}
	}
	if a.id != homeID { // what is public was there before
		if _, err := a.lab.account(homeID).region(name); err != nil {
			return nil, err
		}
	}
	r := &region{
		lab: a.lab, account: a, name: name, place: a.lab.place(name), ids: newIDs(a.lab.seed, a.idSpace(name)),
		parameters: map[string]*parameter{},
		launches:   map[launchKey]*launch{}, tokens: map[tokenKey]any{}, publicImages: blockNewSharing,
	}
	r.furnish()
	r.open = true
	a.regions[name] = r
	return r, nil
}

func (r *region) now() time.Time { return r.lab.clock.now() }

// object makes the common part of a new thing.
func (r *region) object(prefix string, tags tagMap) object {
	r.place.created++
	made := object{id: r.ids.make(prefix), seq: r.place.created, tags: tags, home: r}
	if lag := r.lab.takes(toAppear, made.id); lag > 0 && r.open {
		made.appearsAt = r.now().Add(lag)
	}
	return made
}

// furnish puts in what a fresh account has: a default VPC with a /20 subnet in each
// zone and a security group, and the public images with their parameters.
// https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html
func (r *region) furnish() {
	for _, letter := range []string{"a", "b", "c"} {
		r.zones = append(r.zones, zone{name: r.name + letter, id: zoneIDPrefix(r.name) + "-az" + string(letter[0]-'a'+'1')})
	}
	home := &vpc{
		object: r.object("vpc", tagMap{}), cidr: netip.MustParsePrefix("172.31.0.0/16"), isDefault: true,
		dhcpOptions: r.ids.make("dopt"), association: r.ids.make("vpc-cidr-assoc"),
	}
	r.vpcs.put(home)
	group := &securityGroup{
		object: r.object("sg", tagMap{}), region: r, vpc: home, name: "default",
		description: "default VPC security group",
	}
	r.groups.put(group)
	for i, zone := range r.zones {
		cidr := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 31, byte(16 * i), 0}), 20)
		r.subnets.put(newSubnet(r.object("subnet", tagMap{}), home, zone, cidr))
	}
	r.publish()
	r.furnishKeys()
	// https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html
	inside := ruleSpec{protocol: allProtocols, from: anyPort, to: anyPort, groupID: group.id}
	r.addRule(group, false, described{ruleSpec: inside}, nil)
	r.addRule(group, true, described{ruleSpec: everything}, nil)
	r.connect(home)
}

// zoneIDPrefix shortens a region's name as zone ids do: eu-west-1 is euw1.
// https://docs.aws.amazon.com/global-infrastructure/latest/regions/az-ids.html
func zoneIDPrefix(name string) string {
	parts := strings.Split(name, "-")
	short := strings.NewReplacer("north", "n", "south", "s", "east", "e", "west", "w", "central", "c").Replace(parts[1])
	return parts[0] + short + parts[2]
}

// table holds the things of one kind in order of creation.
type table[T thing] struct {
	byID  map[string]T
	order []T
}

func (t *table[T]) put(thing T) {
	if t.byID == nil {
		t.byID = map[string]T{}
	}
	t.byID[thing.self().id] = thing
	t.order = append(t.order, thing)
}

// get returns the zero value when there is none.
func (t *table[T]) get(id string) T { return t.byID[id] }

// remove takes things out.
func (t *table[T]) remove(ids ...string) {
	for _, id := range ids {
		thing, there := t.byID[id]
		if !there {
			continue
		}
		delete(t.byID, id)
		at, _ := slices.BinarySearchFunc(t.order, thing.self().seq, func(other T, seq int) int { return other.self().seq - seq })
		t.order = slices.Delete(t.order, at, at+1)
	}
}

// all are the things in order of creation. The slice is the table's own.
func (t *table[T]) all() []T { return t.order }

// pick returns the things of these ids, in order of creation, or all without ids,
// hidden ones too.
// absent makes the error for an id that is not there.
func (t *table[T]) pick(ids []string, absent func(ids []string) *apiError) ([]T, *apiError) {
	if len(ids) == 0 {
		return t.order, nil
	}
	var picked []T
	var unknown []string
	seen := map[string]bool{}
	for _, id := range ids {
		thing, there := t.byID[id]
		switch {
		case !there || thing.self().hidden():
			unknown = append(unknown, id)
		case !seen[id]:
			seen[id] = true
			picked = append(picked, thing)
		}
	}
	if len(unknown) > 0 {
		return nil, absent(unknown)
	}
	slices.SortFunc(picked, func(a, b T) int { return a.self().seq - b.self().seq })
	return picked, nil
}
