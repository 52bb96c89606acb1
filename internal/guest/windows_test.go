package guest

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

func TestWindows_refusesWhatItHasNot(t *testing.T) {
	file := []File{{Mode: "0644"}}
	for want, bake := range map[string]Bake{
		"SYSTEM":                          {Steps: []Step{{Name: "s", Script: "x", User: "Administrator"}}},
		"has no #! line":                  {Steps: []Step{{Name: "s", Script: "#!/bin/sh\n"}}},
		"knows no difference":             {Steps: []Step{{Name: "s", Script: "x", Environment: map[string]string{"Path": "a", "PATH": "b"}}}},
		"not an absolute path of Windows": {Steps: []Step{{Name: "s", Upload: &Upload{Destination: "/opt/app", Files: file}}}},
		"is not an absolute":              {Steps: []Step{{Name: "s", Upload: &Upload{Destination: `C:\a|b`, Files: file}}}},
		"have no mode":                    {Steps: []Step{{Name: "s", Upload: &Upload{Destination: `C:\a`, Mode: "0644", Files: file}}}},
		"has no owner":                    {Steps: []Step{{Name: "s", Upload: &Upload{Destination: `C:\a`, Owner: "SYSTEM", Files: file}}}},
		"leads out":                       {Steps: []Step{{Name: "s", Upload: &Upload{Destination: `C:\a`, Directory: true, Files: []File{{Path: "../b"}}}}}},
		"a file of Windows":               {Steps: []Step{{Name: "s", Upload: &Upload{Destination: `C:\a`, Directory: true, Files: []File{{Path: "b:c"}}}}}},
		"the name is used":                {Steps: []Step{{Name: "s", Script: "x"}, {Name: "s", Script: "x"}}},
		"and has no #! line":              {Checks: []Check{{Name: "c", Script: "#!/bin/sh\n"}}},
		"no name of an enviro":            {Secrets: map[string]string{"a-b": "x"}},
	} {
		bake.Windows, bake.Nonce = true, "n"
		_, err := bake.Commands()
		if wrong, ok := errors.AsType[*InputError](err); !ok || !strings.Contains(wrong.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
	if _, err := onWindows().Script(); err == nil || !strings.Contains(err.Error(), `transport "ssm"`) {
		t.Errorf("a script that works by itself: %v", err)
	}
	if _, err := (Proof{Windows: true, Nonce: "n"}).Script(); err == nil {
		t.Error("a proof is composed that works by itself")
	}
}

// All that the provider writes for PowerShell is PowerShell, as far as a grammar can tell.
// There is no Windows here to run it on.
func TestWindows_scriptsParse(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not on this machine, which runs the grammar of PowerShell")
	}
	found, err := exec.CommandContext(t.Context(), "npm", "root", "--global").Output()
	modules := strings.TrimSpace(string(found))
	if err != nil || !has(modules, "web-tree-sitter", "tree-sitter-powershell") {
		t.Skip("the grammar of PowerShell is not on this machine: npm install --global --ignore-scripts web-tree-sitter tree-sitter-powershell")
	}
	bake := onWindows()
	bake.Secrets = map[string]string{"TOKEN": "x"}
	scripts := map[string][]byte{"loader": Staged{SHA256: "00"}.WindowsLoader("n", "https://bucket.s3.amazonaws.com/key?X-Amz-Signature=1&x=2")}
	for _, command := range windowsCommandsOf(t, bake) {
		scripts[command.Title] = command.Script
	}
	for _, script := range [][]byte{[]byte("exit 0"), incompressible(commandLimit * 2)} {
		lines, err := Command{Windows: true, Script: script}.Carry("n")
		if err != nil {
			t.Fatal(err)
		}
		scripts[fmt.Sprintf("first of %d lines", len(lines))] = []byte(lines[0])
		scripts[fmt.Sprintf("last of %d lines", len(lines))] = []byte(lines[len(lines)-1])
	}
	names, input := []string{}, []string{}
	for name, script := range scripts {
		names, input = append(names, name), append(input, string(script))
	}
	for i, wrong := range parsePowerShell(t, modules, append(input, "function x { if ( { }")) {
		switch {
		case i == len(names) && wrong == "":
			t.Error("the grammar takes anything")
		case i < len(names) && wrong != "":
			t.Errorf("%s: %s", names[i], wrong)
		}
	}
}
