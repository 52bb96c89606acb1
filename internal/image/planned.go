package image

import "fmt"

// Planned is what a user has agreed to.
type Planned struct {
	Version int
	// ImageID is empty when a new version was to be baked.
	ImageID string
	// Fingerprint is empty when what is to be baked was not known.
	Fingerprint string
}

// keepToPlan refuses to do something else than what the user has agreed to.
func (r *run) keepToPlan() error {
	planned := r.options.Planned
	if planned == nil {
		return nil
	}
	if planned.Fingerprint != "" && planned.Fingerprint != r.plan.Fingerprint {
		return r.failure("was not changed", "",
			fmt.Errorf("what is to be baked has changed since the plan was made: the fingerprint was to be %s, and is now %s (a file to upload, or an environment variable, has changed)",
				planned.Fingerprint, r.plan.Fingerprint),
			"nothing was changed", "run terraform apply again, without a saved plan: it makes a new one")
	}
	if planned.Version == r.plan.Version && planned.ImageID == r.plan.ImageID || r.asCreated() {
		return nil
	}
	before, moved := fmt.Sprintf("version %d (%s)", planned.Version, planned.ImageID), "the versions of this image have changed"
	if planned.ImageID == "" {
		before = fmt.Sprintf("a newly baked version %d", planned.Version)
		if planned.Version == r.line.Next() { // then it is the recipe
			moved = "a file to upload has changed"
		}
	}
	return r.failure("was not changed", "",
		fmt.Errorf("%s since the plan was made: %s was to be current, now the apply would %s", moved, before, r.plan),
		"nothing was changed", "run terraform apply again, without -refresh=false and without a saved plan: it makes a new one")
}
