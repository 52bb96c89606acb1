package image

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

func specOf(change func(*Spec)) Spec {
	spec := Spec{
		Name:   "web",
		Source: Source{ImageID: "ami-1"},
		Bake: Bake{
			Steps: []guest.Step{
				{Name: "app", Upload: &guest.Upload{Destination: "/opt/app", Files: []guest.File{{Mode: "0644", Content: []byte("app")}}}},
				{Name: "install", Script: "make install", Environment: map[string]string{"PORT": "80"}},
			},
			CleanUp: guest.CleanUp{HostKeys: true, MachineID: true, CloudInit: true, Logs: true, Histories: true},
		},
		Verify:  Verify{Checks: []guest.Check{{Name: "ok", Script: "true"}}, FreshInstance: true},
		Capture: Capture{RetainVersions: 2},
	}
	if change != nil {
		change(&spec)
	}
	return spec
}

// A fingerprint is on every image that users have: it must never change for the
// same recipe.
func TestFingerprint_isFrozen(t *testing.T) {
	tests := map[string]struct {
		change func(*Spec)
		want   string
	}{
		"plain": {nil, "eccb6c4f23748e6fc14d1ce8a448bef17133d0c299d050c0ad043c0c75a3e5e5"},
		"empty": {func(s *Spec) { s.Bake = Bake{} }, "ba26db0488cdea9b9f3123f06a5652a2e1eeb7f6a912d63ed089b87f8be37e63"},
		"encrypted, with a volume": {func(s *Spec) {
			s.Capture = Capture{Encrypted: true, KMSKeyID: "alias/golden"}
			s.Bake.RootVolume = cloud.Volume{Size: 20, Type: "gp3", IOPS: 4000, Throughput: 250}
		}, "34056389f00c09753f9398589c3a112e600dc24a9af52c9d571aedf1a4984efd"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := specOf(test.change).Recipe("ami-1").Fingerprint(); got != test.want {
				t.Errorf("fingerprint %s, want %s", got, test.want)
			}
		})
	}
}

func TestChanges_saysWhat(t *testing.T) {
	tests := map[string]struct {
		source string
		change func(*Spec)
		want   string
	}{
		"nothing": {"ami-1", nil, ""},
		"what is not inside": {"ami-1", func(s *Spec) {
			s.Bake.InstanceTypes, s.Bake.SubnetIDs, s.Bake.SecurityGroupIDs = []string{"m5.large"}, []string{"subnet-1"}, []string{"sg-1"}
			s.Bake.InstanceProfile, s.Description, s.Tags = "bake", "new", cloud.Tags{"A": "b"}
			s.Bake.Steps[1].Timeout, s.Bake.Steps[1].Name = 1, "set up"
			s.Verify.Checks = nil
		}, ""},
		"the source":      {"ami-2", nil, "source ami-1 → ami-2"},
		"a script":        {"ami-1", func(s *Spec) { s.Bake.Steps[1].Script = "make all" }, "step install changed"},
		"an environment":  {"ami-1", func(s *Spec) { s.Bake.Steps[1].Environment = map[string]string{"PORT": "81"} }, "step install changed"},
		"a file's bytes":  {"ami-1", func(s *Spec) { s.Bake.Steps[0].Upload.Files[0].Content = []byte("App") }, "step app changed"},
		"a file's mode":   {"ami-1", func(s *Spec) { s.Bake.Steps[0].Upload.Files[0].Mode = "0755" }, "step app changed (mode)"},
		"the destination": {"ami-1", func(s *Spec) { s.Bake.Steps[0].Upload.Destination = "/srv/app" }, "step app changed"},
		"one step more":   {"ami-1", func(s *Spec) { s.Bake.Steps = append(s.Bake.Steps, guest.Step{Name: "late", Script: "x"}) }, "step late added"},
		"one step less":   {"ami-1", func(s *Spec) { s.Bake.Steps = s.Bake.Steps[:1] }, "step install removed"},
		"the order": {"ami-1", func(s *Spec) {
			s.Bake.Steps[0], s.Bake.Steps[1] = s.Bake.Steps[1], s.Bake.Steps[0]
		}, "order of steps changed"},
		"clean-up, volume and encryption": {"ami-1", func(s *Spec) {
			s.Bake.CleanUp.Logs, s.Bake.RootVolume.Size, s.Capture.Encrypted = false, 30, true
		}, "clean-up changed, volumes changed, encryption changed"},
	}
	earlier := specOf(nil).Recipe("ami-1")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			now := specOf(test.change).Recipe(test.source)
			if got := now.Changes(earlier); got != test.want {
				t.Errorf("changes %q, want %q", got, test.want)
			}
			if same := now.Fingerprint() == earlier.Fingerprint(); same != (test.want == "") {
				t.Errorf("same fingerprint: %t, but changes %q", same, test.want)
			}
		})
	}
}

