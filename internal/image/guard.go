package image

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// unused leaves out the versions that something refers to, in any region that they
// are in, and warns of them. why says what made them candidates for removal.
func (r *run) unused(ctx context.Context, versions []Version, why string) ([]Version, error) {
	inRegion := map[string][]string{}
	for _, version := range versions {
		for _, at := range version.places(r.aws.Name()) {
			inRegion[at.region] = append(inRegion[at.region], at.image.ID)
		}
	}
	users, unasked := map[string][]string{}, map[string]error{}
	for _, region := range slices.Sorted(maps.Keys(inRegion)) {
		aws, err := r.world().region(region)
		if err != nil {
			return nil, err
		}
		if unasked[region], err = usersOf(ctx, aws, inRegion[region], users); err != nil {
			return nil, err
		}
	}
	var unused []Version
	for _, version := range versions {
		var names []string
		var denied error
		for _, at := range version.places(r.aws.Name()) {
			denied = cmp.Or(denied, unasked[at.region])
			if used := users[at.image.ID]; len(used) > 0 {
				names = append(names, fmt.Sprintf("%s by %s", at, firstOf(used, 10)))
			}
		}
		if len(names) == 0 && denied == nil {
			unused = append(unused, version)
			continue
		}
		if len(names) == 0 {
			r.warnings = append(r.warnings, report.Warning{
				Summary: fmt.Sprintf("Version %d of golden image %s was kept, since nobody can tell whether it is used", version.Number, r.spec.Name),
				Detail: fmt.Sprintf("It %s. No instance was launched from it, but whether a launch template, a parameter or a recipe names it was not to be asked: %v.\n\n"+
					"Allow whoever runs Terraform what AWS's policy AmazonEC2ImageReferencesAccessPolicy does: see the guide on permissions. The next apply that changes the image then removes the version.",
					why, denied),
			})
			continue
		}
		r.warnings = append(r.warnings, report.Warning{
			Summary: fmt.Sprintf("Version %d of golden image %s is in use and was kept", version.Number, r.spec.Name),
			Detail: fmt.Sprintf("It %s, but it is used: %s. The next apply that changes the image removes it once nothing uses it.",
				why, strings.Join(names, "; ")),
		})
	}
	return unused, nil
}

// usersOf adds to users, by image, what refers to the images in one region: instances
// that were launched from them always, and launch templates, parameters and recipes
// where the partition has a call for that. Denied is AWS's refusal of that call: it takes
// permissions of every service that it looks into, and for want of one the whole call fails.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-ami-references.html
func usersOf(ctx context.Context, aws AWS, imageIDs []string, users map[string][]string) (denied, err error) {
	instances, err := aws.Instances(ctx, cloud.InstanceQuery{ImageIDs: imageIDs})
	if err != nil {
		return nil, err
	}
	for _, instance := range instances {
		users[instance.ImageID] = append(users[instance.ImageID], "instance "+instance.ID)
	}
	references, err := aws.ImageReferences(ctx, imageIDs)
	switch {
	case err != nil && cloud.ClassOf(err) == cloud.Denied:
		return err, nil
	case err != nil && !unavailable(err):
		return nil, err
	}
	for _, reference := range references {
		kind := referenceKinds[reference.Kind]
		if kind == "" {
			kind = reference.Kind
		}
		if user := kind + " " + reference.Name(); !slices.Contains(users[reference.ImageID], user) {
			users[reference.ImageID] = append(users[reference.ImageID], user)
		}
	}
	return nil, nil
}

var referenceKinds = map[string]string{
	"ec2:Instance":                 "instance",
	"ec2:LaunchTemplate":           "launch template",
	"ssm:Parameter":                "SSM parameter",
	"imagebuilder:ImageRecipe":     "image recipe",
	"imagebuilder:ContainerRecipe": "container recipe",
}

// unavailable reports whether a call is not to be had in this partition.
func unavailable(err error) bool {
	return cloud.ClassOf(err) == cloud.Unsupported || cloud.HasCode(err, cloud.CodeInvalidAction, "UnsupportedOperation", "UnknownOperationException")
}

func firstOf(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
