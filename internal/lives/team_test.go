package lives

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

// team is another team of the account, whose things carry tags that they should not have.
type team struct {
	*world
	// things are by id.
	things map[string]thing
	count  int
}

// thing is what somebody has made without the provider.
type thing struct {
	kind      string
	protected bool
	tags      cloud.Tags
}

func (m *team) has(id string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hasLocked(id)
}

func (m *team) hasLocked(id string) bool {
	_, there := m.things[id]
	return there
}

func (m *team) note(id, kind string, tags cloud.Tags, protected bool) {
	m.record(func() { m.things[id] = thing{kind: kind, tags: tags, protected: protected} })
}

// instance launches a server of theirs. Its tags come later, by hand.
func (m *team) instance(imageID string, protected bool) (string, bool) {
	launched, err := m.hand.region.RunInstances(m.t.Context(), cloud.Launch{
		ImageID: imageID, InstanceType: "t3.small", MinCount: 1, MaxCount: 1, TerminationProtection: protected,
	})
	if err != nil {
		m.logf("the other team gets no instance: %v", err)
		return "", false
	}
	m.note(launched[0].ID, "instance", cloud.Tags{}, protected)
	return launched[0].ID, true
}

// tag copies tags to a thing of theirs, some of them changed.
func (m *team) tag(id string, tags, changed cloud.Tags) {
	tags = tags.With(changed)
	maps.DeleteFunc(tags, func(key, _ string) bool { return len(key) > 4 && key[:4] == "aws:" })
	if err := m.hand.region.CreateTags(m.t.Context(), []string{id}, tags); err != nil {
		m.logf("the other team cannot tag %s: %v", id, err)
		return
	}
	m.record(func() {
		is := m.things[id]
		is.tags = is.tags.With(tags)
		m.things[id] = is
	})
}

// promoted are the tags by which a version would be the current one for ever.
func promoted(number int) cloud.Tags {
	text := strconv.Itoa(number)
	return cloud.Tags{cloud.TagPromotedAt: "2099-01-01T00:00:00Z", cloud.TagVersion: text, cloud.TagHighest: text}
}

// imageName is a name of their own, or that of a version that the line has not made.
func (m *team) imageName(tags cloud.Tags) (name string, number int) {
	m.count++
	number = 77 + m.count
	if made := tags[cloud.TagFingerprint]; len(made) >= 8 && m.luck.IntN(2) == 0 {
		return image.AMIName(tags[cloud.TagImage], number, made), number
	}
	return fmt.Sprintf("payroll-%d", number), number
}

// image captures an instance of theirs, under a name of their own, and tags it.
func (m *team) image(tags cloud.Tags) {
	from, ok := m.instance(m.base, false)
	if !ok {
		return
	}
	<-time.After(10 * time.Minute)
	if err := m.stage.Lab.SetState(from, "stopped"); err != nil {
		return
	}
	<-time.After(10 * time.Minute)
	name, number := m.imageName(tags)
	id, err := m.hand.region.CreateImage(m.t.Context(), cloud.Capture{InstanceID: from, Name: name})
	if err != nil {
		m.logf("the other team gets no image: %v", err)
		return
	}
	m.adopt(id)
	<-time.After(30 * time.Minute)
	m.tagImage(id, tags, number)
	if m.luck.IntN(3) == 0 && m.hand.region.DeregisterImage(m.t.Context(), id) == nil {
		m.record(func() { delete(m.things, id) }) // its snapshot stays
	}
}

// copy copies an image of ours under a name of their own, with all its tags.
func (m *team) copy(of cloud.Image) {
	name, number := m.imageName(of.Tags)
	id, err := m.hand.region.CopyImage(m.t.Context(), cloud.ImageCopy{SourceRegion: m.hand.region.Name(), SourceImageID: of.ID, Name: name})
	if err != nil {
		m.logf("the other team gets no copy: %v", err)
		return
	}
	m.adopt(id)
	<-time.After(30 * time.Minute)
	m.tagImage(id, of.Tags, number)
}

// adopt notes an image of theirs.
func (m *team) adopt(id string) { m.note(id, "image", cloud.Tags{}, false) }

// tagImage tags an image and its snapshots.
func (m *team) tagImage(id string, tags cloud.Tags, number int) {
	images, err := m.hand.region.Images(m.t.Context(), cloud.ImageQuery{IDs: []string{id}})
	if err != nil || len(images) != 1 || images[0].State != cloud.ImageAvailable {
		m.logf("the other team's image %s is of no use: %v", id, err)
		return
	}
	for _, snapshot := range images[0].SnapshotIDs() {
		m.note(snapshot, "snapshot", cloud.Tags{}, false)
		m.tag(snapshot, tags, nil)
	}
	m.tag(id, tags, promoted(number))
}

// unharmed notes a fault for each of their things that is not as it was. What the weather
// does to instances is nobody's fault.
func (m *team) unharmed() {
	left := map[string]map[string]string{}
	for _, each := range m.stage.Lab.Books().Leftovers {
		left[each.ID] = each.Tags
	}
	for _, id := range slices.Sorted(maps.Keys(m.things)) {
		is := m.things[id]
		tags, there := left[id]
		switch {
		case !there && (m.weather != "storm" || is.kind != "instance"):
			m.fault("the other team's %s %s is gone", is.kind, id)
		case there && !maps.Equal(tags, is.tags) && m.settledFor(id):
			m.fault("the other team's %s %s has tags %v, and had %v", is.kind, id, tags, is.tags)
		}
		if is.kind != "image" || !there {
			continue
		}
		have, err := m.hand.region.ImagePermissions(m.t.Context(), id)
		if err == nil && !have.Empty() {
			m.fault("the other team's image %s is shared: %+v", id, have)
		}
	}
}

// settledFor is for what their own requests may not have done: an answer that got lost.
func (m *team) settledFor(string) bool { return m.weather != "storm" }

// leave removes all that they have.
func (m *team) leave() {
	ctx := m.t.Context()
	var instances []string
	for _, id := range slices.Sorted(maps.Keys(m.things)) {
		switch m.things[id].kind {
		case "instance":
			instances = append(instances, id)
			if m.things[id].protected {
				_ = m.persist(func() error { return m.hand.region.SetTerminationProtection(ctx, []string{id}, false) })
			}
		case "image":
			_ = m.persist(func() error { return m.hand.region.DeregisterImage(ctx, id) })
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.things)) {
		if m.things[id].kind == "snapshot" {
			_ = m.persist(func() error { return m.hand.region.DeleteSnapshot(ctx, id) })
		}
	}
	if len(instances) > 0 {
		_ = m.persist(func() error { return m.hand.region.TerminateInstances(ctx, instances) })
	}
}

// persist repeats what a storm may have swallowed.
func (m *team) persist(do func() error) (err error) {
	for range 5 {
		if err = do(); err == nil {
			return nil
		}
		<-time.After(time.Minute)
	}
	return err
}
