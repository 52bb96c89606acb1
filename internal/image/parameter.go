package image

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// parameterTags are those of the line's SSM parameter: by them it is known as ours.
func parameterTags(name string) cloud.Tags { return ownership(name) }

// ParameterTakenError says that the SSM parameter is there and is not the line's.
type ParameterTakenError struct{ Name, Region, Line string }

// Error says what to do about it.
func (e *ParameterTakenError) Error() string {
	return fmt.Sprintf("SSM parameter %s is in %s already and does not belong to this line: it lacks the tags %s = %s and %s = %s",
		e.Name, e.Region, cloud.TagManagedBy, cloud.ManagedBy, cloud.TagImage, e.Line)
}

// ObserveParameter reads what the line's SSM parameter holds; "" when it is not there.
// One that is there and is not the line's is a *ParameterTakenError; whose one is that
// holds the expected image is not asked.
func ObserveParameter(ctx context.Context, aws AWS, line, parameter, expected string) (value string, err error) {
	value, err = aws.Parameter(ctx, parameter)
	if cloud.HasCode(err, cloud.CodeParameterNotFound) {
		return "", nil
	}
	if err != nil || value == expected {
		return value, err
	}
	ours, err := ownParameter(ctx, aws, line, parameter)
	if err == nil && !ours {
		err = &ParameterTakenError{Name: parameter, Region: aws.Name(), Line: line}
	}
	return value, err
}

// ownParameter reports whether a parameter is there and is the line's.
func ownParameter(ctx context.Context, aws AWS, line, parameter string) (bool, error) {
	tags, err := aws.ParameterTags(ctx, parameter)
	if cloud.HasCode(err, cloud.CodeNoResource, cloud.CodeParameterNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for key, value := range parameterTags(line) {
		if tags[key] != value {
			return false, nil
		}
	}
	return true, nil
}

// lookAtParameter reads the parameter before anything is done: nobody wants to learn
// after a bake that it cannot be published.
func (r *run) lookAtParameter(ctx context.Context) error {
	if r.spec.Distribute.Parameter == "" {
		return nil
	}
	expected := ""
	if current := r.line.Current(); current != nil && current.Tags[cloud.TagParameter] == r.spec.Distribute.Parameter {
		expected = current.ImageID
	}
	value, err := ObserveParameter(ctx, r.aws, r.spec.Name, r.spec.Distribute.Parameter, expected)
	if err != nil {
		return r.failure("was not changed", "SSM parameter "+r.spec.Distribute.Parameter+" ("+r.aws.Name()+")", err,
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
	if err == nil && name != "" && r.parameter != current.ImageID {
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
			if err := deleteParameter(ctx, r.aws, r.spec.Name, former); err != nil {
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

// deleteParameter deletes a parameter that is the line's.
func deleteParameter(ctx context.Context, aws AWS, line, name string) error {
	ours, err := ownParameter(ctx, aws, line, name)
	if err != nil || !ours {
		return err
	}
	return aws.DeleteParameter(ctx, name)
}

// setParameter makes or changes the parameter, and waits until SSM has looked at the
// image: only then does the parameter hold it.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html
func (r *run) setParameter(ctx context.Context, name, imageID string) error {
	var err error
	if r.parameter == "" {
		err = r.aws.CreateImageParameter(ctx, name, imageID, "The current image of "+r.spec.Name, parameterTags(r.spec.Name))
	}
	if r.parameter != "" || cloud.HasCode(err, cloud.CodeParameterExists) {
		if _, err = ObserveParameter(ctx, r.aws, r.spec.Name, name, imageID); err == nil {
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
	}.Wait(limited)
	if err == nil {
		r.parameter = imageID
		r.options.Progress.Printf("SSM parameter %s holds %s", name, imageID)
	}
	return err
}

// parameterLag is how long SSM may take to look at an image.
const parameterLag = 5 * time.Minute
