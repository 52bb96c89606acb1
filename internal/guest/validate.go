package guest

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// InputError says which step, check or slot cannot be, and why.
type InputError struct {
	// Which names it: `step "install"`.
	Which  string
	Reason string
}

// Error says both.
func (e *InputError) Error() string { return e.Which + ": " + e.Reason }

var (
	nonceFormat    = regexp.MustCompile(`^[A-Za-z0-9]+$`)
	variableFormat = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	modeFormat     = regexp.MustCompile(`^[0-7]{3,4}$`)
	ownerFormat    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$`)
)

func (b Bake) validate() error {
	if !nonceFormat.MatchString(b.Nonce) {
		return &InputError{"the run", fmt.Sprintf("%q is no nonce", b.Nonce)}
	}
	var names []string
	for _, step := range b.Steps {
		if err := step.validate(names); err != nil {
			return err
		}
		names = append(names, step.Name)
	}
	names = nil
	for _, check := range b.Checks {
		which := fmt.Sprintf("check %q", check.Name)
		if err := validateRun(which, check.Name, names, check.Script, check.Environment); err != nil {
			return err
		}
		names = append(names, check.Name)
	}
	return nil
}

func (s Step) validate(names []string) error {
	which := fmt.Sprintf("step %q", s.Name)
	if s.Upload == nil {
		return validateRun(which, s.Name, names, s.Script, s.Environment)
	}
	if err := validateName(which, s.Name, names); err != nil {
		return err
	}
	upload := s.Upload
	if !path.IsAbs(upload.Destination) || strings.Contains(upload.Destination, "\x00") {
		return &InputError{which, fmt.Sprintf("the destination %q is not an absolute path", upload.Destination)}
	}
	if upload.Owner != "" && !ownerFormat.MatchString(upload.Owner) {
		return &InputError{which, fmt.Sprintf("%q is neither a user nor user:group", upload.Owner)}
	}
	for _, file := range upload.Files {
		if !modeFormat.MatchString(file.Mode) {
			return &InputError{which, fmt.Sprintf("%q is not an octal mode", file.Mode)}
		}
		if clean := path.Clean("/" + file.Path); file.Path != "" && clean != "/"+file.Path || strings.Contains(file.Path, "\x00") {
			return &InputError{which, fmt.Sprintf("%q leads out of the destination", file.Path)}
		}
	}
	return nil
}

func validateName(which, name string, names []string) error {
	switch {
	case strings.TrimSpace(name) == "" || strings.ContainsAny(name, "\x00\r\n"):
		return &InputError{which, "a name is one line of text"}
	case slices.Contains(names, name):
		return &InputError{which, "the name is used twice"}
	}
	return nil
}

func validateRun(which, name string, names []string, script string, environment map[string]string) error {
	if err := validateName(which, name, names); err != nil {
		return err
	}
	if script == "" || strings.Contains(script, "\x00") {
		return &InputError{which, "a script is text, and not empty"}
	}
	return validateEnvironment(which, environment)
}

func validateEnvironment(which string, environment map[string]string) error {
	for variable, value := range environment {
		if !variableFormat.MatchString(variable) {
			return &InputError{which, fmt.Sprintf("%q is no name of an environment variable", variable)}
		}
		if strings.Contains(value, "\x00") {
			return &InputError{which, fmt.Sprintf("the value of %s holds a NUL", variable)}
		}
	}
	return nil
}
