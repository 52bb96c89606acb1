package lives

import (
	"slices"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// member is a server of one of the workspace's fleets, by luck.
func (w *workspace) member() *cloud.Instance {
	found := w.mine(func(i cloud.Instance) bool { return i.Tags[cloud.TagFleet] != "" })
	if len(found) == 0 {
		return nil
	}
	return &found[w.luck.IntN(len(found))]
}

// mine are the live instances that were made for an owner in the workspace's state.
func (w *workspace) mine(which func(cloud.Instance) bool) []cloud.Instance {
	w.learn()
	all, err := w.hand.region.Instances(w.t.Context(), cloud.InstanceQuery{Tags: cloud.Tags{cloud.TagManagedBy: cloud.ManagedBy}})
	if err != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(i cloud.Instance) bool {
		return !slices.Contains(w.owners(), w.madeFor(i.ID)) || which != nil && !which(i)
	})
}

// versions are the images of the workspace's line, the current one last.
func (w *workspace) versions() []cloud.Image {
	w.learn()
	owner := w.line.current
	if owner == nil {
		return nil
	}
	all, err := w.hand.region.Images(w.t.Context(), cloud.ImageQuery{Owners: []string{"self"}, Tags: cloud.Tags{cloud.TagRole: cloud.RoleVersion}})
	if err != nil {
		return nil
	}
	all = slices.DeleteFunc(all, func(i cloud.Image) bool {
		return w.madeFor(i.ID) != owner.owner.ID || i.Tags[cloud.TagPromotedAt] == ""
	})
	slices.SortFunc(all, func(a, b cloud.Image) int {
		return strings.Compare(a.Tags[cloud.TagPromotedAt], b.Tags[cloud.TagPromotedAt])
	})
	return all
}

// madeFor is the owner that a thing of the home region was made for.
func (w *world) madeFor(id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.truth[w.hand.region.Name()+"/"+id]
}

// drift does something by hand to what the workspace has, and says what.
func (w *workspace) drift() string {
	if w.weather != "calm" {
		defer func() { <-time.After(5 * time.Minute) }() // until everybody sees it
	}
	if w.luck.IntN(2) == 0 || w.line.current == nil {
		return w.driftOfFleet()
	}
	return w.driftOfLine()
}

func (w *workspace) driftOfFleet() string {
	member := w.member()
	if member == nil {
		return "no member to harm"
	}
	ctx := w.t.Context()
	spoil := func(tags cloud.Tags) string {
		_ = w.hand.region.CreateTags(ctx, []string{member.ID}, tags)
		return "tags of " + member.ID + " are spoilt: " + strings.Join(keys(tags), ", ")
	}
	switch what := w.luck.IntN(9); what {
	case 0, 1, 2:
		state := []string{"terminated", "stopped", "impaired"}[what]
		if err := w.stage.Lab.SetState(member.ID, state); err != nil {
			return err.Error()
		}
		return member.ID + " is " + state
	case 3:
		return spoil(cloud.Tags{cloud.TagSlots: []string{"", "0-999999,0-999999", "nonsense", "5"}[w.luck.IntN(4)]})
	case 4:
		return spoil(cloud.Tags{cloud.TagGeneration: "99999999999999999999"})
	case 5:
		return spoil(cloud.Tags{cloud.TagConfig: "nonsense"})
	case 6:
		return spoil(cloud.Tags{cloud.TagRootImage: "ami-00000000"})
	case 7:
		_ = w.hand.region.DeleteTags(ctx, []string{member.ID}, []string{cloud.TagSlots, cloud.TagGeneration})
		return member.ID + " has lost tags"
	default:
		return spoil(cloud.Tags{"App": "by hand", "Extra": "by hand"})
	}
}

