package lab

import (
	"strconv"
	"time"
)

// A volume can be modified four times in 24 hours.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVolume.html
const (
	maxModifications   = 4
	modificationWindow = 24 * time.Hour
)

// volumeModification is one modification of a volume.
type volumeModification struct {
	object
	of           *volume
	before, goal mapping
	state        string
	begun        time.Time
	ended        *time.Time
}

// modificationItem is one modification in an answer.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VolumeModification.html
type modificationItem struct {
	VolumeID           string     `xml:"volumeId"`
	State              string     `xml:"modificationState"`
	TargetSize         int        `xml:"targetSize"`
	TargetIOPS         int        `xml:"targetIops,omitempty"`
	TargetType         string     `xml:"targetVolumeType"`
	TargetThroughput   int        `xml:"targetThroughput,omitempty"`
	OriginalSize       int        `xml:"originalSize"`
	OriginalIOPS       int        `xml:"originalIops,omitempty"`
	OriginalType       string     `xml:"originalVolumeType"`
	OriginalThroughput int        `xml:"originalThroughput,omitempty"`
	Progress           int        `xml:"progress"`
	StartTime          time.Time  `xml:"startTime"`
	EndTime            *time.Time `xml:"endTime"`
}

func (m *volumeModification) item() modificationItem {
	progress := 0
	if m.ended != nil {
		progress = 100
	}
	return modificationItem{
		VolumeID: m.of.id, State: m.state, TargetSize: m.goal.size, TargetIOPS: m.goal.iops, TargetType: m.goal.kind,
		TargetThroughput: m.goal.throughput, OriginalSize: m.before.size, OriginalIOPS: m.before.iops,
		OriginalType: m.before.kind, OriginalThroughput: m.before.throughput, Progress: progress,
		StartTime: m.begun, EndTime: m.ended,
	}
}

type modifyVolumeInput struct {
	VolumeId, VolumeType   string
	Size, Iops, Throughput *int
}

type modifyVolumeOutput struct {
	Modification modificationItem `xml:"volumeModification"`
}

// modifyVolume changes size, type or performance. A volume only grows.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVolume.html
func (r *region) modifyVolume(in *modifyVolumeInput) (*modifyVolumeOutput, *apiError) {
	found, err := r.volume(in.VolumeId)
	if err != nil {
		return nil, err
	}
	now := r.now()
	before := mapping{size: found.size, kind: found.kind, iops: found.iops, throughput: found.throughput, encrypted: found.encrypted}
	goal := before
	switch {
	case in.VolumeType == "" && in.Size == nil && in.Iops == nil && in.Throughput == nil:
		return nil, fail("InvalidParameterCombination", "No attributes specified.")
	case found.creating:
		return nil, fail("IncorrectState", "%s is not 'available'.", found.id)
	case in.Size != nil && *in.Size < found.size:
		return nil, invalid("New size cannot be smaller than existing size")
	}
	if err := found.modifiable(now); err != nil {
		return nil, err
	}
	if err := r.override(&goal, &ebsParam{
		VolumeType: in.VolumeType, VolumeSize: in.Size, Iops: in.Iops, Throughput: in.Throughput,
	}); err != nil {
		return nil, err
	}
	modified := &volumeModification{
		object: object{id: found.id, seq: found.seq, tags: tagMap{}},
		of:     found, before: before, goal: goal, state: "modifying", begun: now,
	}
	found.modifications = append(found.modifications, modified)
	r.lab.agenda.add(now, func(at time.Time) {
		found.size, found.kind, found.iops, found.throughput = goal.size, goal.kind, goal.iops, goal.throughput
		modified.state, modified.ended = "completed", &at
	})
	return &modifyVolumeOutput{Modification: modified.item()}, nil
}

// modifiable refuses while a modification is under way, and too many of them.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVolume.html
func (v *volume) modifiable(now time.Time) *apiError {
	recent := 0
	for _, m := range v.modifications {
		if m.ended == nil {
			return fail("IncorrectModificationState", "The volume '%s' is being modified already.", v.id)
		}
		if now.Before(m.begun.Add(modificationWindow)) {
			recent++
		}
	}
	if recent < maxModifications {
		return nil
	}
	next := v.modifications[len(v.modifications)-maxModifications].begun.Add(modificationWindow)
	return fail("VolumeModificationRateExceeded", "You've reached the maximum modification rate per volume limit. "+
		"The next modification of '%s' is possible at %s.", v.id, next.Format(timeForm))
}

type describeModificationsInput struct {
	VolumeId                []string
	IncludeManagedResources *bool
	Filter                  []filterParam
	pageParams
}

type describeModificationsOutput struct {
	Modifications []modificationItem `xml:"volumeModificationSet"`
	NextToken     string             `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVolumesModifications.html
var modificationFilters = filterable[*volumeModification]{
	"volume-id":            one(func(m *volumeModification) string { return m.of.id }),
	"modification-state":   one(func(m *volumeModification) string { return m.state }),
	"original-size":        one(func(m *volumeModification) string { return strconv.Itoa(m.before.size) }),
	"original-volume-type": one(func(m *volumeModification) string { return m.before.kind }),
	"target-size":          one(func(m *volumeModification) string { return strconv.Itoa(m.goal.size) }),
	"target-volume-type":   one(func(m *volumeModification) string { return m.goal.kind }),
	"start-time":           one(func(m *volumeModification) string { return m.begun.Format(timeForm) }),
}

// describeModifications tells of the latest modification of each volume.
func (r *region) describeModifications(in *describeModificationsInput) (*describeModificationsOutput, *apiError) {
	if err := checkIDs(in.VolumeId, "vol", malformedVolume); err != nil {
		return nil, err
	}
	modifications := table[*volumeModification]{}
	for _, v := range r.volumes.all() {
		if count := len(v.modifications); count > 0 {
			modifications.put(v.modifications[count-1])
		}
	}
	absent := func(ids []string) *apiError {
		if r.volumes.get(ids[0]) != nil {
			return fail("InvalidVolumeModification.NotFound", "Modification for volume '%s' does not exist.", ids[0])
		}
		return noVolume(ids)
	}
	found, next, err := list(&modifications, listing[*volumeModification]{
		ids: in.VolumeId, absent: absent, filters: in.Filter, fields: modificationFilters,
		page: in.pageParams, limits: pageLimits{least: 1, most: 500, capped: true},
	})
	if err != nil {
		return nil, err
	}
	out := &describeModificationsOutput{NextToken: next}
	for _, m := range found {
		out.Modifications = append(out.Modifications, m.item())
	}
	return out, nil
}
