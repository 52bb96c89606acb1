package image

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// bake returns the stopped builder on which all steps, checks and the clean-up
// have succeeded, and what it was that its clones must not be.
func (r *run) bake(ctx context.Context, source cloud.Image) (cloud.Instance, guest.Identity, error) {
	defer r.phases.during("bake")()
	job := r.spec.builderJob(r.plan.Fingerprint)
	builder, err := r.builder(ctx, source, job)
	if err != nil {
		return builder, nil, r.failure("was not baked", r.region(), err, r.untouched(), nextAfterLaunch(err))
	}
	result, err := r.carrier().follow(ctx, builder, job)
	if err == nil && result.Failure != nil {
		err = result.Failure
	}
	if err != nil {
		return builder, nil, r.abandon(ctx, builder, "was not baked", err)
	}
	return builder, result.Identity, nil
}

// builder launches the builder, or takes up the one that an interrupted run has
// left.
func (r *run) builder(ctx context.Context, source cloud.Image, job job) (cloud.Instance, error) {
	for _, left := range r.line.Builders {
		if left.Live() && left.ImageID == source.ID && r.leftBySame(left) && left.Tags[cloud.TagFingerprint] == r.plan.Fingerprint {
			r.options.Progress.Printf("found builder %s, left by an interrupted run: going on from there", left.ID)
			return left, nil
		}
	}
	userData, err := r.carrier().board(ctx, job)
	if err != nil {
		return cloud.Instance{}, err
	}
	builder, err := r.launchTemporary(ctx, source.Architecture, r.spec.Bake.InstanceTypes, cloud.Launch{
		ImageID:         source.ID,
		InstanceProfile: r.spec.Bake.InstanceProfile,
		KeyName:         r.spec.Bake.KeyName,
		UserData:        userData,
		Volumes:         r.builderVolumes(source),
		Tags:            r.temporaryTags(cloud.RoleBuilder),
	})
	if err == nil {
		r.options.Progress.Printf("builder %s (%s) launched from %s", builder.ID, builder.Type, source.ID)
	}
	return builder, err
}

