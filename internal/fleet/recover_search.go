package fleet

import (
	"context"
	"slices"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// choice is one way in which a part of a spec may have been configured.
type choice func(spec *Spec)

// search looks for the settings that a digest alone tells of: of all that explain what the
// instances are like, those with which they were launched. Volumes are looked at only where
// nothing else explains the digest.
func (r *recovery) search(ctx context.Context) {
	parts := [][]choice{r.userChoices(), publicChoices(), r.optimizedChoices(), creditChoices(), r.placementChoices()}
	if r.found(parts) {
		return
	}
	for _, choices := range parts { // what is likely
		choices[0](&r.Spec)
	}
	volumes, err := r.aws.AttachedVolumes(ctx, r.pattern.Instance.ID)
	if err != nil {
		r.unread(err)
		return
	}
	image, err := describeImage(ctx, r.aws, r.pattern.ImageID)
	r.unread(err)
	root := []choice{func(*Spec) {}}
	further := []choice{func(*Spec) {}}
	var others []cloud.Volume
	for _, volume := range volumes {
		inImage := slices.ContainsFunc(image.Volumes, func(of cloud.ImageVolume) bool { return of.DeviceName == volume.DeviceName })
		switch {
		case volume.DeviceName == r.pattern.Instance.RootDeviceName:
			volume.DeviceName = ""
			for _, asked := range askedOf(volume) {
				root = append(root, func(spec *Spec) { spec.RootVolume = asked })
			}
		case !inImage:
			others = append(others, volume)
		}
	}
	slices.SortFunc(others, func(a, b cloud.Volume) int { return strings.Compare(a.DeviceName, b.DeviceName) })
	if len(others) > 0 {
		for _, which := range fieldSets() {
			further = append(further, func(spec *Spec) {
				spec.Volumes = nil
				for _, volume := range others {
					spec.Volumes = append(spec.Volumes, which(volume))
				}
			})
		}
	}
	r.found(append(parts, root, further))
}

// found tries all combinations, and keeps the first that has the pattern's digest.
func (r *recovery) found(parts [][]choice) bool {
	tried := r.Spec
	var try func(left [][]choice) bool
	try = func(left [][]choice) bool {
		if len(left) == 0 {
			return tried.configDigest() == r.pattern.config
		}
		for _, choose := range left[0] {
			before := tried
			if choose(&tried); try(left[1:]) {
				return true
			}
			tried = before
		}
		return false
	}
	r.Exact = try(parts)
	if r.Exact {
		r.Spec = tried
		return true
	}
	return false
}

func (r *recovery) userChoices() []choice {
	choices := make([]choice, 0, len(r.users)+1)
	for _, text := range r.users {
		choices = append(choices, func(spec *Spec) { spec.UserData = []byte(text) })
	}
	if len(choices) == 0 {
		return []choice{func(*Spec) {}}
	}
	return choices
}

// publicChoices: what an instance has may be its subnet's way.
func publicChoices() []choice {
	choices := []choice{func(*Spec) {}}
	for _, public := range []bool{true, false} {
		choices = append(choices, func(spec *Spec) { spec.AssociatePublicIP = &public })
	}
	return choices
}

// optimizedChoices: some types always are.
func (r *recovery) optimizedChoices() []choice {
	optimized := r.pattern.Instance.EBSOptimized
	return []choice{func(*Spec) {}, func(spec *Spec) { spec.EBSOptimized = &optimized }}
}

func creditChoices() []choice {
	var choices []choice
	for _, credits := range []string{"", "standard", "unlimited"} {
		choices = append(choices, func(spec *Spec) { spec.Credits = credits })
	}
	return choices
}

// placementChoices: default tenancy need not be said, and an open reservation is used unasked.
func (r *recovery) placementChoices() []choice {
	have := r.pattern.Instance.Placement
	var choices []choice
	for _, tenancy := range distinct("", have.Tenancy) {
		for _, reservation := range distinct("", have.CapacityReservation) {
			for _, group := range distinct(have.Group, "") {
				choices = append(choices, func(spec *Spec) {
					spec.Placement = cloud.Placement{Group: group, Tenancy: tenancy, CapacityReservation: reservation}
				})
			}
		}
	}
	return choices
}

func distinct(first, second string) []string {
	if first == second {
		return []string{first}
	}
	return []string{first, second}
}

// askedOf are the ways in which a volume may have been asked for.
func askedOf(volume cloud.Volume) []cloud.Volume {
	var all []cloud.Volume
	for _, which := range fieldSets() {
		if asked := which(volume); !slices.Contains(all, asked) {
			all = append(all, asked)
		}
	}
	return all
}

// fieldSets are the sets of fields of a volume that may be given, the fewest first, each as
// what is left of a volume by it.
func fieldSets() []func(cloud.Volume) cloud.Volume {
	const fields = 6
	sets := make([]func(cloud.Volume) cloud.Volume, 0, 1<<fields)
	for set := range 1 << fields {
		sets = append(sets, func(volume cloud.Volume) cloud.Volume {
			asked := cloud.Volume{DeviceName: volume.DeviceName}
			for field, take := range []func(){
				func() { asked.Size = volume.Size }, func() { asked.Type = volume.Type }, func() { asked.IOPS = volume.IOPS },
				func() { asked.Throughput = volume.Throughput }, func() { asked.Encrypted = volume.Encrypted }, func() { asked.KMSKeyID = volume.KMSKeyID },
			} {
				if set&(1<<field) != 0 {
					take()
				}
			}
			return asked
		})
	}
	return sets
}
