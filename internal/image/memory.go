package image

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// Memory is what a state keeps of an observed line. Terraform plans once more when it applies,
// in another process and perhaps hours later, and that plan must be the one that the user has
// seen: it goes by what the refresh saw and not by what is there by then. The apply itself
// looks again, and refuses to do something else than was planned.
//
// It holds what decides which version becomes current, why, and where it is, and not what is
// changed in place.
type Memory struct {
	Versions   []rememberedVersion `json:"versions,omitempty"`
	Next       int                 `json:"next"`
	Instances  map[string]string   `json:"instances,omitempty"` // roles by id
	Candidates []string            `json:"candidates,omitempty"`
	Spoilt     []Spoilt            `json:"spoilt,omitempty"`
	Left       []ownership.Left    `json:"left,omitempty"`
}

type rememberedVersion struct {
	Number        int                       `json:"number"`
	ImageID       string                    `json:"image_id"`
	ImageName     string                    `json:"image_name"`
	Fingerprint   string                    `json:"fingerprint,omitempty"`
	SourceImageID string                    `json:"source,omitempty"`
	Architecture  string                    `json:"architecture,omitempty"`
	Platform      string                    `json:"platform,omitempty"`
	RootDevice    string                    `json:"root_device,omitempty"`
	Checks        string                    `json:"checks,omitempty"`
	BakedAt       time.Time                 `json:"baked_at,omitzero"`
	VerifiedAt    time.Time                 `json:"verified_at,omitzero"`
	PromotedAt    time.Time                 `json:"promoted_at,omitzero"`
	State         string                    `json:"state"`
	Copies        map[string]rememberedCopy `json:"copies,omitempty"`
}

type rememberedCopy struct {
	ID    string `json:"id"`
	State string `json:"state"`
	Key   string `json:"key,omitempty"`
}

// Remember is what a state keeps of the line.
func (l Line) Remember() Memory {
	memory := Memory{Next: l.Next(), Spoilt: l.Spoilt, Left: l.Leases.Mine(l.owner)}
	for _, version := range l.Versions {
		kept := rememberedVersion{
			Number: version.Number, ImageID: version.ImageID, ImageName: version.ImageName, Fingerprint: version.Fingerprint,
			SourceImageID: version.SourceImageID, Architecture: version.Architecture, Platform: version.Platform, RootDevice: version.RootDevice,
			Checks: version.Checks, BakedAt: version.BakedAt, VerifiedAt: version.VerifiedAt, PromotedAt: version.PromotedAt, State: version.State,
		}
		for region, copied := range version.Copies {
			kept.Copies = with(kept.Copies, region, rememberedCopy{copied.ID, copied.State, copied.Tags[cloud.TagKey]})
		}
		memory.Versions = append(memory.Versions, kept)
	}
	for _, instance := range l.instances() {
		memory.Instances = with(memory.Instances, instance.ID, instance.Tags[cloud.TagRole])
	}
	for _, candidate := range l.Candidates {
		memory.Candidates = append(memory.Candidates, candidate.ImageID)
	}
	return memory
}

// Recall is the line as it was remembered: for plans, and for nothing that acts on it.
func (m Memory) Recall(owner ownership.Owner) Line {
	line := Line{owner: owner, Taken: m.Next - 1, Spoilt: m.Spoilt, Leases: ownership.Leases{Left: m.Left}}
	for _, kept := range m.Versions {
		version := Version{
			Number: kept.Number, ImageID: kept.ImageID, ImageName: kept.ImageName, Fingerprint: kept.Fingerprint,
			SourceImageID: kept.SourceImageID, Architecture: kept.Architecture, Platform: kept.Platform, RootDevice: kept.RootDevice,
			Checks: kept.Checks, BakedAt: kept.BakedAt, VerifiedAt: kept.VerifiedAt, PromotedAt: kept.PromotedAt, State: kept.State,
		}
		for region, copied := range kept.Copies {
			version.Copies = with(version.Copies, region, copied.image())
		}
		line.Versions = append(line.Versions, version)
	}
	for _, id := range slices.Sorted(maps.Keys(m.Instances)) {
		instance := cloud.Instance{ID: id, Tags: cloud.Tags{cloud.TagRole: m.Instances[id]}}
		if m.Instances[id] == cloud.RoleBuilder {
			line.Builders = append(line.Builders, instance)
			continue
		}
		line.Proofs = append(line.Proofs, instance)
	}
	for _, id := range m.Candidates {
		line.Candidates = append(line.Candidates, Version{ImageID: id})
	}
	return line
}

func (c rememberedCopy) image() cloud.Image {
	return cloud.Image{ID: c.ID, State: c.State, Tags: cloud.Tags{cloud.TagKey: c.Key}}
}

// WithRemembered adds to an observed line the copies in regions that did not answer, as they
// were when they were seen last: nothing says that they are gone. It warns of those of the
// regions that the state has copies in.
func (l Line) WithRemembered(memory Memory, regions []string) Line {
	for _, kept := range memory.Versions {
		version := l.ByImage(kept.ImageID)
		if version == nil {
			continue
		}
		for region, copied := range kept.Copies {
			if l.Unreached(region) {
				version.Copies = with(version.Copies, region, copied.image())
			}
		}
	}
	for _, region := range regions {
		if !l.Unreached(region) {
			continue
		}
		kept := "copies there"
		if current := l.Current(); current != nil && current.Copies[region].ID != "" {
			kept = current.Copies[region].ID
		}
		l.Warnings = append(l.Warnings, report.Warning{
			Summary: fmt.Sprintf("Copies of golden image %s in %s could not be read", l.owner.Name, region),
			Detail: fmt.Sprintf("%v\n\nThe state keeps what it has of them (%s), and nothing else waits for the region. Only an apply that changes the image needs it. "+
				"If it is to be given up, take it off distribute.regions: what is there is then left behind.", l.unreached[region], kept),
		})
	}
	return l
}
