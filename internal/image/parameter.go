package image

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
)

// ParameterTakenError says that the SSM parameter is there and is not the line's.
type ParameterTakenError struct {
	Name, Region string
	// Value is what it holds.
	Value string
	Owner ownership.Owner
}

// Error says what speaks against it.
func (e *ParameterTakenError) Error() string {
	return fmt.Sprintf("SSM parameter %s is in %s already, holds %s, and does not belong to this line: that it would by the tags %s = %s, %s = %s and %s = %s, "+
		"and by holding an image of this line or one that is gone", e.Name, e.Region, e.Value, cloud.TagManagedBy, cloud.ManagedBy, cloud.TagImage, e.Owner.Name,
		cloud.TagOwner, cmp.Or(e.Owner.ID, "the id that this line gets when it is created"))
}

// parameterKeepers says whose a parameter may be: an owner's, or one's of those that he is
// to follow.
type parameterKeepers struct {
	aws    AWS
	line   Line
	former []string
}

// ObserveParameter reads what the SSM parameter of an observed line holds; "" when it is not
// there. One that is there and is neither the owner's, nor one of the former owners', is a
// *ParameterTakenError. It is an owner's by its tags, and by holding one of their images or
// one that is gone. Tags are not asked for where the current version says that the parameter
// is the line's, and it holds that version.
func ObserveParameter(ctx context.Context, aws AWS, line Line, parameter string, former ...string) (value string, err error) {
	value, err = readParameter(ctx, aws, parameter)
	if err != nil || value == "" {
		return value, err
	}
	current := line.Current()
	if len(former) == 0 && current != nil && value == current.ImageID && current.Tags[cloud.TagParameter] == parameter {
		return value, nil
	}
	id, err := parameterKeepers{aws, line, former}.keeper(ctx, parameter, value)
	if err == nil && id == "" {
		err = &ParameterTakenError{Name: parameter, Region: aws.Name(), Value: value, Owner: line.owner}
	}
	return value, err
}

// readParameter reads a parameter; "" when it is not there.
func readParameter(ctx context.Context, aws AWS, parameter string) (string, error) {
	value, err := aws.Parameter(ctx, parameter)
	if cloud.HasCode(err, cloud.CodeParameterNotFound) {
		return "", nil
	}
	return value, err
}

// keeper returns the owner whose parameter it is that holds the value; "" when it is none's.
func (k parameterKeepers) keeper(ctx context.Context, parameter, value string) (id string, err error) {
	tags, err := k.aws.ParameterTags(ctx, parameter)
	if cloud.HasCode(err, cloud.CodeNoResource, cloud.CodeParameterNotFound) {
		return "", nil
	}
	id = tags[cloud.TagOwner]
	ids := append([]string{k.line.owner.ID}, k.former...)
	if err != nil || !slices.Contains(ids, id) || !k.line.owner.As(id).Claimed(tags) {
		return "", err
	}
	if k.line.ByImage(value) != nil || k.line.theirImages(ids...)[value] {
		return id, nil
	}
	there, err := k.aws.Images(ctx, cloud.ImageQuery{
		Filters: map[string][]string{"image-id": {value}}, IncludeDeprecated: true, IncludeDisabled: true,
	})
	if err != nil || len(there) > 0 {
		return "", err
	}
	return id, nil
}

// remove deletes a parameter that is theirs.
func (k parameterKeepers) remove(ctx context.Context, parameter string) error {
	value, err := readParameter(ctx, k.aws, parameter)
	if err != nil || value == "" {
		return err
	}
	id, err := k.keeper(ctx, parameter, value)
	if err != nil || id == "" {
		return err
	}
	return k.aws.DeleteParameter(ctx, parameter)
}

func (r *run) keepers() parameterKeepers { return parameterKeepers{r.aws, r.line, r.former} }

