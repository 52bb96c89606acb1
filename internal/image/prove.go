package image

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// proofFailure is why a version is not proved.
type proofFailure struct {
	subject string
	// proof is nil when none was launched.
	proof *cloud.Instance
	err   error
}

// Error is the reason alone.
func (f *proofFailure) Error() string { return f.err.Error() }

// Unwrap returns the reason.
func (f *proofFailure) Unwrap() error { return f.err }

// prove runs the checks on fresh instances of the version: on one, or on one of each type
// that is asked for. A candidate that fails is removed; a version that was handed out
// before stays as it is.
func (r *run) prove(ctx context.Context, version Version) error {
	defer r.phases.during("proof")()
	var proofs endList
	r.spec.Platform = version.Platform
	group, groupCtx := errgroup.WithContext(ctx)
	for _, types := range r.spec.proofTypes() {
		group.Go(func() error { return r.proveOn(groupCtx, version, types, &proofs) })
	}
	err := group.Wait()
	if failed, ok := errors.AsType[*proofFailure](err); ok {
		return r.unproved(ctx, version, failed)
	}
	if err := r.endAll(ctx, proofs.ids); err != nil {
		r.warn("A test instance of golden image "+r.spec.Name+" could not be terminated", err)
	}
	return nil
}

// proofTypes are the lists of types, each in order of preference, that a proof runs on.
func (s Spec) proofTypes() [][]string {
	if len(s.Verify.InstanceTypes) == 0 {
		return [][]string{s.Bake.InstanceTypes}
	}
	var lists [][]string
	for _, each := range s.Verify.InstanceTypes {
		lists = append(lists, []string{each})
	}
	return lists
}

// endList collects what is to be ended later.
type endList struct {
	mu  sync.Mutex
	ids []string
}

func (l *endList) add(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ids = append(l.ids, id)
}

// proveOn runs the checks on one fresh instance.
func (r *run) proveOn(ctx context.Context, version Version, types []string, proofs *endList) error {
	job := r.spec.proofJob(version.Fingerprint, guest.ParseIdentity(version.Tags[cloud.TagIdentity]))
	subject := fmt.Sprintf("a fresh instance of version %d, %s (%s)", version.Number, version.ImageID, r.aws.Name())
	proof, err := r.proof(ctx, version, types, job)
	if err != nil {
		return &proofFailure{subject: subject, err: err}
	}
	proofs.add(proof.ID)
	subject = fmt.Sprintf("test instance %s (%s) of version %d, %s (%s)", proof.ID, proof.Type, version.Number, version.ImageID, r.aws.Name())
	result, err := r.carrier().follow(ctx, proof, job)
	switch {
	case err != nil:
		return &proofFailure{subject, &proof, err}
	case result.Failure != nil:
		return &proofFailure{fmt.Sprintf("%s, %s %q", subject, result.Failure.Phase, result.Failure.Name), &proof, result.Failure}
	}
	return nil
}

// unproved ends the proofs and, unless the version was handed out before, removes it.
func (r *run) unproved(ctx context.Context, version Version, failed *proofFailure) error {
	var left kept
	after, cancel := afterwards(ctx)
	defer cancel()
	if r.spec.KeepFailed && failed.proof != nil && !interrupted(ctx) {
		left = r.keep(after, *failed.proof, failed.err)
	}
	var err error
	if version.PromotedAt.IsZero() {
		err = r.reject(ctx, version, "was not verified", failed.subject, failed.err)
	} else {
		now := r.untouched()
		if err := r.endTemporary(after, cloud.RoleProof); err != nil {
			now += "; a test instance could not be terminated: " + err.Error()
		}
		err = r.failure("was not verified", failed.subject, failed.err, now, nextAfter(failed.err))
	}
	if failure, ok := asFailure(err); ok && left.next != "" {
		failure.Now += "; " + left.now
		failure.Next = left.next
	}
	return err
}

// proof launches the proof, or takes up the one that an interrupted run has left.
func (r *run) proof(ctx context.Context, version Version, types []string, job job) (cloud.Instance, error) {
	for _, left := range r.line.Proofs {
		ofType := len(r.spec.Verify.InstanceTypes) == 0 || left.Type == types[0]
		if left.Live() && ofType && left.ImageID == version.ImageID && r.leftBySame(left) {
			r.options.Progress.Printf("found test instance %s, left by an interrupted run: going on from there", left.ID)
			return left, nil
		}
	}
	userData, err := r.carrier().board(ctx, job)
	if err != nil {
		return cloud.Instance{}, err
	}
	var volumes []cloud.Volume // named, so that they end with the proof
	for _, device := range version.Kept {
		volumes = append(volumes, cloud.Volume{DeviceName: device})
	}
	proof, err := r.launchTemporary(ctx, version.Architecture, types, cloud.Launch{
		ImageID:         version.ImageID,
		InstanceProfile: r.spec.Bake.InstanceProfile,
		UserData:        userData,
		Volumes:         volumes,
		Tags:            r.temporaryTags(cloud.RoleProof),
	})
	if err == nil {
		r.options.Progress.Printf("test instance %s (%s) launched from %s", proof.ID, proof.Type, version.ImageID)
	}
	return proof, err
}
