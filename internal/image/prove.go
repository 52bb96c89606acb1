package image

import (
	"context"
	"fmt"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// prove runs the checks on a fresh instance of the version. A candidate that fails
// is removed; a version that was handed out before stays as it is.
func (r *run) prove(ctx context.Context, version Version) error {
	fail := func(subject string, cause error) error {
		if version.PromotedAt.IsZero() {
			return r.reject(ctx, version, "was not verified", subject, cause)
		}
		after, cancel := afterwards(ctx)
		defer cancel()
		now := r.untouched()
		if err := r.endTemporary(after, cloud.RoleProof); err != nil {
			now += "; the proof could not be terminated: " + err.Error()
		}
		return r.failure("was not verified", subject, cause, now, r.nextAfter(cause))
	}
	subject := fmt.Sprintf("a fresh instance of version %d, %s (%s)", version.Number, version.ImageID, r.aws.Name())
	proof, err := r.proof(ctx, version)
	if err != nil {
		return fail(subject, err)
	}
	subject = fmt.Sprintf("proof %s of version %d, %s (%s)", proof.ID, version.Number, version.ImageID, r.aws.Name())
	console := consoleOf{r: r, instance: proof, marker: nonce(version.Fingerprint, r.spec.ChecksDigest(), cloud.RoleProof)}
	result, err := console.wait(ctx)
	switch {
	case err != nil:
		return fail(subject, err)
	case result.Failure != nil:
		return fail(fmt.Sprintf("%s, %s %q", subject, result.Failure.Phase, result.Failure.Name), result.Failure)
	}
	if err := r.endAll(ctx, []string{proof.ID}); err != nil {
		r.warn(fmt.Sprintf("Proof %s of golden image %s could not be terminated", proof.ID, r.spec.Name), err)
	}
	return nil
}

// proof launches the proof, or takes up the one that an interrupted run has left.
func (r *run) proof(ctx context.Context, version Version) (cloud.Instance, error) {
	for _, left := range r.line.Proofs {
		same := left.ImageID == version.ImageID && left.Tags[cloud.TagChecks] == r.spec.ChecksDigest()
		if left.Live() && same {
			r.options.Progress.Printf("found proof %s, left by an interrupted run: going on from there", left.ID)
			return left, nil
		}
	}
	userData, err := r.spec.ProofUserData(version.Fingerprint)
	if err != nil {
		return cloud.Instance{}, err
	}
	proof, err := r.launchTemporary(ctx, version.Architecture, cloud.Launch{
		ImageID:         version.ImageID,
		InstanceProfile: r.spec.Bake.InstanceProfile,
		UserData:        userData,
		Tags:            r.temporaryTags(cloud.RoleProof),
	})
	if err == nil {
		r.options.Progress.Printf("proof %s launched from %s", proof.ID, version.ImageID)
	}
	return proof, err
}
