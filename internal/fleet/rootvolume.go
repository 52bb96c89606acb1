package fleet

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// renewDisks gives instances a new root volume of the spec's image. Each keeps its id,
// its addresses and its other volumes, and boots anew.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/replace-root.html
func (r *run) renewDisks(ctx context.Context, changes []Change) ([]Member, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	members := oldOf(changes)
	if err := r.drain(ctx, members); err != nil {
		return nil, err
	}
	if err := r.beginRenewal(ctx, members); err != nil {
		return nil, err
	}
	if err := r.replaceRoots(ctx, members); err != nil {
		return nil, err
	}
	err := r.aws.CreateTags(ctx, idsOf(members), cloud.Tags{
		cloud.TagRootImage: r.spec.ImageID, cloud.TagGeneration: strconv.Itoa(r.plan.NextGeneration),
	})
	if err == nil {
		err = r.waitTagged(ctx, idsOf(members), cloud.TagRootImage, r.spec.ImageID)
	}
	if err != nil {
		return nil, err
	}
	now := time.Now()
	for i := range members {
		members[i].since, members[i].ImageID, members[i].Generation = now, r.spec.ImageID, r.plan.NextGeneration
	}
	return members, nil
}

// beginRenewal writes down what is to happen. The tags are the journal: only they say which
// image a volume is of. Interrupted, the instance is of no image, and whatever is wanted
// next replaces its volume. The image of its launch is kept, since its seal is over that.
func (r *run) beginRenewal(ctx context.Context, members []Member) error {
	byImage := map[string][]string{}
	for _, member := range members {
		image := cmp.Or(member.Instance.Tags[cloud.TagLaunchImage], member.Instance.ImageID)
		byImage[image] = append(byImage[image], member.Instance.ID)
	}
	for _, image := range slices.Sorted(maps.Keys(byImage)) {
		tags := cloud.Tags{cloud.TagRootImage: unfinished, cloud.TagLaunchImage: image}
		if err := r.aws.CreateTags(ctx, byImage[image], tags); err != nil {
			return err
		}
	}
	return nil
}

// unfinished is the image of a root volume whose replacement has begun.
const unfinished = "unfinished"

// replaceRoots starts a task for each instance and waits for all of them. A task that
// fails leaves the original volume.
func (r *run) replaceRoots(ctx context.Context, members []Member) error {
	r.options.Progress.Printf("replacing the root volumes of %s", memberRange(members))
	tasks := map[string]string{}
	for _, member := range members {
		id := member.Instance.ID
		token := cloud.Token("root", r.owner.ID, r.aws.Name(), id, r.spec.ImageID, strconv.Itoa(r.plan.NextGeneration))
		task, err := r.aws.ReplaceRootVolume(ctx, id, r.spec.ImageID, token, r.owner.Tags())
		if err != nil {
			return fmt.Errorf("the root volume of %s (slot %d): %w", id, member.Slot, err)
		}
		tasks[task.ID] = id
	}
	done := 0
	_, err := cloud.Poll[int]{
		What: fmt.Sprintf("the root volumes of %s (%s) to be replaced", instances(len(members)), r.aws.Name()),
		Read: func(ctx context.Context) (int, string, string, error) {
			found, err := r.aws.RootVolumeTasks(ctx, slices.Sorted(maps.Keys(tasks)))
			if err != nil {
				return 0, "", "", err
			}
			var state, reason string
			done, state, reason = tally(found, len(tasks))
			return done, state, reason, nil
		},
		Pending: []string{"in progress"},
		Target:  []string{"replaced"},
		Failed:  []string{"failed"},

		Progress: r.options.Progress, Far: func() string { return fmt.Sprintf("%d of %d replaced", done, len(tasks)) },
	}.Wait(ctx)
	return err
}

// tally sums up tasks.
func tally(tasks []cloud.RootVolumeTask, all int) (done int, state, reason string) {
	var failed []string
	for _, task := range tasks {
		switch task.State {
		case "succeeded":
			done++
		case "failing", "failed", "failing-detached", "failed-detached":
			failed = append(failed, fmt.Sprintf("task %s of %s is %s", task.ID, task.InstanceID, task.State))
		}
	}
	switch {
	case len(failed) > 0:
		return done, "failed", strings.Join(failed, "; ")
	case done < all:
		return done, "in progress", ""
	}
	return done, "replaced", ""
}
