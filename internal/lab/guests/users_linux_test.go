package guests

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReal_loginUsers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("guests of an ordinary user have one user id")
	}
	for system, user := range map[string]string{"al2023": "ec2-user", "debian": "admin"} {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			g := start(t, sharedHost(t), Spec{OS: system})
			g.screen.await(t, finished, 1)
			const me = `id -un; id -u; echo $HOME $USER; pwd; touch ~/mine; stat -c %U ~/mine; echo ${FROM_OUTSIDE-unset}`
			login := user + "\n1000\n/home/" + user + " " + user + "\n/home/" + user + "\n" + user + "\nunset"
			root := "root\n0\n/root root\n"
			for name, c := range map[string]struct{ script, want string }{
				"su":           {"su - " + user + " -c '" + me + "'", login},
				"runuser":      {"runuser -l " + user + " -c '" + me + "'", login},
				"sudo to user": {"sudo -iu " + user + " sh -c '" + me + "'", login},
				"no way up":    {"su - nobody -s /bin/sh -c 'sudo -n id -un' 2>/dev/null || echo refused", "refused"},
				"sudo to root": {"cd /tmp; su " + user + " -c 'sudo sh -c \"id -un; id -u; echo \\$HOME \\$USER; pwd; id -g; echo \\$SUDO_USER\"'", root + "/tmp\n0\n" + user},
				"sudo keeps":   {"su " + user + " -c 'A=1 B=2 sudo \"C=3 4\" --preserve-env=A,none sh -c \"echo \\$A,\\$B,\\$C\"; sudo -n -u nobody id -un; sudo false; echo $?'", "1,,3 4\nnobody\n1"},
				"profile":      {"su - " + user + " -c 'case $PATH in *$HOME/.local/bin*) echo there ;; *) echo $PATH ;; esac'", "there"},
			} {
				if diff := cmp.Diff(c.want, g.sh(t, "export FROM_OUTSIDE=1; "+c.script)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// The key pair opens the default user's door, root's for a word only, and each once.
func TestReal_authorizedKeys(t *testing.T) {
	t.Parallel()
	const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 mine"
	g := start(t, sharedHost(t), Spec{PublicKey: key})
	g.screen.await(t, finished, 1)
	const read = "cat /home/ec2-user/.ssh/authorized_keys; grep -c 'Please login as the user' /root/.ssh/authorized_keys"
	if diff := cmp.Diff(key+"\n1", g.sh(t, read)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	image := g.freeze(t)
	clone := start(t, sharedHost(t), Spec{PublicKey: key, InstanceID: "i-0123456789abcdef1", Layers: []Layer{image}})
	clone.screen.await(t, finished, 1)
	if diff := cmp.Diff(key+"\n1", clone.sh(t, read)); diff != "" {
		t.Errorf("an instance of an image that was captured with the key (-want +got):\n%s", diff)
	}
}
