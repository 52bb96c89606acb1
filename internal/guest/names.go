package guest

import (
	"fmt"
	"slices"
	"strings"
)

// notForSecrets are variables by which shells, loaders and the programs that the runtime
// uses decide what they do. Secrets are in the environment of the runtime itself: a secret
// of such a name would end the bake, or run something else as root. Windows knows no
// difference between upper and lower case.
// https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html
// https://www.gnu.org/software/bash/manual/html_node/Bash-Variables.html
// https://docs.openssl.org/master/man7/openssl-env/
var notForSecrets = []string{
	"PATH", "HOME", "ENV", "PWD", "OLDPWD", "CDPATH", "TMPDIR", "OPTIND", "OPTARG", "PS1", "PS2", "PS4", "PPID", "UID", "EUID", "GROUPS", "SHELL", "POSIXLY_CORRECT",
	"BASH_ENV", "SHELLOPTS", "BASHOPTS", "GLOBIGNORE", "EXECIGNORE", "GCONV_PATH", "LOCPATH", "GZIP", "AWKPATH", "AWKLIBPATH",
	"PATHEXT", "COMSPEC", "SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "PROGRAMDATA", "PSMODULEPATH", "TEMP", "TMP",
}

var notForSecretsPrefixes = []string{"STAMP_", "LD_", "OPENSSL_", "BASH_FUNC_"}

// CheckSecretName says why a secret cannot have a name, if it cannot.
func CheckSecretName(name string) error {
	upper := strings.ToUpper(name)
	begins := slices.ContainsFunc(notForSecretsPrefixes, func(prefix string) bool { return strings.HasPrefix(upper, prefix) })
	if begins || slices.Contains(notForSecrets, upper) || CheckVariableName(name) != nil {
		return fmt.Errorf("%s decides what the shell, the loader or the provider's own script does, and secrets are in the environment of all of these. Choose another name", name)
	}
	return nil
}

// CheckVariableName says why a step's or a check's environment cannot have a variable, if
// it cannot. Most may be anything there, since the environment reaches the script alone.
func CheckVariableName(name string) error {
	if name == "IFS" || strings.HasPrefix(name, "stamp_") {
		return fmt.Errorf("%s is a variable of the shell itself, or of the provider's own script. Choose another name", name)
	}
	return nil
}
