package guest

import (
	"errors"
	"testing"
)

func TestCheckNames(t *testing.T) {
	for name, want := range map[string]struct{ secret, variable bool }{
		"TOKEN": {true, true}, "DATABASE_URL": {true, true}, "PATH_TO_KEY": {true, true}, "LDAP_PASSWORD": {true, true}, "ENVIRONMENT": {true, true}, "GROUP": {true, true},
		"PATH": {false, true}, "Path": {false, true}, "LD_PRELOAD": {false, true}, "LD_LIBRARY_PATH": {false, true}, "ENV": {false, true}, "BASH_ENV": {false, true},
		"SHELLOPTS": {false, true}, "UID": {false, true}, "OPENSSL_CONF": {false, true}, "STAMP_SECRETS": {false, true}, "STAMP_SLOT": {false, true}, "HOME": {false, true},
		"stamp_dir": {false, false}, "stamp_log": {false, false}, "IFS": {false, false},
	} {
		if got := CheckSecretName(name) == nil; got != want.secret {
			t.Errorf("a secret may be called %s: %t", name, got)
		}
		if got := CheckVariableName(name) == nil; got != want.variable {
			t.Errorf("a variable may be called %s: %t", name, got)
		}
		for _, windows := range []bool{false, true} {
			_, err := Bake{Windows: windows, Nonce: "n", Secrets: map[string]string{name: "x"}}.Commands()
			if _, wrong := errors.AsType[*InputError](err); wrong == want.secret {
				t.Errorf("a bake with the secret %s (Windows: %t): %v", name, windows, err)
			}
			_, err = Bake{Windows: windows, Nonce: "n", Steps: []Step{{Name: "s", Script: "x", Environment: map[string]string{name: "x"}}}}.Commands()
			if _, wrong := errors.AsType[*InputError](err); wrong == want.variable {
				t.Errorf("a step with the variable %s (Windows: %t): %v", name, windows, err)
			}
		}
	}
}

// Legitimate names reach the script and nothing else: neither the runtime's own programs nor
// its loader.
func TestRun_aStepsPathIsItsOwn(t *testing.T) {
	inShells(t, func(t *testing.T, shell []string) {
		report, result := bakeIn(t, shell, scratch(t, nil), Bake{Steps: []Step{
			{Name: "s", Script: "echo $PATH $LD_LIBRARY_PATH $ENV; exit 3", Environment: map[string]string{"PATH": "/nowhere", "LD_LIBRARY_PATH": "/there", "ENV": "/x"}},
		}})
		if report.Failure == nil || report.Failure.ExitCode != 3 || report.Failure.Output != "/nowhere /there /x" {
			t.Errorf("%+v\n%s", report, result.console)
		}
	})
}
