package guest

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	windowsPathFormat = regexp.MustCompile(`^[A-Za-z]:[\\/]`)
	// notInWindowsNames are the characters that no file of Windows has in its name.
	// https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
	notInWindowsNames = regexp.MustCompile(`[<>:"|?*\x00-\x1f]`)
)

func (b Bake) validateWindows() error {
	var names []string
	for _, step := range b.Steps {
		which := fmt.Sprintf("step %q", step.Name)
		if err := step.validateWindows(which, names); err != nil {
			return err
		}
		names = append(names, step.Name)
	}
	if err := validateSecrets(b.Secrets); err != nil {
		return err
	}
	if err := validateChecks(b.Nonce, b.Checks); err != nil {
		return err
	}
	return validateWindowsChecks(b.Checks)
}

func (s Step) validateWindows(which string, names []string) error {
	if err := validateName(which, s.Name, names); err != nil {
		return err
	}
	switch {
	case s.User != "":
		return &InputError{which, noUserOnWindows}
	case s.Reboot:
		return nil
	case s.Upload != nil:
		return s.Upload.validateWindows(which)
	case s.Local != "":
		return validateRun(which, s.Local, s.Environment)
	}
	if err := validateRun(which, s.Script, s.Environment); err != nil {
		return err
	}
	return validateWindowsScript(which, s.Script, s.Environment)
}

const noUserOnWindows = "on Windows every script runs as SYSTEM: there is no user to choose"

func validateWindowsChecks(checks []Check) error {
	for _, check := range checks {
		if check.User != "" {
			return &InputError{fmt.Sprintf("check %q", check.Name), noUserOnWindows}
		}
		if err := validateWindowsScript(fmt.Sprintf("check %q", check.Name), check.Script, check.Environment); err != nil {
			return err
		}
	}
	return nil
}

// validateWindowsScript refuses what is meant for a shell, and variables that Windows
// takes for one.
func validateWindowsScript(which, script string, environment map[string]string) error {
	if strings.HasPrefix(script, "#!") {
		return &InputError{which, "on Windows a script is PowerShell, and has no #! line"}
	}
	var names []string
	for variable := range environment {
		names = append(names, strings.ToUpper(variable))
	}
	slices.Sort(names)
	for i := 1; i < len(names); i++ {
		if names[i] == names[i-1] {
			return &InputError{which, fmt.Sprintf("Windows knows no difference between upper and lower case in the variable %s, which is there twice", names[i])}
		}
	}
	return nil
}

func (u *Upload) validateWindows(which string) error {
	if !windowsPathFormat.MatchString(u.Destination) || notInWindowsNames.MatchString(u.Destination[2:]) {
		return &InputError{which, fmt.Sprintf("the destination %q is not an absolute path of Windows, like C:\\app\\app.zip", u.Destination)}
	}
	switch {
	case u.Mode != "":
		return &InputError{which, "files of Windows have no mode: they inherit the permissions of their directory"}
	case u.Owner != "":
		return &InputError{which, "an upload to Windows has no owner to choose: files inherit the permissions of their directory"}
	}
	paths := slices.Clone(u.Folders)
	for _, file := range u.Files {
		paths = append(paths, file.Path)
	}
	for _, below := range paths {
		if leadsOut(below) {
			return &InputError{which, fmt.Sprintf("%q leads out of the destination", below)}
		}
		if notInWindowsNames.MatchString(below) || strings.Contains(below, `\`) {
			return &InputError{which, fmt.Sprintf("%q is no name that a file of Windows can have", below)}
		}
	}
	return nil
}
