package lab

import (
	"cmp"
	"slices"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// rootVolumeActions replace root volumes.
var rootVolumeActions = map[string]action{
	"CreateReplaceRootVolumeTask":    of((*region).createRootTask),
	"DescribeReplaceRootVolumeTasks": of((*region).describeRootTasks),
}

// States of a replacement.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceRootVolumeTask.html
const (
	taskPending    = "pending"
	taskInProgress = "in-progress"
	taskSucceeded  = "succeeded"
	taskFailed     = "failed"
)

// rootSource is what a root volume is made from.
type rootSource struct {
	snapshotID string
	content    disk
	size       int
	encrypted  bool
	kmsKeyID   string
	// image is the instance's image from then on; nil for no change.
	image *image
	// volume is taken as it is; nil where one is made.
	volume *volume
}

func (v *volume) origin() rootSource {
	return rootSource{snapshotID: v.snapshotID, content: v.disk, encrypted: v.encrypted, kmsKeyID: v.kmsKeyID}
}

// rootTask is one replacement of a root volume.
type rootTask struct {
	object
	instance  *instance
	source    rootSource
	deleteOld bool
	state     string
	started   time.Time
	completed *time.Time
}

func (t *rootTask) over() bool { return t.state == taskSucceeded || t.state == taskFailed }

type createRootTaskInput struct {
	InstanceId, ImageId, SnapshotId, VolumeId, ClientToken string
	DeleteReplacedRootVolume                               *bool
	TagSpecification                                       []tagSpecification
}

// rootTaskItem is one replacement in an answer.
type rootTaskItem struct {
	ID         string     `xml:"replaceRootVolumeTaskId"`
	InstanceID string     `xml:"instanceId"`
	State      string     `xml:"taskState"`
	StartTime  time.Time  `xml:"startTime"`
	Completed  *time.Time `xml:"completeTime"`
	ImageID    string     `xml:"imageId,omitempty"`
	SnapshotID string     `xml:"snapshotId,omitempty"`
	DeleteOld  bool       `xml:"deleteReplacedRootVolume"`
	Tags       []tagItem  `xml:"tagSet"`
}

func (t *rootTask) item() rootTaskItem {
	item := rootTaskItem{
		ID: t.id, InstanceID: t.instance.id, State: t.state, StartTime: t.started, Completed: t.completed,
		SnapshotID: t.source.snapshotID, DeleteOld: t.deleteOld, Tags: t.seenTags().items(),
	}
	if t.source.image != nil {
		item.ImageID = t.source.image.id
	}
	return item
}

type createRootTaskOutput struct {
	Task rootTaskItem `xml:"replaceRootVolumeTask"`
}

// createRootTask gives a running instance another root volume: from an image, from a
// snapshot of its own lineage, from another volume, or as it was at launch. The
// instance reboots and keeps everything else.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/replace-root.html
func (r *region) createRootTask(in *createRootTaskInput) (*createRootTaskOutput, *apiError) {
	task, err := once(r, "CreateReplaceRootVolumeTask", in.ClientToken, in, r.beginRootTask)
	if err != nil {
		return nil, err
	}
	return &createRootTaskOutput{Task: task.item()}, nil
}

func (r *region) beginRootTask(in *createRootTaskInput) (*rootTask, *apiError) {
	of, err := r.liveOne(in.InstanceId)
	if err != nil {
		return nil, err
	}
	switch {
	case of.state != stateRunning:
		return nil, fail("IncorrectInstanceState", "The instance '%s' is not in the 'running' state.", of.id)
	case slices.ContainsFunc(r.rootTasks.all(), func(t *rootTask) bool { return t.instance == of && !t.over() }):
		return nil, fail("IncorrectState", "The root volume of the instance '%s' is being replaced already.", of.id)
	}
	source, err := r.rootSource(of, in)
	if err != nil {
		return nil, err
	}
	tags, err := specifiedTags(in.TagSpecification, "replace-root-volume-task")
	if err != nil {
		return nil, err
	}
	task := &rootTask{
		object: r.object("replacevol", tagMap{}.with(tags["replace-root-volume-task"])), instance: of, source: source,
		deleteOld: isTrue(in.DeleteReplacedRootVolume), state: taskPending, started: r.now(),
	}
	r.rootTasks.put(task)
	if !r.readable(source.snapshotID) {
		r.lab.agenda.add(r.now(), func(at time.Time) { task.end(taskFailed, at) })
		return task, nil
	}
	of.machine.replaceDisk(source.content, !task.deleteOld, func(old []guests.Layer, err error) {
		task.replaced(old, err)
	})
	return task, nil
}

// rootSource finds what the new volume is made from.
func (r *region) rootSource(of *instance, in *createRootTaskInput) (rootSource, *apiError) {
	named := 0
	for _, id := range []string{in.ImageId, in.SnapshotId, in.VolumeId} {
		if id != "" {
			named++
		}
	}
	switch {
	case named > 1:
		return rootSource{}, combination("Only one of the parameters ImageId, SnapshotId and VolumeId can be specified")
	case in.ImageId != "":
		return r.rootFromImage(of, in.ImageId)
	case in.SnapshotId != "":
		return r.rootFromSnapshot(of, in.SnapshotId)
	case in.VolumeId != "":
		return r.rootFromVolume(of, in.VolumeId)
	}
	source := of.origin
	if r.place.snapshots.get(source.snapshotID) == nil {
		return rootSource{}, noSnapshot([]string{source.snapshotID})
	}
	source.size = of.root().size
	return source, nil
}

// rootFromImage takes an image that the instance could have been launched from, with
// a root volume that is not smaller.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/replace-root.html#replace-ami
func (r *region) rootFromImage(of *instance, id string) (rootSource, *apiError) {
	from, err := r.image(id)
	switch {
	case err != nil:
		return rootSource{}, err
	case from.state != imageAvailable:
		return rootSource{}, fail("InvalidAMIID.Unavailable", "The image ID '%s' is not available", id)
	case from.architecture != of.kind.architecture:
		return rootSource{}, invalid("The architecture '%s' of the specified AMI does not match the architecture '%s' of the instance.",
			from.architecture, of.kind.architecture)
	case from.withoutENA:
		return rootSource{}, combination("The instance '%s' is enabled for ENA, the specified AMI is not.", of.id)
	case of.image.tpmSupport != "" && from.tpmSupport == "":
		return rootSource{}, combination("The instance '%s' is enabled for NitroTPM, the specified AMI is not.", of.id)
	}
	root := from.root()
	key := root.kmsKeyID
	if from.owner != r.account.id {
		key = "" // it becomes the account's own for EBS
	}
	if root.size < of.root().size {
		return rootSource{}, invalid("The root volume of the specified AMI has %d GiB, less than the %d GiB of the instance's.",
			root.size, of.root().size)
	}
	return rootSource{
		snapshotID: root.snapshotID, content: from.disk, size: root.size, encrypted: root.encrypted, kmsKeyID: key, image: from,
	}, nil
}

// rootFromSnapshot takes a snapshot of a root volume that the instance has, or had.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/replace-root.html#replace-snapshot
func (r *region) rootFromSnapshot(of *instance, id string) (rootSource, *apiError) {
	from, err := r.snapshot(id)
	switch {
	case err != nil:
		return rootSource{}, err
	case !slices.Contains(of.lineage, from.volumeID):
		return rootSource{}, invalid("The snapshot '%s' is not of a root volume of the instance '%s'", id, of.id)
	case from.state != snapshotCompleted:
		return rootSource{}, fail("IncorrectState", "Snapshot is in invalid state - %s", from.state)
	}
	return rootSource{
		snapshotID: id, content: from.disk, size: max(from.size, of.root().size), encrypted: from.encrypted, kmsKeyID: from.kmsKeyID,
	}, nil
}

// rootFromVolume takes a free volume of the zone.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateReplaceRootVolumeTask.html
func (r *region) rootFromVolume(of *instance, id string) (rootSource, *apiError) {
	from, err := r.volume(id)
	switch {
	case err != nil:
		return rootSource{}, err
	case from.state() != "available":
		return rootSource{}, fail("IncorrectState", "%s is not 'available'.", id)
	case from.zone != of.launch.subnet.zone:
		return rootSource{}, fail("InvalidVolume.ZoneMismatch", "The volume '%s' is not in the same availability zone as instance '%s'", id, of.id)
	case of.root().encrypted && !from.encrypted:
		return rootSource{}, combination("The root volume of the instance '%s' is encrypted, the volume '%s' is not.", of.id, id)
	}
	source := from.origin()
	source.size, source.volume = from.size, from
	return source, nil
}

// replaced is called once the guest has its new disk, or could not get it.
func (t *rootTask) replaced(old []guests.Layer, err error) {
	r := t.instance.region
	now := r.now()
	if err != nil || !t.instance.live() {
		t.end(taskFailed, now)
		return
	}
	t.state = taskInProgress
	t.exchange(old, now)
	r.lab.agenda.add(now.Add(r.lab.takes(toRun, t.id)), func(at time.Time) { t.end(taskSucceeded, at) })
}

func (t *rootTask) end(state string, at time.Time) { t.state, t.completed = state, &at }

// exchange puts the new volume in the place of the old one.
func (t *rootTask) exchange(layers []guests.Layer, now time.Time) {
	i := t.instance
	old := i.root()
	fresh := t.source.volume
	if fresh == nil {
		fresh = i.region.rootLike(old, t.source, now)
	}
	fresh.attached, fresh.device, fresh.attachedAt, fresh.deleteOnTermination = i, old.device, now, old.deleteOnTermination
	i.volumes[slices.Index(i.volumes, old)] = fresh
	i.lineage = append(i.lineage, fresh.id)
	if t.source.image != nil {
		i.image = t.source.image
	}
	old.attached, old.device, old.moving, old.deleteOnTermination = nil, "", "", false
	old.disk = old.disk.with(layers...)
	if t.deleteOld {
		i.region.volumes.remove(old.id)
	}
}

// rootLike makes a volume of the old one's type. It is encrypted if either is.
func (r *region) rootLike(old *volume, source rootSource, now time.Time) *volume {
	m := mapping{
		size: source.size, kind: old.kind, iops: old.iops, throughput: old.throughput, snapshotID: source.snapshotID,
		encrypted: source.encrypted || old.encrypted, kmsKeyID: cmp.Or(source.kmsKeyID, old.kmsKeyID),
	}
	if m.kind == "gp2" {
		m.iops = gp2IOPS(m.size)
	}
	fresh := &volume{
		object: r.object("vol", tagMap{}), created: now, zone: old.zone, size: m.size, iops: m.iops, throughput: m.throughput,
		kind: m.kind, snapshotID: m.snapshotID, encrypted: m.encrypted, kmsKeyID: r.kmsARN(m), disk: source.content,
	}
	r.volumes.put(fresh)
	return fresh
}

type describeRootTasksInput struct {
	ReplaceRootVolumeTaskId []string
	Filter                  []filterParam
	pageParams
}

type describeRootTasksOutput struct {
	Tasks     []rootTaskItem `xml:"replaceRootVolumeTaskSet"`
	NextToken string         `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeReplaceRootVolumeTasks.html
var rootTaskFilters = filterable[*rootTask]{
	"instance-id": one(func(t *rootTask) string { return t.instance.id }),
}

func (r *region) describeRootTasks(in *describeRootTasksInput) (*describeRootTasksOutput, *apiError) {
	if err := checkIDs(in.ReplaceRootVolumeTaskId, "replacevol", func(id string) *apiError {
		return fail("InvalidReplaceRootVolumeTaskId.Malformed", "Invalid id: \"%s\"", id)
	}); err != nil {
		return nil, err
	}
	absent := func(ids []string) *apiError {
		return fail("InvalidReplaceRootVolumeTaskId.NotFound", "The root volume replacement task '%s' does not exist", ids[0])
	}
	found, next, err := list(&r.rootTasks, listing[*rootTask]{
		ids: in.ReplaceRootVolumeTaskId, absent: absent, filters: in.Filter, fields: rootTaskFilters,
		page: in.pageParams, limits: pageLimits{least: 1, most: 1000},
	})
	if err != nil {
		return nil, err
	}
	out := &describeRootTasksOutput{NextToken: next}
	for _, t := range found {
		out.Tasks = append(out.Tasks, t.item())
	}
	return out, nil
}
