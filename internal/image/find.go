package image

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
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
	versions := published(query.Name, images, query.Owner)
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

// published are the versions among the images, the current one first. What another
// account has tagged cannot be read; tags that are there are the reader's own, and say
// nothing of the line.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
func published(name string, images []cloud.Image, owner string) []Version {
	named := regexp.MustCompile(`^` + regexp.QuoteMeta(name) + `-v([0-9]+)-[0-9a-f]{8}$`)
	var home, copies, foreign []Version
	for _, image := range images {
		parts := named.FindStringSubmatch(image.Name)
		if parts == nil {
			continue
		}
		version := versionOf(image)
		owned := image.Tags[cloud.TagManagedBy] == cloud.ManagedBy && image.Tags[cloud.TagImage] == name
		switch {
		case owner != "" && image.Tags[cloud.TagManagedBy] == "":
			// The number has ten digits at most; one that does not fit reads as the largest.
			version.Number, _ = strconv.Atoi(parts[1])
			foreign = append(foreign, version)
		case !owned || version.PromotedAt.IsZero():
		case image.Tags[cloud.TagRole] == cloud.RoleCopy:
			copies = append(copies, version)
		default:
			home = append(home, version)
		}
	}
	latest := func(a, b Version) int { return b.PromotedAt.Compare(a.PromotedAt) }
	slices.SortFunc(home, latest)
	slices.SortFunc(copies, latest)
	slices.SortFunc(foreign, func(a, b Version) int { return b.Number - a.Number })
	for _, versions := range [][]Version{home, copies, foreign} {
		if len(versions) > 0 {
			return versions
		}
	}
	return nil
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
	images, err := aws.Images(ctx, cloud.ImageQuery{IDs: []string{imageID}})
	if err != nil && cloud.ClassOf(err) == cloud.NotFound {
		return false, nil
	}
	return len(images) > 0 && images[0].State == cloud.ImageAvailable, err
}

// IsHome reports whether the version was made in the region that it was found in.
func (v Version) IsHome() bool { return v.Tags[cloud.TagRole] == cloud.RoleVersion }
