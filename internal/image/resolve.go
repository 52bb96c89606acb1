package image

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// SourceError says that the source does not lead to an image that can be baked on.
type SourceError struct {
	// Field is the part of the source at fault: "image_id", "lookup" or
	// "ssm_parameter".
	Field  string
	Region string
	Reason string
	Err    error
}

// Error says what was looked for and what was found.
func (e *SourceError) Error() string {
	text := e.Reason
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns AWS's error, if there was one.
func (e *SourceError) Unwrap() error { return e.Err }

// ResolveSource returns the id of the AMI that the source means now.
func ResolveSource(ctx context.Context, aws AWS, source Source) (imageID string, err error) {
	switch {
	case source.ImageID != "":
		return source.ImageID, nil
	case source.SSMParameter != "":
		return resolveParameter(ctx, aws, source.SSMParameter)
	default:
		return resolveLookup(ctx, aws, *source.Lookup)
	}
}

func resolveParameter(ctx context.Context, aws AWS, name string) (string, error) {
	value, err := aws.Parameter(ctx, name)
	if err != nil {
		return "", &SourceError{
			Field: "ssm_parameter", Region: aws.Name(), Err: err,
			Reason: fmt.Sprintf("SSM parameter %s cannot be read in %s", name, aws.Name()),
		}
	}
	if !strings.HasPrefix(value, "ami-") {
		return "", &SourceError{
			Field: "ssm_parameter", Region: aws.Name(),
			Reason: fmt.Sprintf("SSM parameter %s in %s holds no AMI id (its value does not begin with \"ami-\")", name, aws.Name()),
		}
	}
	return value, nil
}

func resolveLookup(ctx context.Context, aws AWS, lookup Lookup) (string, error) {
	filters := map[string][]string{"state": {cloud.ImageAvailable}}
	if lookup.Name != "" {
		filters["name"] = []string{lookup.Name}
	}
	if lookup.Architecture != "" {
		filters["architecture"] = []string{lookup.Architecture}
	}
	for name, value := range lookup.Filters {
		filters[name] = []string{value}
	}
	images, err := aws.Images(ctx, cloud.ImageQuery{Owners: lookup.Owners, Filters: filters})
	if err != nil {
		return "", &SourceError{Field: "lookup", Region: aws.Name(), Reason: "the source cannot be looked up", Err: err}
	}
	if len(images) == 0 {
		return "", &SourceError{
			Field: "lookup", Region: aws.Name(),
			Reason: fmt.Sprintf("no available image in %s matches the lookup (owners %s; %s). One that another owner has deprecated is not found",
				aws.Name(), strings.Join(lookup.Owners, ", "), inWordsOf(filters)),
		}
	}
	newest := slices.MaxFunc(images, func(a, b cloud.Image) int {
		if order := a.CreatedAt.Compare(b.CreatedAt); order != 0 {
			return order
		}
		return strings.Compare(a.ID, b.ID)
	})
	return newest.ID, nil
}

// inWordsOf are filters as people write them.
func inWordsOf(filters map[string][]string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(filters)) {
		all = append(all, name+" "+strings.Join(filters[name], ", "))
	}
	return strings.Join(all, "; ")
}

// DescribeSource returns the image to bake on, or a *SourceError when it cannot be.
func DescribeSource(ctx context.Context, aws AWS, source Source, imageID string) (cloud.Image, error) {
	field := source.field()
	images, err := aws.Images(ctx, cloud.ImageQuery{IDs: []string{imageID}})
	if err != nil && cloud.ClassOf(err) != cloud.NotFound {
		return cloud.Image{}, &SourceError{Field: field, Region: aws.Name(), Reason: "the source image " + imageID + " cannot be read", Err: err}
	}
	if len(images) == 0 {
		return cloud.Image{}, &SourceError{
			Field: field, Region: aws.Name(), Err: err,
			Reason: fmt.Sprintf("the source image %s is not in %s, or not shared with this account", imageID, aws.Name()),
		}
	}
	if found := images[0]; found.State != cloud.ImageAvailable {
		return cloud.Image{}, &SourceError{
			Field: field, Region: aws.Name(),
			Reason: fmt.Sprintf("the source image %s is in state %s, not available; AWS says: %s", imageID, found.State, found.StateReason),
		}
	}
	return images[0], nil
}

// Equal reports whether both ask for the same.
func (s Source) Equal(other Source) bool {
	a, b := s.Lookup, other.Lookup
	if a == nil || b == nil {
		return a == b && s == other
	}
	return s.ImageID == other.ImageID && s.SSMParameter == other.SSMParameter && a.Name == b.Name && a.Architecture == b.Architecture &&
		slices.Equal(a.Owners, b.Owners) && maps.Equal(a.Filters, b.Filters)
}

func (s Source) field() string {
	switch {
	case s.ImageID != "":
		return "image_id"
	case s.SSMParameter != "":
		return "ssm_parameter"
	default:
		return "lookup"
	}
}
