package guests

import (
	"fmt"
	"testing"
)

// install sets a service up as an installer does.
const install = `set -e
cat > /usr/local/bin/app <<'APP'
#!/bin/sh
echo "$GREETING $FROM_FILE in $PWD" > /run/app
echo $$ > /run/app.id
exec sleep 100000
APP
chmod 755 /usr/local/bin/app
echo 'FROM_FILE="from a file"' > /etc/app.env
cat > /etc/systemd/system/app.service <<'UNIT'
[Unit]
Description=An application
After=network-online.target

[Service]
Environment="GREETING=good morning" OTHER=1
EnvironmentFile=-/etc/app.env
EnvironmentFile=-/etc/none.env
WorkingDirectory=/srv
ExecStartPre=-/bin/false
ExecStart=/usr/local/bin/app \
    --flag

[Install]
WantedBy=multi-user.target
UNIT
systemctl daemon-reload
systemctl enable --now app
`

// started waits for the service's own sign of life.
const started = "until [ -s /run/app.id ]; do :; done; cat /run/app; systemctl is-active app; systemctl is-enabled app.service"

const alive = "good morning from a file in /srv\nactive\nenabled"

func TestReal_servicesStartAndComeAlongInImages(t *testing.T) {
	host := sharedHost(t)
	builder := start(t, host, Spec{InstanceID: "i-builder"})
	builder.screen.await(t, finished, 1)
	builder.sh(t, install)
	if got := builder.sh(t, started); got != alive {
		t.Errorf("after the installation: %q", got)
	}

	clone := start(t, host, Spec{InstanceID: "i-clone", Layers: []Layer{builder.freeze(t)}})
	clone.screen.await(t, finished, 1)
	if got := clone.sh(t, started); got != alive {
		t.Errorf("in a clone: %q", got)
	}
	steps := []struct {
		script, output string
		code           int
	}{
		{"systemctl show -p ActiveState --value app", "active\n", 0},
		{"old=$(cat /run/app.id); rm /run/app.id; systemctl restart app; until [ -s /run/app.id ]; do :; done; test $old != $(cat /run/app.id)", "", 0},
		{"systemctl stop app; systemctl is-active app", "inactive\n", 3},
		{"kill -0 $(cat /run/app.id) 2>/dev/null", "", 1},
		{"systemctl disable app; systemctl is-enabled app", "disabled\n", 1},
		{"systemctl show -p ActiveState --value no-such-unit", "inactive\n", 0},
		{"systemctl start no-such-unit", "Unit no-such-unit.service could not be found.\n", 5},
		{"systemctl mask app", "Failed to mask unit: File '/etc/systemd/system/app.service' already exists.\n", 1},
		{"systemctl mask other; systemctl start other", "Failed to start other.service: Unit other.service is masked.\n", 1},
		{"systemctl unmask other; systemctl start other", "Unit other.service could not be found.\n", 5},
		{"systemctl isolate rescue.target", "systemctl: the lab's guest does not know 'isolate'\n", 1},
	}
	for _, step := range steps {
		output, code, err := clone.Run(t.Context(), step.script)
		if err != nil || output != step.output || code != step.code {
			t.Errorf("%s: %q, exit code %d, %v; want %q, %d", step.script, output, code, err, step.output, step.code)
		}
	}
}

func TestReal_failingServicesAreSeen(t *testing.T) {
	g := start(t, sharedHost(t), Spec{})
	g.screen.await(t, finished, 1)
	g.sh(t, "printf '[Service]\\nType=oneshot\\nExecStart=/bin/false\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/bad.service; systemctl enable bad")
	if _, code, err := g.Run(t.Context(), "systemctl start bad"); err != nil || code == 0 {
		t.Errorf("a failing service started: exit code %d, %v", code, err)
	}
	g.Stop()
	if err := g.Boot(); err != nil {
		t.Fatal(err)
	}
	g.screen.await(t, finished, 2)
	g.screen.await(t, "[FAILED]", 1)
	if got := g.screen.lines("[FAILED]"); fmt.Sprint(got) != "[[FAILED] Failed to start bad.service.]" {
		t.Errorf("the boot says %q", got)
	}
}
