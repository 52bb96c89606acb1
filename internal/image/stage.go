package image

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
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
// it.
func (r *run) stage(ctx context.Context, job job, script []byte, remote bool) (loader []byte, err error) {
	staged, err := guest.Stage(script)
	if err != nil {
		return nil, err
	}
	url, err := r.put(ctx, job, "the script", staged.SHA256, bytes.NewReader(staged.Content))
	if err != nil {
		return nil, err
	}
	if r.spec.windows() {
		return staged.WindowsLoader(job.nonce, url), nil
	}
	return staged.Loader(job.nonce, url, remote), nil
}

// put puts something into the staging bucket, and returns the URL by which it is fetched. The
// key is derived, so that doing it again replaces what is there.
func (r *run) put(ctx context.Context, job job, what, sum string, content io.ReadSeeker) (url string, err error) {
	bucket, key := stagingBucket(r.spec.Bake.StagingBucket, r.owner), stagingPrefix(r.owner)+job.role+"-"+sum[:32]
	metadata := map[string]string{"stamp-managed-by": cloud.ManagedBy, "stamp-role": job.role, "stamp-fingerprint": r.plan.Fingerprint}
	if err := r.aws.PutObject(ctx, cloud.Object{Bucket: bucket, Key: key, Content: content, Metadata: metadata}); err != nil {
		return "", fmt.Errorf("staging %s at s3://%s/%s: %w", what, bucket.Name, key, err)
	}
	if url, err = r.aws.PresignObject(ctx, bucket, key, stagedFor); err != nil {
		return "", err
	}
	r.options.Progress.Printf("%s is staged at s3://%s/%s", what, bucket.Name, key)
	return url, nil
}

// deliver puts the files of an upload into the staging bucket. They are packed into a file,
// and not in memory: S3 wants to know beforehand how much comes, and a request may have to be
// repeated.
func (r *run) deliver(ctx context.Context, job job, step string, upload *guest.Upload) (guest.Parcel, error) {
	file, err := os.CreateTemp("", "stamp-upload-*")
	if err != nil {
		return guest.Parcel{}, fmt.Errorf("packing the files of step %q: %w", step, err)
	}
	defer func() {
		_ = file.Close()
		_ = os.Remove(file.Name())
	}()
	hash := sha256.New()
	if err := upload.Pack(io.MultiWriter(hash, file)); err != nil {
		return guest.Parcel{}, fmt.Errorf("packing the files of step %q: %w", step, err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return guest.Parcel{}, err
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	url, err := r.put(ctx, job, fmt.Sprintf("the upload of step %q", step), sum, file)
	return guest.Parcel{URL: url, SHA256: sum}, err
}

// delivered is a bake whose large uploads are in the staging bucket.
func (r *run) delivered(ctx context.Context, job job) (work, error) {
	bake, ok := job.work.(guest.Bake)
	if !ok || !bake.Apart {
		return job.work, nil
	}
	bake.Steps = slices.Clone(bake.Steps)
	for i, step := range bake.Steps {
		if step.Upload == nil || !step.Upload.Bulky() {
			continue
		}
		parcel, err := r.deliver(ctx, job, step.Name, step.Upload)
		if err != nil {
			return nil, err
		}
		upload := *step.Upload
		upload.Parcel = &parcel
		bake.Steps[i].Upload = &upload
	}
	return bake, nil
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