// No two lists of parts share a digest, wherever the borders between parts lie.
func TestDigest_bordersCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringN(0, 8, -1), 2, 5).Draw(t, "parts")
		at := rapid.IntRange(0, len(parts)-2).Draw(t, "at")
		joined := append(append([]string{}, parts[:at]...), parts[at]+parts[at+1])
		joined = append(joined, parts[at+2:]...)
		if digest(parts...) == digest(joined...) {
			t.Fatalf("%q and %q have the same digest", parts, joined)
		}
	})
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"web": true, "we": false, "Web server (blue) [1]/x.y'z@a_b-c": true, "web!": false, "wéb": false, "": false,
	} {
		if got := ValidName(name); got != want {
			t.Errorf("ValidName(%q) = %t, want %t", name, got, want)
		}
	}
}

// A reason names three files at most, and says whether their bytes or their mode changed. How
// they are kept beside the state does not change a word, as long as they are few.
func TestChanges_namesFiles(t *testing.T) {
	of := func(files ...guest.File) Recipe {
		return specOf(func(s *Spec) {
			s.Bake.Steps[0].Upload = &guest.Upload{Destination: "/opt/app", Directory: true, Files: files}
		}).Recipe("ami-1")
	}
	file := func(path, mode, content string) guest.File {
		return guest.File{Path: path, Mode: mode, Content: []byte(content)}
	}
	a, b, c, d, e := file("a", "0644", "a"), file("b", "0644", "b"), file("c", "0644", "c"), file("d", "0644", "d"), file("e\n", "0644", "e")
	earlier := of(a, b, c, d, e)
	for want, now := range map[string]Recipe{
		"step app changed (mode of a)":                 of(file("a", "0755", "a"), b, c, d, e),
		"step app changed (+ .DS_Store)":               of(file(".DS_Store", "0644", ""), a, b, c, d, e),
		`step app changed (d; - "e\n")`:                of(a, b, c, file("d", "0755", "D")),
		"step app changed (- a; - b; - c; and 2 more)": of(),
	} {
		kept := Recipe{}
		raw, err := json.Marshal(earlier.Kept())
		if err != nil || json.Unmarshal(raw, &kept) != nil {
			t.Fatal(err)
		}
		if got := now.Changes(kept); got != want {
			t.Errorf("changes %q, want %q", got, want)
		}
	}
}

// Many files are counted, and not kept.
func TestKept_staysSmall(t *testing.T) {
	of := func(count int) Recipe {
		var files []guest.File
		for i := range count {
			files = append(files, guest.File{Path: fmt.Sprintf("%s/%d", strings.Repeat("long", 20), i), Mode: "0644"})
		}
		return specOf(func(s *Spec) {
			s.Bake.Steps[0].Upload = &guest.Upload{Destination: "/opt/app", Directory: true, Files: files}
			s.Bake.Steps = append(s.Bake.Steps, guest.Step{Name: "few", Upload: &guest.Upload{Destination: "/few", Files: []guest.File{{Mode: "0644"}}}})
		}).Recipe("ami-1")
	}
	for _, count := range []int{500, keptFiles + 1, 20000} {
		kept := of(count).Kept()
		if raw, err := json.Marshal(kept); err != nil || len(raw) > keptBytes+4096 {
			t.Errorf("%d files take %d bytes, %v", count, len(raw), err)
		}
		if kept.Steps[2].Files == nil {
			t.Errorf("%d files push others out", count)
		}
		if want := fmt.Sprintf("step app changed (%d files, %d before)", count+1, count); count > keptFiles && of(count+1).Changes(kept) != want {
			t.Errorf("%d files: %s", count, of(count+1).Changes(kept))
		}
	}
}

// An empty directory is a part of what is inside. Without any, the fingerprint is that of
// times before they arrived.
func TestFingerprint_emptyDirectories(t *testing.T) {
	of := func(folders ...string) string {
		return specOf(func(s *Spec) {
			s.Bake.Steps[0].Upload = &guest.Upload{Destination: "/opt/app", Directory: true, Folders: folders, Files: []guest.File{{Path: "full/file", Mode: "0644"}}}
		}).Recipe("ami-1").Fingerprint()
	}
	if of() != of("full") {
		t.Error("a directory with a file in it counts twice")
	}
	if of("full") == of("empty", "full") || of("full", "full/empty") == of("empty", "full") {
		t.Error("an empty directory does not count")
	}
}

// Read from the disk in a stream, an upload has the digest that it had when its files were
// read into memory, part by part.
func TestReadUpload_digestIsAsBefore(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	step := guest.Step{Name: "app", Upload: &guest.Upload{
		Destination: "/opt/app", Directory: true, Owner: "app", Folders: []string{"bin"},
		Files: []guest.File{{Path: "bin/run", Mode: "0755", Disk: &guest.Disk{Name: name, Size: 7}}, {Path: "none", Mode: "0644"}},
	}}
	if err := ReadUpload(step); err != nil {
		t.Fatal(err)
	}
	want := digest("step 1", "", environmentDigest(nil), "/opt/app", "true", "", "app", "bin/run", "0755", "content", "none", "0644", "")
	if got := step.Upload.Digest; got != want || (Spec{Bake: Bake{Steps: []guest.Step{step}}}).Recipe("ami-1").Steps[0].Digest != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}
