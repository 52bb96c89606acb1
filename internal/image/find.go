package image

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// Query asks for a line's versions as those see them who use the image.
type Query struct {
	Name string
	// Owner is the account that the line lives in; empty is the caller's own.
	Owner string
	// Version asks for that number, deprecated or not; zero for the current one.
	Version int
}

// NotPublishedError says that a line has no version for the caller to use.
type NotPublishedError struct {
	Query
	Region string
	// Seen are the numbers that there are.
	Seen []int
	// Caller is the account that looked, where that is known.
	Caller string
}

// Error says what was looked for, what may be the reason, and who can do what about
// it.
func (e *NotPublishedError) Error() string {
	if len(e.Seen) > 0 {
		return fmt.Sprintf("golden image %s of %s has no version %d in %s; there are %v", e.Name, e.whose(), e.Version, e.Region, e.Seen)
	}
	if e.Owner == "" {
		return fmt.Sprintf("golden image %s of %s is not in %s, or it has no proved version there", e.Name, e.whose(), e.Region)
	}
	caller := "this account"
	if e.Caller != "" {
		caller = "account " + e.Caller
	}
	return fmt.Sprintf("golden image %s of %s has no version in %s that is shared with %s and not deprecated. "+
		"Its owner shares it by distribute.account_ids (or the organization's ARN) of its stamp_golden_image, and copies it to further regions by distribute.regions; "+
		"a version that is deprecated is found by its number", e.Name, e.whose(), e.Region, caller)
}

func (e *NotPublishedError) whose() string {
	if e.Owner != "" {
		return "account " + e.Owner
	}
	return "this account"
}

// Find returns the versions that the caller may use in this region, the wanted one
// first: one request. Of an own line, tags tell which version is current, in its home
// and where it is copied to. Tags of another account cannot be read; there the number
// in the image's name tells, and the highest counts as current. The error is a
// *NotPublishedError when there is nothing to use.
func Find(ctx context.Context, aws AWS, query Query) ([]Version, error) {
	owner := query.Owner
	if owner == "" {
		owner = "self"
	}
	images, err := aws.Images(ctx, cloud.ImageQuery{
		Owners:            []string{owner},
		Filters:           map[string][]string{"name": {query.Name + "-v*"}, "state": {cloud.ImageAvailable}},
		IncludeDeprecated: query.Version != 0,
	})
	if err != nil {
		return nil, err
	}
	versions, err := published(query, aws.Name(), images)
	if err != nil {
		return nil, err
	}
	at := 0
	if query.Version != 0 {
		at = slices.IndexFunc(versions, func(v Version) bool { return v.Number == query.Version })
	}
	if at < 0 || len(versions) == 0 {
		missing := &NotPublishedError{Query: query, Region: aws.Name()}
		for _, version := range versions {
			missing.Seen = append(missing.Seen, version.Number)
		}
		return nil, missing
	}
	wanted := versions[at]
	return append([]Version{wanted}, slices.Delete(versions, at, at+1)...), nil
}

// AmbiguousError says that another account shows two images as one version.
type AmbiguousError struct {
	Query
	Region string
	// Number is the version, Images the ids of what claims to be it.
	Number int
	Images []string
}

// Error names both, and says what to do.
func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("version %d of golden image %s of account %s is more than one image in %s: %s. A version is one image, so somebody in that account "+
		"has given another image its name: let its owner say which one is right, and remove the other", e.Number, e.Name, e.Owner, e.Region, strings.Join(e.Images, ", "))
}

// published are the versions among the images, the current one first. What another
// account has tagged cannot be read; tags that are there are the reader's own, and say
// nothing of the line. An own image must prove what its tags say: somebody may have copied
// it with its tags.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
func published(query Query, region string, images []cloud.Image) ([]Version, error) {
	var home, copies, foreign []Version
	for _, image := range images {
		version := versionOf(query.Name, image)
		switch role := image.Tags[cloud.TagRole]; {
		case version.Number == 0:
		case query.Owner != "" && image.Tags[cloud.TagManagedBy] == "":
			foreign = append(foreign, version)
		case version.PromotedAt.IsZero() || !proven(query.Name, region, image):
		case role == cloud.RoleCopy:
			copies = append(copies, version)
		default:
			home = append(home, version)
		}
	}
	latest := func(a, b Version) int { return b.PromotedAt.Compare(a.PromotedAt) }
	slices.SortFunc(home, latest)
	slices.SortFunc(copies, latest)
	slices.SortFunc(foreign, func(a, b Version) int { return b.Number - a.Number })
	for _, versions := range [][]Version{home, copies} {
		if len(versions) > 0 {
			return versions, nil
		}
	}
	for i := 1; i < len(foreign); i++ {
		if foreign[i].Number == foreign[i-1].Number {
			return nil, &AmbiguousError{query, region, foreign[i].Number, []string{foreign[i-1].ImageID, foreign[i].ImageID}}
		}
	}
	return foreign, nil
}

// proven reports whether an image is the line's that its tags name, whichever owner's of
// that name, seen from a region.
func proven(line, region string, image cloud.Image) bool {
	owner := ownership.Owner{Kind: ownership.Image, Name: line, Account: image.OwnerID, Region: region, ID: image.Tags[cloud.TagOwner]}
	doubt := capturedDoubt
	if image.Tags[cloud.TagRole] == cloud.RoleCopy {
		owner.Region, doubt = image.Tags[cloud.TagHome], copiedDoubt
	}
	_, why := ownerOf(owner, image.Tags, doubt(image))
	return why == "" && owner.Claimed(image.Tags)
}

// markCopies writes on the copies of the current version that they are: who uses them
// in their region finds it there.
func (r *run) markCopies(ctx context.Context) error {
	current := r.line.Current()
	for _, at := range current.places(r.aws.Name())[1:] {
		marks := cloud.Tags{}
		for _, key := range []string{cloud.TagPromotedAt, cloud.TagVerifiedAt, cloud.TagChecks} {
			if value := current.Tags[key]; at.image.Tags[key] != value {
				marks[key] = value
			}
		}
		if at.image.State != cloud.ImageAvailable || len(marks) == 0 {
			continue
		}
		aws, err := r.world().region(at.region)
		if err == nil {
			err = aws.CreateTags(ctx, []string{at.image.ID}, marks)
		}
		if err != nil {
			return r.inPlaceFailure(*current, "the promotion of "+at.String(), err)
		}
		at.image.Tags = at.image.Tags.With(marks)
		current.Copies[at.region] = at.image
	}
	return nil
}

// Exists reports whether an image is there, whatever its tags say.
func Exists(ctx context.Context, aws AWS, imageID string) (bool, error) {
	images, err := aws.Images(ctx, cloud.ImageQuery{IDs: []string{imageID}, IncludeDisabled: true})
	if err != nil && cloud.ClassOf(err) == cloud.NotFound {
		return false, nil
	}
	return len(images) > 0 && (images[0].State == cloud.ImageAvailable || images[0].State == cloud.ImageDisabled), err
}
