package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// facts are looked up inside each of two servers.
var facts = []struct {
	name, script string
	same         bool
}{
	{"the application says", "/opt/app/greet World", true},
	{"files in /opt and /etc/app.conf", "find /opt /etc/app.conf -type f | sort | xargs sha256sum | sha256sum | cut -c1-16", true},
	{"hostname", "hostname", false},
	{"slot", ". /etc/stamp/slot.env; echo $STAMP_SLOT", false},
	{"what user data has seen", "cat /var/lib/app/identity", false},
	{"machine-id", "cat /etc/machine-id", false},
	{"SSH host key", "cut -c1-60 /etc/ssh/ssh_host_ed25519_key.pub | tail -c 25", false},
}

// mayDiffer are the files in which two servers of one image may differ.
var mayDiffer = []string{
	"/etc/hostname", "/etc/hosts", "/etc/machine-id", "/etc/ssh/ssh_host_", "/etc/stamp/", "/var/lib/app/identity",
	"/var/lib/cloud/", "/var/log/", "/var/lib/dbus/", "/var/lib/systemd/",
}

func lookInside(ctx context.Context, s *stage) error {
	now, err := s.outputs(ctx)
	if err != nil {
		return err
	}
	first, second := now.Instances.Value["0"], now.Instances.Value["1"]
	for _, id := range []string{first, second} {
		// EC2 calls an instance ready before cloud-init has done its work.
		if _, err := s.lab.inside(ctx, id, "cloud-init status --wait"); err != nil {
			return err
		}
	}
	say("   %-32s %-34s %-34s", "", first, second)
	for _, fact := range facts {
		a, err := s.lab.inside(ctx, first, fact.script)
		if err != nil {
			return err
		}
		b, err := s.lab.inside(ctx, second, fact.script)
		if err != nil {
			return err
		}
		a, b = strings.TrimSpace(a), strings.TrimSpace(b)
		say("   %-32s %-34s %-34s", fact.name, a, b)
		if (a == b) != fact.same {
			return fmt.Errorf("%s: %q and %q", fact.name, a, b)
		}
	}
	return compareTrees(ctx, s, first, second)
}

// compareTrees compares every file outside of /proc, /sys, /dev and /run that is not
// part of the host's own programs.
func compareTrees(ctx context.Context, s *stage, first, second string) error {
	const sums = `find /etc /opt /srv /root /home /var -type f 2>/dev/null | sort | while read -r file; do sha256sum "$file"; done`
	trees := make([]map[string]string, 2)
	for i, id := range []string{first, second} {
		output, err := s.lab.inside(ctx, id, sums)
		if err != nil {
			return err
		}
		trees[i] = map[string]string{}
		for line := range strings.Lines(output) {
			if sum, name, ok := strings.Cut(strings.TrimSpace(line), "  "); ok {
				trees[i][name] = sum
			}
		}
	}
	all := maps.Clone(trees[0])
	maps.Copy(all, trees[1])
	differ := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if trees[0][name] == trees[1][name] {
			continue
		}
		at := slices.IndexFunc(mayDiffer, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		if at < 0 {
			return fmt.Errorf("%s differs between the two servers", name)
		}
		differ[mayDiffer[at]] = true
	}
	say("   All %d files of both were compared. Only these differ: %s", len(all), strings.Join(slices.Sorted(maps.Keys(differ)), " "))
	return nil
}