// lookAtParameter reads the parameter before anything is done: nobody wants to learn
// after a bake that it cannot be published.
func (r *run) lookAtParameter(ctx context.Context) error {
	name := r.spec.Distribute.Parameter
	if name == "" {
		return nil
	}
	value, err := ObserveParameter(ctx, r.aws, r.line, name, r.former...)
	if err == nil && value != "" && len(r.former) > 0 {
		var id string
		id, err = r.keepers().keeper(ctx, name, value)
		r.formers = id != r.owner.ID
	}
	if err != nil {
		return r.failure("was not changed", "SSM parameter "+name+" ("+r.aws.Name()+")", err,
			"nothing was changed", "choose another distribute.ssm_parameter, or remove the parameter that is there")
	}
	r.parameter = value
	return nil
}

// publish makes the parameter hold the current image. One that the line has kept under
// another name goes first; the name is written down before the parameter is made.
func (r *run) publish(ctx context.Context) error {
	current := r.line.Current()
	name := r.spec.Distribute.Parameter
	err := r.forgetParameters(ctx, name)
	if err == nil && name != "" && current.Tags[cloud.TagParameter] != name {
		if err = r.aws.CreateTags(ctx, []string{current.ImageID}, cloud.Tags{cloud.TagParameter: name}); err == nil {
			current.Tags = current.Tags.With(cloud.Tags{cloud.TagParameter: name})
		}
	}
	if err == nil && name != "" && (r.formers || r.parameter != current.ImageID) {
		err = r.setParameter(ctx, name, current.ImageID)
	}
	if err != nil {
		return r.failure("was not published", "SSM parameter "+name+" ("+r.aws.Name()+")", err, r.untouched(),
			"correct the cause and run terraform apply again: it does only what is missing")
	}
	return nil
}

// forgetParameters deletes the parameters that the line has kept under other names.
func (r *run) forgetParameters(ctx context.Context, name string) error {
	var deleted []string
	for i := range r.line.Versions {
		version := &r.line.Versions[i]
		former := version.Tags[cloud.TagParameter]
		if former == "" || former == name {
			continue
		}
		if !slices.Contains(deleted, former) {
			if err := r.keepers().remove(ctx, former); err != nil {
				return err
			}
			deleted = append(deleted, former)
		}
		if err := r.aws.DeleteTags(ctx, []string{version.ImageID}, []string{cloud.TagParameter}); err != nil {
			return err
		}
		version.Tags = version.Tags.With(nil)
		delete(version.Tags, cloud.TagParameter)
	}
	return nil
}

// setParameter makes or changes the parameter, and waits until SSM has looked at the
// image: only then does the parameter hold it. One of a former owner changes hands first.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html
func (r *run) setParameter(ctx context.Context, name, imageID string) error {
	var err error
	if r.parameter == "" {
		err = r.aws.CreateImageParameter(ctx, name, imageID, "The current image of "+r.spec.Name, r.owner.Tags())
	}
	if r.parameter != "" || cloud.HasCode(err, cloud.CodeParameterExists) {
		if _, err = ObserveParameter(ctx, r.aws, r.line, name, r.former...); err == nil && r.formers {
			err = r.aws.TagParameter(ctx, name, r.owner.Tags())
		}
		if err == nil {
			err = r.aws.SetImageParameter(ctx, name, imageID)
		}
	}
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, parameterLag)
	defer cancel()
	_, err = cloud.Poll[string]{
		What: fmt.Sprintf("SSM parameter %s (%s) to hold %s", name, r.aws.Name(), imageID),
		Read: func(ctx context.Context) (string, string, string, error) {
			value, err := r.aws.Parameter(ctx, name)
			switch {
			case cloud.HasCode(err, cloud.CodeParameterNotFound):
				return "", "not accepted", "", nil
			case err == nil && value != imageID:
				return value, "not accepted", "", nil
			}
			return value, "accepted", "", err
		},
		Pending: []string{"not accepted"}, Target: []string{"accepted"},

		Progress: r.options.Progress,
	}.Wait(limited)
	if err == nil {
		r.parameter, r.formers = imageID, false
		r.options.Progress.Printf("SSM parameter %s holds %s", name, imageID)
	}
	return err
}

// parameterLag is how long SSM may take to look at an image.
const parameterLag = 5 * time.Minute
