package guests

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReal_workGoesOnAfterReboots is a bake in three boots, by each of the means that
// a script has to be called again.
func TestReal_workGoesOnAfterReboots(t *testing.T) {
	const work = `#!/bin/sh
count=$(cat /root/boots 2>/dev/null || echo 0); count=$((count + 1)); echo $count > /root/boots
echo ":boot $count, user $(id -u), in $PWD, after $(cat /run/before 2>/dev/null || echo nothing)" | %s
echo this boot > /run/before
case $count in
1) reboot ;;
2) shutdown -r now ;;
3) systemctl poweroff ;;
esac
sleep 100
`
	install := func(path, content string) string {
		return fmt.Sprintf("cat > %s <<'EOF'\n%sEOF\nchmod 755 %s\n", path, content, path)
	}
	// A unit that prints to the console, or a script that does so by itself.
	unit := func(target, program string) string {
		return "#!/bin/sh\n" + install("/usr/local/bin/work", fmt.Sprintf(work, program)) +
			install("/etc/systemd/system/work.service", "[Unit]\nAfter=cloud-final.service\n[Service]\nType=oneshot\n"+
				"StandardOutput=journal+console\nExecStart=/usr/local/bin/work\n[Install]\nWantedBy="+target+"\n") +
			"systemctl enable work\nsystemctl reboot\n"
	}
	cases := map[string]string{
		"scripts-per-boot":    "#!/bin/sh\n" + install("/var/lib/cloud/scripts/per-boot/work", fmt.Sprintf(work, "cat")) + "reboot\n",
		"a unit":              unit("multi-user.target", "cat"),
		"a unit of its own":   unit("cloud-init.target", "tee /dev/ttyS0 >/dev/null"),
		"a boot hook, always": "#cloud-boothook\n" + fmt.Sprintf(work, "cat"),
	}
	for name, userData := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t, sharedHost(t), Spec{UserData: []byte(userData)})
			g.awaitOff(t)
			want := []string{":boot 1, user 0, in /, after nothing", ":boot 2, user 0, in /, after nothing", ":boot 3, user 0, in /, after nothing"}
			if diff := cmp.Diff(want, g.screen.lines(":boot")); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, g.screen)
			}
		})
	}
}

func TestReal_unitWaitsForCloudInit(t *testing.T) {
	const userData = `#!/bin/sh
printf '%s\n' '[Unit]' 'After=cloud-init.target' 'ConditionPathExists=!/run/skip' '[Service]' 'Type=oneshot' 'StandardOutput=journal+console' \
	'ExecStart=/bin/sh -c "test -f /run/cloud-init/result.json && echo :after"' '[Install]' 'WantedBy=cloud-init.target' > /etc/systemd/system/late.service
printf '%s\n' '[Unit]' 'ConditionPathExists=/no/such/file' '[Service]' 'Type=oneshot' 'StandardOutput=tty' \
	'ExecStart=/bin/echo :never' '[Install]' 'WantedBy=multi-user.target' > /etc/systemd/system/never.service
systemctl enable late never
[ -e /root/again ] || { touch /root/again; reboot; sleep 100; }
`
	for _, system := range []string{"al2023", "debian"} {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			g := start(t, sharedHost(t), Spec{OS: system, UserData: []byte(userData)})
			g.screen.await(t, ":after", 1)
			if text := g.screen.String(); strings.Contains(text, "never") || strings.Contains(text, "FAILED") {
				t.Errorf("the console says\n%s", text)
			}
		})
	}
}

func TestReal_consoleIsLive(t *testing.T) {
	g := start(t, sharedHost(t), Spec{UserData: []byte("#!/bin/sh\necho :begins\nuntil [ -e /run/go ]; do sleep 0.05; done\necho :ends\n")})

	g.screen.await(t, ":begins", 1)
	if text := g.screen.String(); strings.Contains(text, ":ends") || strings.Contains(text, finished) {
		t.Errorf("the script has ended already:\n%s", text)
	}
	g.sh(t, "touch /run/go")
	g.screen.await(t, finished, 1)

	if diff := cmp.Diff([]string{":begins", ":ends"}, g.screen.lines(":")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
