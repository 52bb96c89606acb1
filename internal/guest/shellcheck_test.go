package guest

import (
	"bytes"
	"os/exec"
	"testing"
	"time"
)

// everything is a bake with each kind of thing in it.
func everything() Bake {
	return Bake{
		Nonce: "abc123",
		Steps: []Step{
			{Name: "it's", Script: "echo 'it is'", Environment: map[string]string{"A": "it's\n$B"}, User: "ubuntu", Retries: 2, Interval: time.Second, ExitCodes: []int{0, 3}},
			{Name: "app", Upload: &Upload{Destination: "/opt/app", Directory: true, Owner: "root", Files: []File{{Path: "a b", Mode: "0644", Content: []byte{0, 1}}}}},
			{Name: "many", Upload: tree(true)},
			{Name: "kernel", Reboot: true},
		},
		Checks: []Check{{Name: "ok", Script: "true", Attempts: 3, Interval: time.Second}},
		CleanUp: CleanUp{
			HostKeys: true, MachineID: true, CloudInit: true, Logs: true, Histories: true, DHCPLeases: true, RandomSeed: true,
			AuthorizedKeys: true, SSMRegistration: true,
		},
	}
}

// All that the provider writes for a shell passes shellcheck.
func TestScripts_passShellcheck(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("shellcheck is not on this machine: apt-get install shellcheck, or npm install -g shellcheck")
	}
	bake := everything()
	identity := Identity{MachineID: {"0123456789abcdef"}, HostKey: {"0123456789abcdef", "0123456789abcdee"}}
	scripts := map[string][]byte{}
	add := func(name string, script []byte, err error) {
		if err != nil {
			t.Fatal(err)
		}
		scripts[name] = script
	}
	script, err := bake.Script()
	add("bake", script, err)
	script, err = Proof{Nonce: "n", Checks: bake.Checks, Identity: identity}.Script()
	add("proof", script, err)
	add("loader", Staged{SHA256: "00"}.Loader("n", "https://bucket.s3.amazonaws.com/key?X-Amz-Signature=1&x=2", false), nil)
	bake.Secrets = map[string]string{"TOKEN": "x"}
	commands, err := bake.Commands()
	if err != nil {
		t.Fatal(err)
	}
	bake.Apart = true
	apart, err := bake.Commands()
	if err != nil {
		t.Fatal(err)
	}
	fetched := apart[3].Deliver(Parcel{URL: "https://bucket.s3.amazonaws.com/key?X-Amz-Signature=1&x=2", SHA256: "00"})
	fetched.Title += ", fetched"
	for _, command := range []Command{commands[0], commands[1], commands[3], fetched, commands[len(commands)-1]} {
		add("command "+command.Title, command.Script, nil)
	}
	for _, long := range []bool{false, true} {
		script := []byte("echo")
		if long {
			script = incompressible(commandLimit * 2)
		}
		lines, err := Command{Number: 1, Script: script}.Carry("n")
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			add("line "+line[:40], []byte("#!/bin/sh\n"+line+"\n"), nil)
		}
	}
	preamble := Preamble{Fleet: "web", Hostname: "web-%03d", Slots: []int{0, 1}, Environments: map[int]map[string]string{0: {"ROLE": "it's"}}}
	add("preamble", preamble.bootHook("", "http://169.254.169.254"), nil)
	add("user data", userScript([]byte("#!/bin/sh\necho\n"), ""), nil)
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// 2034: a variable may be used in a part that this script does without. 2317:
			// functions are called by names that are put together. 1091: what is sourced is
			// on the server. 1003, 2016: what stands in single quotes is the user's.
			check := exec.CommandContext(t.Context(), "shellcheck", "--shell=sh", "--severity=style", "--exclude=SC2034,SC2317,SC1090,SC1091,SC1003,SC2016", "-")
			check.Stdin = bytes.NewReader(script)
			if output, err := check.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, output)
			}
		})
	}
}

// incompressible is a script of at least that many bytes even when packed.
func incompressible(size int) []byte {
	state := uint32(1)
	script := []byte("#!/bin/sh\n#")
	for len(script) < size*2 {
		state = state*1664525 + 1013904223
		script = append(script, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-"[state>>26])
	}
	return append(script, '\n')
}
