package image

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// stagedFor is how long the URL of a staged script is good: for a boot, not for a bake.
// The script keeps itself on the builder's disk.
const stagedFor = time.Hour

var notInKeys = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// stagingPrefix begins the keys of all that an owner stages, so that it is found again
// after a crash, and is known as his.
func stagingPrefix(owner ownership.Owner) string {
	return fmt.Sprintf("stamp/%s-%s/", notInKeys.ReplaceAllString(owner.Name, "_"), owner.ID)
}

// stagingBucket is the bucket, of the line's own account: one that was deleted, and that a
// stranger has made anew, gets nothing.
func stagingBucket(name string, owner ownership.Owner) cloud.Bucket {
	return cloud.Bucket{Name: name, Owner: owner.Account}
}

// stage puts a script into the staging bucket, and returns the small script that fetches
// it. The key is derived, so that doing it again replaces what is there.
func (r *run) stage(ctx context.Context, job job, script []byte, remote bool) (loader []byte, err error) {
	staged, err := guest.Stage(script)
	if err != nil {
		return nil, err
	}
	bucket, key := stagingBucket(r.spec.Bake.StagingBucket, r.owner), stagingPrefix(r.owner)+job.role+"-"+staged.SHA256[:32]
	metadata := map[string]string{"stamp-managed-by": cloud.ManagedBy, "stamp-role": job.role, "stamp-fingerprint": r.plan.Fingerprint}
	if err := r.aws.PutObject(ctx, cloud.Object{Bucket: bucket, Key: key, Content: staged.Content, Metadata: metadata}); err != nil {
		return nil, fmt.Errorf("staging the script at s3://%s/%s: %w", bucket.Name, key, err)
	}
	url, err := r.aws.PresignObject(ctx, bucket, key, stagedFor)
	if err != nil {
		return nil, err
	}
	r.options.Progress.Printf("the script is staged at s3://%s/%s", bucket.Name, key)
	if r.spec.windows() {
		return staged.WindowsLoader(job.nonce, url), nil
	}
	return staged.Loader(job.nonce, url, remote), nil
}

// unstage removes what this or an interrupted apply has staged.
func (r *run) unstage(ctx context.Context) {
	if err := unstage(ctx, r.aws, r.spec.Bake.StagingBucket, r.owner); err != nil {
		r.warn("What golden image "+r.spec.Name+" has staged could not be removed from "+r.spec.Bake.StagingBucket, err)
	}
}

func unstage(ctx context.Context, aws AWS, name string, owner ownership.Owner) error {
	if name == "" {
		return nil
	}
	bucket := stagingBucket(name, owner)
	keys, err := aws.ObjectKeys(ctx, bucket, stagingPrefix(owner))
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := aws.DeleteObject(ctx, bucket, key); err != nil {
			return err
		}
	}
	return nil
}
