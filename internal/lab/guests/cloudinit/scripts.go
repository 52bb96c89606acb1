package cloudinit

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// writeScripts puts the user data's scripts where scripts finds them.
func (b *boot) writeScripts(parts []Part) error {
	for _, part := range parts {
		if part.Type != TypeScript {
			continue
		}
		if err := os.WriteFile(b.state("scripts", part.Name), part.Body, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// scripts runs what the last stage runs, in cloud-init's order: scripts that somebody
// has left on the disk for once, for every boot and for every instance, then the user
// data's; then it says which parts nobody understood.
// https://docs.cloud-init.io/en/latest/reference/yaml_examples/scripts.html
func (b *boot) scripts(parts []Part) {
	once := b.path("var/lib/cloud/sem/config_scripts_per_once.once")
	if _, err := os.Stat(once); err != nil {
		b.must(os.WriteFile(once, nil, 0o644), "scripts_per_once")
		b.must(b.runParts("scripts-per-once", "/var/lib/cloud/scripts/per-once"), "scripts_per_once")
	}
	b.must(b.runParts("scripts-per-boot", "/var/lib/cloud/scripts/per-boot"), "scripts_per_boot")
	b.once("scripts_per_instance", func() error {
		return b.runParts("scripts-per-instance", "/var/lib/cloud/scripts/per-instance")
	})
	b.once("scripts_user", func() error { return b.runParts("scripts-user", "/var/lib/cloud/instance/scripts") })
	for _, part := range parts {
		if part.Type == TypeUnknown {
			b.warn("unhandled %s userdata part %s, starting %.40q", part.MediaType, part.Name, part.Body)
		}
	}
}

// runParts runs a directory's executable files in the order of their names.
func (b *boot) runParts(module, dir string) error {
	at := b.path(dir)
	if strings.HasPrefix(dir, "/var/lib/cloud/instance/") {
		// The link there has an absolute target, which is right only inside the machine.
		at = b.state("scripts")
	}
	entries, err := os.ReadDir(at)
	if err != nil {
		return err
	}
	ran, failed := 0, 0
	for _, entry := range entries {
		if info, err := entry.Info(); err != nil || !executable(info) {
			continue
		}
		ran++
		if !b.exec("script", filepath.Join(at, entry.Name())) {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("failed to run module %s (scripts in %s): %d of %d scripts failed", module, dir, failed, ran)
	}
	return nil
}

func executable(info fs.FileInfo) bool { return info.Mode().IsRegular() && info.Mode()&0o111 != 0 }
