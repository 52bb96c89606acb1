package lab

import (
	"slices"
	"strconv"
	"time"
)

// States of a snapshot.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Snapshot.html
const (
	snapshotPending   = "pending"
	snapshotCompleted = "completed"
	snapshotError     = "error"
)

// snapshot is one EBS snapshot.
type snapshot struct {
	object
	region             *region
	owner, alias       string
	description, state string
	started, completed time.Time
	size               int
	volumeID           string
	encrypted          bool
	kmsKeyID           string
	// statusMessage is why a copy failed.
	statusMessage string
	// permissions are who else may make volumes of it.
	permissions []volumePermission
	// disk is what is on it.
	disk disk
}

func (s *snapshot) progress() string { return onOff(s.state == snapshotCompleted, "100%", "0%") }

// usedBy finds an image of the account that the snapshot belongs to.
func (r *region) usedBy(snapshotID string) *image {
	for _, i := range r.place.images.all() {
		if i.owner != r.account.id {
			continue
		}
		for _, m := range i.mappings {
			if m.snapshotID == snapshotID {
				return i
			}
		}
	}
	return nil
}

func malformedSnapshot(id string) *apiError {
	return fail("InvalidSnapshotID.Malformed", "Invalid id: \"%s\"", id)
}

// snapshot finds a snapshot that the account may use.
func (r *region) snapshot(id string) (*snapshot, *apiError) {
	if !wellFormed(id, "snap") {
		return nil, malformedSnapshot(id)
	}
	found := r.place.snapshots.get(id)
	if found == nil || found.hidden() || !found.usableBy(r.account) {
		return nil, noSnapshot([]string{id})
	}
	return found, nil
}

// ownSnapshot finds a snapshot that the account owns.
func (r *region) ownSnapshot(id string) (*snapshot, *apiError) {
	if id == "" {
		return nil, missing("SnapshotId")
	}
	if found := r.place.snapshots.get(id); found != nil && !found.hidden() && found.owner != r.account.id {
		return nil, fail("AuthFailure", "Not authorized for snapshot:%s", id)
	}
	return r.snapshot(id)
}

func noSnapshot(ids []string) *apiError {
	return fail("InvalidSnapshot.NotFound", "The snapshot '%s' does not exist.", ids[0])
}

type describeSnapshotsInput struct {
	SnapshotId, Owner, RestorableBy []string
	Filter                          []filterParam
	pageParams
}

type snapshotItem struct {
	ID             string     `xml:"snapshotId"`
	VolumeID       string     `xml:"volumeId"`
	Status         string     `xml:"status"`
	StatusMessage  string     `xml:"statusMessage,omitempty"`
	StartTime      time.Time  `xml:"startTime"`
	CompletionTime *time.Time `xml:"completionTime"`
	Progress       string     `xml:"progress"`
	OwnerID        string     `xml:"ownerId"`
	OwnerAlias     string     `xml:"ownerAlias,omitempty"`
	Size           int        `xml:"volumeSize"`
	Description    string     `xml:"description"`
	Encrypted      bool       `xml:"encrypted"`
	KMSKeyID       string     `xml:"kmsKeyId,omitempty"`
	Tier           string     `xml:"storageTier"`
	Tags           []tagItem  `xml:"tagSet,omitempty"`
}

type describeSnapshotsOutput struct {
	Snapshots []snapshotItem `xml:"snapshotSet"`
	NextToken string         `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshots.html
var snapshotFilters = filterable[*snapshot]{
	"snapshot-id":  one(func(s *snapshot) string { return s.id }),
	"volume-id":    one(func(s *snapshot) string { return s.volumeID }),
	"volume-size":  one(func(s *snapshot) string { return strconv.Itoa(s.size) }),
	"status":       one(func(s *snapshot) string { return s.state }),
	"description":  one(func(s *snapshot) string { return s.description }),
	"owner-id":     one(func(s *snapshot) string { return s.owner }),
	"owner-alias":  one(func(s *snapshot) string { return s.alias }),
	"encrypted":    one(func(s *snapshot) string { return strconv.FormatBool(s.encrypted) }),
	"progress":     one((*snapshot).progress),
	"storage-tier": one(func(*snapshot) string { return "standard" }),
	"start-time":   one(func(s *snapshot) string { return s.started.Format(timeForm) }),
}

// describeSnapshots leaves out, without a word, what is there but not for the caller.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSnapshots.html
func (r *region) describeSnapshots(in *describeSnapshotsInput) (*describeSnapshotsOutput, *apiError) {
	if len(in.SnapshotId) > 0 && in.MaxResults != nil {
		return nil, combination("The parameter snapshotSet cannot be used with the parameter maxResults")
	}
	if err := checkIDs(in.SnapshotId, "snap", malformedSnapshot); err != nil {
		return nil, err
	}
	found, next, err := list(&r.place.snapshots, listing[*snapshot]{
		ids: in.SnapshotId, absent: noSnapshot, filters: in.Filter, fields: snapshotFilters,
		owner: func(s *snapshot) string { return s.owner }, by: r.account,
		also: func(s *snapshot) bool {
			return s.usableBy(r.account) && ownedBy(in.Owner, s.owner, s.alias, r.account) && s.restorableBy(in.RestorableBy, r.account)
		},
		page: in.pageParams, limits: pageLimits{least: 5, most: 1000, capped: true},
	})
	if err != nil {
		return nil, err
	}
	out := &describeSnapshotsOutput{NextToken: next}
	for _, s := range found {
		out.Snapshots = append(out.Snapshots, s.item(r.account))
	}
	return out, nil
}

// restorableBy matches the RestorableBy parameter: "all" means the public snapshots,
// "self" and account ids their own and those that are shared with them.
func (s *snapshot) restorableBy(users []string, self *account) bool {
	return len(users) == 0 || slices.ContainsFunc(users, func(user string) bool {
		if user == "all" {
			return s.public()
		}
		if user == "self" {
			user = self.id
		}
		return s.owner == user || slices.Contains(s.permissions, volumePermission{UserId: user})
	})
}

func (s *snapshot) item(seenBy *account) snapshotItem {
	item := snapshotItem{
		ID: s.id, VolumeID: s.volumeID, Status: s.state, StartTime: s.started, Progress: s.progress(), OwnerID: s.owner,
		OwnerAlias: s.alias, Size: s.size, Description: s.description, Encrypted: s.encrypted, KMSKeyID: s.kmsKeyID,
		Tier: "standard", StatusMessage: s.statusMessage,
	}
	if s.owner == seenBy.id {
		item.Tags = s.seenTags().items()
	}
	if !s.completed.IsZero() {
		item.CompletionTime = &s.completed
	}
	return item
}

type deleteSnapshotInput struct{ SnapshotId string }

// deleteSnapshot refuses while an image uses the snapshot.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSnapshot.html
func (r *region) deleteSnapshot(in *deleteSnapshotInput) (*success, *apiError) {
	found, err := r.ownSnapshot(in.SnapshotId)
	if err != nil {
		return nil, err
	}
	if user := r.usedBy(found.id); user != nil {
		return nil, fail("InvalidSnapshot.InUse", "The snapshot %s is currently in use by %s", found.id, user.id)
	}
	r.place.snapshots.remove(found.id)
	return &success{Return: true}, nil
}
