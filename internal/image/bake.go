package image

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// bake returns the stopped builder on which all steps, checks and the clean-up
// have succeeded.
func (r *run) bake(ctx context.Context, source cloud.Image) (cloud.Instance, error) {
	builder, err := r.builder(ctx, source)
	if err != nil {
		return builder, r.failure("was not baked", r.region(), err, r.untouched(),
			"check bake.instance_types and bake.subnet_ids, then run terraform apply again")
	}
	console := consoleOf{r: r, instance: builder, marker: nonce(r.plan.Fingerprint, r.spec.ChecksDigest(), cloud.RoleBuilder)}
	result, err := console.wait(ctx)
	if err != nil {
		return builder, r.abandon(ctx, builder, "was not baked", "builder", err)
	}
	if result.Failure != nil {
		return builder, r.abandon(ctx, builder, "was not baked", "builder", result.Failure)
	}
	return builder, nil
}

// builder launches the builder, or takes up the one that an interrupted run has
// left.
func (r *run) builder(ctx context.Context, source cloud.Image) (cloud.Instance, error) {
	for _, left := range r.line.Builders {
		same := left.Tags[cloud.TagFingerprint] == r.plan.Fingerprint && left.Tags[cloud.TagChecks] == r.spec.ChecksDigest()
		if left.Live() && same {
			r.options.Progress.Printf("found builder %s, left by an interrupted run: going on from there", left.ID)
			return left, nil
		}
	}
	userData, err := r.spec.BuilderUserData(r.recipe)
	if err != nil {
		return cloud.Instance{}, err
	}
	builder, err := r.launchTemporary(ctx, source.Architecture, cloud.Launch{
		ImageID:         source.ID,
		InstanceProfile: r.spec.Bake.InstanceProfile,
		UserData:        userData,
		Volumes:         r.builderVolumes(source),
		Tags:            r.temporaryTags(cloud.RoleBuilder),
	})
	if err == nil {
		r.options.Progress.Printf("builder %s launched from %s", builder.ID, source.ID)
	}
	return builder, err
}

// builderVolumes are the source's and the spec's further ones, encrypted at launch
// when the capture is to be, so that encryption costs no second copy. All but an
// unchanged root volume are named, so that they end with the builder.
func (r *run) builderVolumes(source cloud.Image) []cloud.Volume {
	further := slices.Clone(r.spec.Bake.Volumes)
	var volumes []cloud.Volume
	for _, mapping := range source.Volumes {
		volume := cloud.Volume{DeviceName: mapping.DeviceName}
		if at := slices.IndexFunc(further, func(v cloud.Volume) bool { return v.DeviceName == mapping.DeviceName }); at >= 0 {
			volume, further = further[at], slices.Delete(further, at, at+1)
		}
		root := mapping.DeviceName == source.RootDeviceName
		if !root && mapping.SnapshotID == "" && volume.Size == 0 {
			continue // an instance's own disk, not a volume
		}
		if root {
			volume = r.spec.Bake.RootVolume
			volume.DeviceName = mapping.DeviceName
		}
		if !root || r.spec.Capture.Encrypted || volume != (cloud.Volume{DeviceName: mapping.DeviceName}) {
			volumes = append(volumes, volume)
		}
	}
	volumes = append(volumes, further...)
	for i := range volumes {
		if r.spec.Capture.Encrypted {
			volumes[i].Encrypted, volumes[i].KMSKeyID = new(true), r.spec.Capture.KMSKeyID
		}
	}
	return volumes
}

// temporaryTags are those of builders and proofs.
func (r *run) temporaryTags(role string) cloud.Tags {
	tags := cloud.Tags{"Name": r.spec.Name + " " + role}.With(r.spec.Tags).With(ownership(r.spec.Name))
	tags[cloud.TagRole] = role
	tags[cloud.TagFingerprint] = r.plan.Fingerprint
	tags[cloud.TagChecks] = r.spec.ChecksDigest()
	return tags
}

// abandon ends a temporary instance whose run has failed. When the user has stopped
// the apply it is left: it goes on by itself, and the next apply takes it up.
func (r *run) abandon(ctx context.Context, instance cloud.Instance, what, role string, cause error) error {
	subject := fmt.Sprintf("%s %s (%s)", role, instance.ID, r.aws.Name())
	if failed, ok := errors.AsType[*guest.Failure](cause); ok {
		subject += fmt.Sprintf(", %s %q", failed.Phase, failed.Name)
	}
	if interrupted(ctx) {
		return r.failure(what, subject, cause,
			r.untouched()+"; the "+role+" is left running and stops by itself when its work is done",
			"run terraform apply again: it goes on from there; terraform destroy removes it")
	}
	after, cancel := afterwards(ctx)
	defer cancel()
	if err := r.aws.TerminateInstances(after, []string{instance.ID}); err != nil {
		return r.failure(what, subject, cause, r.untouched()+"; the "+role+" could not be terminated: "+err.Error(),
			"correct the cause and run terraform apply again: it terminates the "+role+" too")
	}
	return r.failure(what, subject, cause, r.untouched()+"; the "+role+" was terminated", r.nextAfter(cause))
}