func (w *workspace) driftOfLine() string {
	versions := w.versions()
	if len(versions) == 0 {
		return "no version to harm"
	}
	ctx, version := w.t.Context(), versions[w.luck.IntN(len(versions))]
	spoil := func(key, value string) string {
		_ = w.hand.region.CreateTags(ctx, []string{version.ID}, cloud.Tags{key: value})
		return "tag of " + version.ID + " is spoilt: " + key + " = " + value
	}
	switch w.luck.IntN(8) {
	case 7:
		return w.disable(version)
	case 0:
		_ = w.hand.region.DeregisterImage(ctx, version.ID)
		return version.ID + " is deregistered"
	case 1:
		return spoil(cloud.TagPromotedAt, "2099-01-01T00:00:00Z")
	case 2:
		return spoil(cloud.TagHighest, "99999999999999999999")
	case 3:
		return spoil(cloud.TagRegions, "xx-bogus-9")
	case 4:
		return spoil("Team", "by hand")
	case 5:
		return spoil(cloud.TagShared, "nonsense")
	default:
		_ = w.hand.region.ChangeImagePermissions(ctx, version.ID, cloud.Permissions{AccountIDs: []string{"444455556666"}}, cloud.Permissions{})
		return version.ID + " is shared by hand"
	}
}

// disable disables an image, as people and lifecycle rules do.
func (w *workspace) disable(version cloud.Image) string {
	if w.weather == "storm" || version.State != cloud.ImageAvailable {
		return version.ID + " is left as it is" // the stage takes a refusal for a fault
	}
	w.stage.DisableImage(w.hand.region.Name(), version.ID)
	return version.ID + " is disabled"
}

// hostile lets another team make something with the tags of what the workspace has.
func (w *workspace) hostile() string {
	w.learn()
	member := w.member()
	versions := w.versions()
	switch w.luck.IntN(5) {
	case 4:
		if len(versions) == 0 {
			return "no version to copy"
		}
		// What would be a builder, of which the next version is captured.
		id, ok := w.team.instance(w.base, false)
		if ok {
			w.team.tag(id, versions[len(versions)-1].Tags, cloud.Tags{cloud.TagRole: []string{cloud.RoleBuilder, cloud.RoleProof, ""}[w.luck.IntN(3)]})
		}
		return "the other team's " + id + " has the tags of " + versions[len(versions)-1].ID
	case 0, 1:
		if member == nil {
			return "no member to copy"
		}
		from := w.base
		if w.luck.IntN(2) == 0 {
			from = member.ImageID // the proof of a launch is not its image
		}
		id, ok := w.team.instance(from, w.luck.IntN(2) == 0)
		if ok {
			w.team.tag(id, member.Tags, cloud.Tags{cloud.TagGeneration: "7"})
		}
		return "the other team's " + id + " has the tags of " + member.ID
	case 2:
		if len(versions) == 0 {
			return "no version to copy"
		}
		w.team.image(versions[len(versions)-1].Tags)
		return "the other team has an image with the tags of " + versions[len(versions)-1].ID
	default:
		if len(versions) == 0 {
			return "no version to copy"
		}
		w.team.copy(versions[len(versions)-1])
		return "the other team has a copy of " + versions[len(versions)-1].ID
	}
}

// protect protects something by hand, and returns what lifts it again.
func (w *workspace) protect() (what string, lift func()) {
	ctx := w.t.Context()
	on := func(id string, is bool) {
		w.record(func() { w.protected[id] = is })
	}
	if versions := w.versions(); len(versions) > 0 && w.luck.IntN(2) == 0 {
		id := versions[w.luck.IntN(len(versions))].ID
		on(id, w.hand.region.ProtectImage(ctx, id) == nil)
		return id + " is protected by hand", func() {
			on(id, false)
			_ = w.hand.region.UnprotectImage(ctx, id)
		}
	}
	member := w.member()
	if member == nil || member.Tags[cloud.TagProtection] != "" {
		return "nothing to protect", func() {}
	}
	on(member.ID, w.hand.region.SetTerminationProtection(ctx, []string{member.ID}, true) == nil)
	return member.ID + " is protected by hand", func() {
		on(member.ID, false)
		_ = w.hand.region.SetTerminationProtection(ctx, []string{member.ID}, false)
	}
}

func keys(tags cloud.Tags) []string {
	var all []string
	for key := range tags {
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}

// creating are the owners whose create has not ended.
func (w *world) creating() ([]string, error) {
	var all []string
	for _, o := range w.ours[0].objects() {
		leases, err := ownership.Observe(w.t.Context(), w.hand.region, w.owner(o.kind, o.name))
		if err != nil {
			return nil, err
		}
		all = append(all, leases.Creating...)
	}
	return all, nil
}
