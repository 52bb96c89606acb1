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
	userFormat     = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	ownerFormat    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$`)
)

func (b Bake) validate() error {
	var names []string
	for _, step := range b.Steps {
		if err := step.validate(names); err != nil {
			return err
		}
		names = append(names, step.Name)
	}
	if err := validateSecrets(b.Secrets); err != nil {
		return err
	}
	return validateChecks(b.Nonce, b.Checks)
}

func (p Proof) validate() error {
	for kind, digests := range p.Identity {
		for _, digest := range digests {
			if kind != MachineID && kind != HostKey || !digestFormat.MatchString(digest) {
				return &InputError{"the identity", fmt.Sprintf("%s %q is none", kind, digest)}
			}
		}
	}
	return validateChecks(p.Nonce, p.Checks)
}

func validateChecks(nonce string, checks []Check) error {
	if !nonceFormat.MatchString(nonce) {
		return &InputError{"the run", fmt.Sprintf("%q is no nonce", nonce)}
	}
	var names []string
	for _, check := range checks {
		which := fmt.Sprintf("check %q", check.Name)
		if err := validateName(which, check.Name, names); err != nil {
			return err
		}
		if check.User != "" && !userFormat.MatchString(check.User) {
			return &InputError{which, fmt.Sprintf("%q is no name of a user", check.User)}
		}
		if err := validateRun(which, check.Script, check.Environment); err != nil {
			return err
		}
		names = append(names, check.Name)
	}
	return nil
}

func (s Step) validate(names []string) error {
	which := fmt.Sprintf("step %q", s.Name)
	if err := validateName(which, s.Name, names); err != nil {
		return err
	}
	if s.User != "" && !userFormat.MatchString(s.User) {
		return &InputError{which, fmt.Sprintf("%q is no name of a user", s.User)}
	}
	switch {
	case s.Reboot:
		return nil
	case s.Upload != nil:
		return s.Upload.validate(which)
	case s.Local != "":
		return validateRun(which, s.Local, s.Environment)
	default:
		return validateRun(which, s.Script, s.Environment)
	}
}

func (u *Upload) validate(which string) error {
	if !path.IsAbs(u.Destination) || strings.Contains(u.Destination, "\x00") {
		return &InputError{which, fmt.Sprintf("the destination %q is not an absolute path", u.Destination)}
	}
	if u.Owner != "" && !ownerFormat.MatchString(u.Owner) {
		return &InputError{which, fmt.Sprintf("%q is neither a user nor user:group", u.Owner)}
	}
	for _, file := range u.Files {
		if !modeFormat.MatchString(file.Mode) {
			return &InputError{which, fmt.Sprintf("%q is not an octal mode", file.Mode)}
		}
		if leadsOut(file.Path) {
			return &InputError{which, fmt.Sprintf("%q leads out of the destination", file.Path)}
		}
	}
	for _, folder := range u.Folders {
		if leadsOut(folder) {
			return &InputError{which, fmt.Sprintf("%q leads out of the destination", folder)}
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

func validateRun(which, script string, environment map[string]string) error {
	if script == "" || strings.Contains(script, "\x00") {
		return &InputError{which, "a script is text, and not empty"}
	}
	for variable := range environment {
		if err := CheckVariableName(variable); err != nil {
			return &InputError{which, err.Error()}
		}
	}
	return validateEnvironment(which, environment)
}

func validateSecrets(secrets map[string]string) error {
	for name := range secrets {
		if err := CheckSecretName(name); err != nil {
			return &InputError{"secrets", err.Error()}
		}
	}
	return validateEnvironment("secrets", secrets)
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