func (r *run) nextAfter(cause error) string {
	switch {
	case errorIs[*guest.Failure](cause):
		return "correct it in the configuration and run terraform apply again"
	case errorIs[*cloud.TimeoutError](cause):
		return "raise the timeout in timeouts, or make the steps shorter, and run terraform apply again"
	default:
		return "correct the cause and run terraform apply again"
	}
}

func errorIs[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// consoleLag is how long after an instance has stopped its console output may still
// be on its way.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshoot-unreachable-instance.html
const consoleLag = 5 * time.Minute

// consoleEvery is the least pause between two looks at the console of an instance
// that still runs.
const consoleEvery = 20 * time.Second

// consoleOf follows a temporary instance to its end.
type consoleOf struct {
	r        *run
	instance cloud.Instance
	marker   string
	lastLook time.Time
	told     int
}

// wait returns the report of an instance that has stopped itself.
func (c *consoleOf) wait(ctx context.Context) (guest.Report, error) {
	_, err := cloud.Poll[cloud.Instance]{
		What:    fmt.Sprintf("instance %s (%s) to finish", c.instance.ID, c.r.aws.Name()),
		Read:    c.read,
		Pending: []string{cloud.InstancePending, cloud.InstanceRunning, cloud.InstanceStopping},
		Target:  []string{cloud.InstanceStopped},
		Failed:  []string{cloud.InstanceShuttingDown, cloud.InstanceTerminated},
	}.Wait(ctx)
	if err != nil {
		return guest.Report{}, c.explain(ctx, err)
	}
	limited, cancel := context.WithTimeout(ctx, consoleLag)
	defer cancel()
	result, err := cloud.Poll[guest.Report]{
		What: fmt.Sprintf("the console output of %s (%s)", c.instance.ID, c.r.aws.Name()),
		Read: func(ctx context.Context) (guest.Report, string, string, error) {
			found, err := c.look(ctx)
			if found.Done {
				return found, "complete", "", err
			}
			return found, "incomplete", "", err
		},
		Pending: []string{"incomplete"},
		Target:  []string{"complete"},
	}.Wait(limited)
	if err != nil && ctx.Err() == nil {
		return result, fmt.Errorf("the instance stopped before its work was done (%s): %w", inProgress(result), err)
	}
	return result, err
}

func (c *consoleOf) read(ctx context.Context) (cloud.Instance, string, string, error) {
	found, err := c.r.aws.Instances(ctx, cloud.InstanceQuery{
		IDs: []string{c.instance.ID}, States: append(cloud.LiveInstanceStates(), cloud.InstanceShuttingDown, cloud.InstanceTerminated),
	})
	if err != nil {
		return cloud.Instance{}, "", "", err
	}
	if len(found) == 0 {
		return cloud.Instance{}, cloud.InstancePending, "", nil
	}
	if found[0].State == cloud.InstanceRunning && time.Since(c.lastLook) >= consoleEvery {
		// The console of a running instance is for the eyes only: what it does not say
		// yet, or an error, matters to nobody.
		_, _ = c.look(ctx)
	}
	return found[0], found[0].State, found[0].StateReason, nil
}

// look reads the console and tells what has been done since the last look.
func (c *consoleOf) look(ctx context.Context) (guest.Report, error) {
	c.lastLook = time.Now()
	output, err := c.r.aws.ConsoleOutput(ctx, c.instance.ID)
	if err != nil {
		return guest.Report{}, err
	}
	found := guest.ParseConsole(c.marker, output)
	for c.told < len(found.Passed) {
		c.r.options.Progress.Printf("%s: %s done", c.instance.ID, found.Passed[c.told])
		c.told++
	}
	return found, nil
}

// explain adds to a wait that ran out of time what the instance was doing.
func (c *consoleOf) explain(ctx context.Context, err error) error {
	after, cancel := afterwards(ctx)
	defer cancel()
	found, lookErr := c.look(after)
	if lookErr != nil {
		return err
	}
	return fmt.Errorf("%w; %s", err, inProgress(found))
}

func inProgress(found guest.Report) string {
	switch {
	case !found.Started:
		return "its console shows nothing of our script: does the source image run user data at boot (cloud-init)?"
	case found.Current != "":
		return "it was at " + found.Current
	case len(found.Passed) > 0:
		return "the last thing done was " + found.Passed[len(found.Passed)-1]
	default:
		return "it had only begun"
	}
}
