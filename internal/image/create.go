package image

import (
	"context"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// takesOver reports whether a create may go on with the line that is there: one that an
// earlier create has left whose machine died before a state knew of it, and that has the
// very content that is wanted.
func (r *run) takesOver(current Version) bool {
	recipe := r.spec.ResolveRecipe(r.options.SourceImageID, r.options.SourceEdited, r.line)
	return current.Tags[cloud.TagCreating] != "" && current.Fingerprint == recipe.Fingerprint()
}

// asCreated reports whether the plan's new version has been made already, by a create that
// is taken over.
func (r *run) asCreated() bool {
	planned, current := r.options.Planned, r.line.Current()
	return r.options.Create && current != nil && planned.ImageID == "" &&
		planned.Version == r.plan.Version && r.plan.ImageID == current.ImageID
}

// established takes the mark of a create off the line. From now on the state knows of it,
// also when the create has failed.
func (r *run) established(ctx context.Context) {
	current := r.line.Current()
	if current == nil || current.Tags[cloud.TagCreating] == "" {
		return
	}
	if err := r.aws.DeleteTags(ctx, []string{current.ImageID}, []string{cloud.TagCreating}); err != nil {
		r.warn("The mark of the create could not be taken off golden image "+r.spec.Name, err)
		return
	}
	current.Tags = current.Tags.With(nil)
	delete(current.Tags, cloud.TagCreating)
}