// leftBySame reports whether a temporary instance was begun for these very checks and
// by this transport; then what it does is what is wanted.
func (r *run) leftBySame(left cloud.Instance) bool {
	return left.Tags[cloud.TagChecks] == r.spec.ChecksDigest() && left.Tags[cloud.TagTransport] == r.spec.transportTag()
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
			volume = further[at] // before Delete moves what comes after it
			further = slices.Delete(further, at, at+1)
		}
		root := mapping.DeviceName == source.RootDeviceName
		if !root && mapping.SnapshotID == "" && volume.Size == 0 {
			if mapping.Size == 0 {
				continue // an instance's own disk, not a volume
			}
			volume = blank(volume, mapping)
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

// blank is a volume that the source makes of nothing: no snapshot says its size. The types
// that need more than a size are left to EC2.
func blank(volume cloud.Volume, mapping cloud.ImageVolume) cloud.Volume {
	volume.Size = mapping.Size
	if volume.Type == "" && !strings.HasPrefix(mapping.Type, "io") {
		volume.Type = mapping.Type
	}
	return volume
}

// temporaryTags are those of builders and proofs.
func (r *run) temporaryTags(role string) cloud.Tags {
	tags := cloud.Tags{"Name": r.spec.Name + " " + role}.With(r.spec.Tags).With(r.spec.Bake.Tags).With(r.owner.Tags())
	tags[cloud.TagRole] = role
	tags[cloud.TagFingerprint] = r.plan.Fingerprint
	tags[cloud.TagChecks] = r.spec.ChecksDigest()
	if transport := r.spec.transportTag(); transport != "" {
		tags[cloud.TagTransport] = transport
	}
	return tags
}

// abandon ends a builder whose run has failed, or keeps it to be looked at. When the
// user has stopped the apply it is left: it goes on by itself, and the next apply takes
// it up.
func (r *run) abandon(ctx context.Context, builder cloud.Instance, what string, cause error) error {
	subject := fmt.Sprintf("builder %s (%s)", builder.ID, r.aws.Name())
	if failed, ok := errors.AsType[*guest.Failure](cause); ok {
		subject += fmt.Sprintf(", %s %q", failed.Phase, failed.Name)
	}
	if interrupted(ctx) {
		return r.failure(what, subject, cause,
			r.untouched()+"; the builder is left"+r.leftTo(),
			r.goOn())
	}
	after, cancel := afterwards(ctx)
	defer cancel()
	if r.spec.KeepFailed {
		if kept := r.keep(after, builder, cause); kept.err == nil {
			return r.failure(what, subject, cause, r.untouched()+"; "+kept.now, kept.next)
		}
	}
	if ended, ok := errors.AsType[*cloud.StateError](cause); ok && ended.State == cloud.InstanceTerminated {
		r.begun.Store(false)
		return r.failure(what, subject, cause, r.untouched()+"; the builder is gone", nextAfter(cause))
	}
	r.options.Progress.Printf("terminating builder %s", builder.ID)
	if err := r.aws.TerminateInstances(after, []string{builder.ID}); err != nil {
		return r.failure(what, subject, cause, r.untouched()+"; the builder could not be terminated: "+err.Error(),
			"correct the cause and run terraform apply again: it terminates the builder too")
	}
	r.begun.Store(cloud.ClassOf(cause) == cloud.Unclear)
	return r.failure(what, subject, cause, r.untouched()+"; the builder was terminated", nextAfter(cause))
}

// leftTo says what becomes of a builder that is left.
func (r *run) leftTo() string {
	if r.spec.Bake.Transport == TransportSSM {
		return " as it is, and goes on with the step that it is at"
	}
	return " running and stops by itself when its work is done"
}

// nextAfter says what to do about a failure.
func nextAfter(cause error) string {
	const again = " and run terraform apply again"
	if failed, ok := errors.AsType[*guest.Failure](cause); ok {
		return nextAfterGuest(failed) + again
	}
	if ended, ok := errors.AsType[*cloud.StateError](cause); ok {
		return nextAfterEnd(ended.Reason) + again
	}
	if away, ok := errors.AsType[*agentError](cause); ok && away.only {
		return "correct what keeps the agent away" + again
	}
	switch {
	case errorIs[*agentError](cause):
		return "correct what keeps the agent away, or use the transport \"user_data\"," + again
	case errorIs[*silent](cause):
		return "take a source image that runs user data, or the transport \"ssm\"," + again
	case errorIs[*cutShort](cause):
		return "see that no step switches the machine off (a step with reboot = true restarts it)," + again
	case errorIs[*cloud.TimeoutError](cause):
		return "raise the timeout in timeouts, or make the steps shorter," + again
	case errorIs[*cloud.Error](cause):
		return nextAfterLaunch(cause)
	default:
		return "correct the cause" + again
	}
}

func nextAfterGuest(failed *guest.Failure) string {
	switch failed.Phase {
	case guest.PhaseIdentity:
		return "leave it to bake.clean_up to remove it, and see that nothing in the image keeps the next boot from making it anew,"
	case guest.PhaseStaging:
		return "see that the builder reaches S3 (a NAT gateway, a public address or an endpoint) and that bake.staging_bucket is in the line's region,"
	default:
		return "correct it in the configuration"
	}
}

// nextAfterEnd reads the reasons that EC2 gives for ending an instance at once.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html
func nextAfterEnd(reason string) string {
	switch {
	case strings.Contains(reason, "Client.InstanceInitiatedShutdown"):
		return "see that no step switches the machine off (a step with reboot = true restarts it),"
	case strings.Contains(reason, "Client.InternalError"), strings.Contains(reason, "InvalidKMSKey"):
		return "see that whoever runs Terraform may use the KMS key that the volumes are encrypted with, which this mostly means,"
	case strings.Contains(reason, "VolumeLimitExceeded"):
		return "ask for a higher quota of EBS storage, or remove volumes,"
	default:
		return "correct the cause"
	}
}

func errorIs[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
