package guest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tree is a directory to upload, of as many small files as make it travel as an archive when
// it is many.
func tree(many bool) *Upload {
	upload := &Upload{Destination: "/opt/app", Directory: true, Owner: daemon, Folders: []string{"bin", "conf", "conf/a [b]*", "conf/a [b]*/-x", "empty", "new", "new/deep"}}
	for _, path := range []string{"bin/run", "conf/.hidden", "conf/a [b]*/-x/it's", "conf/link", "-top", "new/deep/file"} {
		upload.Files = append(upload.Files, File{Path: path, Mode: "0640", Content: []byte(path + "\n\x00")})
	}
	upload.Files[0].Mode = "0755"
	for i := 0; many && i < 2*bulkyFiles; i++ {
		upload.Files = append(upload.Files, File{Path: fmt.Sprintf("new/%s-%d", strings.Repeat("long", 40), i), Mode: "0644", Content: []byte("x")})
	}
	return upload
}

// found lists what is below a directory: mode, owner and content.
func found(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			return errors.ErrUnsupported
		}
		content := []byte{}
		if info.Mode().IsRegular() {
			if content, err = os.ReadFile(name); err != nil {
				return err
			}
		}
		relative, err := filepath.Rel(dir, name)
		all[relative] = fmt.Sprintf("%v %d %s", info.Mode(), stat.Uid, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// builderWith is a root whose /opt/app is partly there: what is there keeps its owner and
// mode, what is new belongs to the upload's.
func builderWith(t *testing.T) string {
	t.Helper()
	root := scratch(t, map[string]string{"opt/app/conf/kept": "kept", "opt/app/conf/a [b]*/old": "old", "elsewhere": "untouched"})
	if err := os.Symlink("../../../elsewhere", filepath.Join(root, "opt/app/conf/link")); err != nil {
		t.Fatal(err)
	}
	return root
}

// unpackers change a script so that this program unpacks archives.
var unpackers = map[string]func(script []byte) []byte{
	"tar": func(script []byte) []byte { return script },
	"busybox": func(script []byte) []byte {
		return bytes.ReplaceAll(script, []byte("| tar -x"), []byte("| busybox tar -x"))
	},
	"python3": func(script []byte) []byte {
		return bytes.ReplaceAll(script, []byte("command -v tar"), []byte("command -v no-such-tar"))
	},
}

// A directory arrives the same, whether its files are in the script one by one, or in an
// archive, in the script or fetched, and whatever unpacks it.
func TestUpload_directoryArrives(t *testing.T) {
	needRoot(t)
	for name, by := range unpackers {
		if _, err := exec.LookPath(name); err != nil {
			t.Logf("%s is not on this machine: it was not tried", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			inShells(t, func(t *testing.T, shell []string) {
				want := oneByOne(t, shell)
				for way, send := range ways() {
					root := builderWith(t)
					send(t, shell, root, tree(true), by)
					if diff := cmp.Diff(want, found(t, filepath.Join(root, "opt"))); diff != "" {
						t.Errorf("%s (-one by one +archive):\n%s", way, diff)
					}
					if got := read(t, root, "elsewhere"); got != "untouched" {
						t.Errorf("%s: what a link led to is %q", way, got)
					}
				}
			})
		})
	}
}

// oneByOne is what a large tree should be on the disk: what a small one is, whose files are
// put one by one, and more files.
func oneByOne(t *testing.T, shell []string) map[string]string {
	t.Helper()
	root := builderWith(t)
	if report, result := bakeIn(t, shell, root, Bake{Steps: []Step{{Name: "app", Upload: tree(false)}}}); report.Failure != nil {
		t.Fatalf("%v\n%s", report.Failure, result.console)
	}
	arrived := found(t, filepath.Join(root, "opt"))
	for name, want := range map[string]string{
		"app/new": "drwxr-xr-x 1 ", "app/empty": "drwxr-xr-x 1 ", "app/conf": "drwxr-xr-x 0 ", "app/bin/run": "-rwxr-xr-x 1 bin/run\n\x00",
		"app/conf/link": "-rw-r----- 1 conf/link\n\x00", "app/conf/kept": "-rw-r--r-- 0 kept",
	} {
		if arrived[name] != want {
			t.Errorf("%s arrived as %q, want %q", name, arrived[name], want)
		}
	}
	for i := range 2 * bulkyFiles {
		arrived[fmt.Sprintf("app/new/%s-%d", strings.Repeat("long", 40), i)] = "-rw-r--r-- 1 x"
	}
	return arrived
}

// ways are the ways by which an archive travels.
func ways() map[string]func(*testing.T, []string, string, *Upload, func([]byte) []byte) {
	return map[string]func(*testing.T, []string, string, *Upload, func([]byte) []byte){
		"in a command": func(t *testing.T, shell []string, root string, upload *Upload, by func([]byte) []byte) {
			t.Helper()
			command := commandsOf(t, root, Bake{Steps: []Step{{Name: "app", Upload: upload}}})[1]
			command.Script = by(command.Script)
			sendTwice(t, shell, root, command)
		},
		"fetched by a command": func(t *testing.T, shell []string, root string, upload *Upload, by func([]byte) []byte) {
			t.Helper()
			command := commandsOf(t, root, Bake{Steps: []Step{{Name: "app", Upload: upload}}, Apart: true})[1]
			if command.Parcel == nil {
				t.Fatal("the command takes no parcel")
			}
			command = command.Deliver(serve(t, upload))
			command.Script = by(command.Script)
			sendTwice(t, shell, root, command)
		},
		"fetched by a script": func(t *testing.T, shell []string, root string, upload *Upload, by func([]byte) []byte) {
			t.Helper()
			parcel := serve(t, upload)
			upload.Parcel = &parcel
			bake := Bake{Nonce: "abc123", Apart: true, Steps: []Step{{Name: "app", Upload: upload}, {Name: "kernel", Reboot: true}, {Name: "ok", Script: "true"}}}
			script, err := bake.render(around(root))
			if err != nil {
				t.Fatal(err)
			}
			result := boots(t, shell, root, by(script))
			if report := ParseConsole("abc123", result.console); !report.Done || report.Failure != nil {
				t.Errorf("%+v\n%s", report, result.console)
			}
			missing(t, root, "var/lib/stamp-bake")
		},
	}
}

// serve keeps an upload's parcel at a URL: the first answer is cut off.
func serve(t *testing.T, upload *Upload) Parcel {
	t.Helper()
	var packed bytes.Buffer
	if err := upload.Pack(&packed); err != nil {
		t.Fatal(err)
	}
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls == 1 {
			_, _ = w.Write([]byte("half"))
			return
		}
		_, _ = w.Write(packed.Bytes())
	}))
	t.Cleanup(server.Close)
	return Parcel{URL: server.URL + "/?x=it's", SHA256: hexDigest(packed.Bytes())}
}

// A single large file is fetched, and its mode is as said, with an owner too.
func TestUpload_largeFileArrives(t *testing.T) {
	needRoot(t)
	inShells(t, func(t *testing.T, shell []string) {
		content := incompressible(bulkyBytes)
		name := filepath.Join(t.TempDir(), "large")
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		upload := &Upload{Destination: "/opt/large", Owner: daemon, Files: []File{{Mode: "4755", Disk: &Disk{Name: name, Size: int64(len(content))}}}}
		many := tree(true)
		many.Mode = "4755"
		for i := range many.Files {
			many.Files[i].Mode = many.Mode
		}
		root := scratch(t, nil)
		for i, command := range commandsOf(t, root, Bake{Steps: []Step{{Name: "large", Upload: upload}, {Name: "many", Upload: many}}, Apart: true})[1:3] {
			send := []*Upload{upload, many}[i]
			sendTwice(t, shell, root, command.Deliver(serve(t, send)))
		}
		for name, want := range map[string]string{"opt/large": "urwxr-xr-x", "opt/app/new/deep/file": "urwxr-xr-x", "opt/app/new/deep": "drwxr-xr-x", "opt/app": "drwxr-xr-x"} {
			if info, err := os.Stat(filepath.Join(root, name)); err != nil || info.Mode().String() != want || owner(t, root, name) == 0 {
				t.Errorf("%s: %v of user %d, %v; want %s", name, info.Mode(), owner(t, root, name), err, want)
			}
		}
		if read(t, root, "opt/large") != string(content) {
			t.Error("the content differs")
		}
		if left, _ := filepath.Glob(filepath.Join(root, "var/lib/stamp-bake/parcels/[0-9]*")); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// An empty directory is made, and what cannot be put says why.
func TestUpload_emptyAndInTheWay(t *testing.T) {
	needRoot(t)
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, map[string]string{"opt/app/bin/run/x": "", "srv/app/new": "a file"})
		report, result := bakeIn(t, shell, root, Bake{Steps: []Step{{Name: "nothing", Upload: &Upload{Destination: "/opt/a/b", Directory: true, Owner: daemon}}}})
		if report.Failure != nil || owner(t, root, "opt/a/b") == 0 || owner(t, root, "opt/a") != 0 {
			t.Errorf("%v\n%s", report.Failure, result.console)
		}
		other := tree(true)
		other.Destination = "/srv/app"
		for step, test := range map[string]struct {
			upload *Upload
			says   string
		}{"a directory": {tree(true), "/opt/app/bin/run is a directory"}, "a file": {other, "new"}} {
			command := commandsOf(t, root, Bake{Steps: []Step{{Name: step, Upload: test.upload}}})[1]
			if report := send(t, shell, root, command); report.Failure == nil || !strings.Contains(report.Failure.Output, test.says) {
				t.Errorf("%s in the way: %+v", step, report)
			}
			if err := os.RemoveAll(filepath.Join(root, "var/lib/stamp-bake")); err != nil {
				t.Fatal(err)
			}
		}
		for _, dir := range []string{"opt/app", "opt/app/bin", "srv/app"} {
			if left, _ := filepath.Glob(filepath.Join(root, dir, ".stamp-*")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		}
	})
}

// A link that a user of the machine has put in the way of an archive is not followed.
func TestUpload_archiveFollowsRootsLinksOnly(t *testing.T) {
	needRoot(t)
	inShells(t, func(t *testing.T, shell []string) {
		root := scratch(t, map[string]string{"etc/kept": "root's", "home/app/there": ""})
		link := filepath.Join(root, "home/app/new")
		if err := os.Symlink(root+"/etc", link); err != nil {
			t.Fatal(err)
		}
		if err := os.Lchown(link, 1, 1); err != nil {
			t.Fatal(err)
		}
		upload := tree(true)
		upload.Destination = "/home/app"
		report := send(t, shell, root, commandsOf(t, root, Bake{Steps: []Step{{Name: "app", Upload: upload}}})[1])
		if report.Failure == nil || !strings.Contains(report.Failure.Output, "only root's are followed") {
			t.Errorf("%+v", report)
		}
		if entries, err := os.ReadDir(filepath.Join(root, "etc")); err != nil || len(entries) != 1 || owner(t, root, "etc") != 0 {
			t.Errorf("where the link leads there is %v of user %d, %v", entries, owner(t, root, "etc"), err)
		}
		if left, _ := filepath.Glob(filepath.Join(root, "home/app/.stamp-*")); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// Whether an upload fits is known without composing what cannot, and said truly.
func TestCheckScript_sizes(t *testing.T) {
	dir := t.TempDir()
	onDisk := func(name string, size int64, content []byte) *Upload {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(file, size); err != nil {
			t.Fatal(err)
		}
		return &Upload{Destination: "/x", Files: []File{{Mode: "0644", Disk: &Disk{Name: file, Size: size}}}}
	}
	for name, test := range map[string]struct {
		upload *Upload
		says   string
	}{
		"small":                    {onDisk("small", 100, nil), ""},
		"zeros that fit":           {onDisk("zeros", 1<<20, nil), ""},
		"nearly":                   {onDisk("nearly", 20000, incompressible(20000)[:20000]), "compressed; EC2 takes at most 16384"},
		"large":                    {onDisk("large", 1<<20, incompressible(1 << 20)[:1<<20]), "more than 1048576 bytes, and more than 16384 compressed"},
		"larger than can ever fit": {onDisk("huge", 1<<40, nil), "more than 1099511627776 bytes"},
	} {
		bake := Bake{Nonce: "abc123", Steps: []Step{{Name: "up", Upload: test.upload}}}
		err := bake.CheckScript(false)
		if test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%s: %v, want something of %q", name, err, test.says)
		}
		if err := bake.CheckScript(true); err != nil {
			t.Errorf("%s, with a bucket: %v", name, err)
		}
	}
	large := Bake{Nonce: "abc123", Steps: []Step{{Name: "up", Upload: onDisk("sent", uploadLimit+1, nil)}}}
	if err := large.CheckCommands(false); err == nil || !strings.Contains(err.Error(), "staging_bucket") {
		t.Errorf("by commands alone: %v", err)
	}
	if err := large.CheckCommands(true); err != nil {
		t.Errorf("by commands and a bucket: %v", err)
	}
}

// A file that changes once it was looked at is not sent as what it was.
func TestFile_changes(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	write := func(content string) {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	file := File{Mode: "0644", Disk: &Disk{Name: name, Size: 5}}
	if content, err := file.bytes(); err != nil || string(content) != "first" {
		t.Fatalf("%q, %v", content, err)
	}
	for _, later := range []string{"other", "first and more", "f"} {
		write(later)
		if _, err := file.bytes(); !isChanged(err) {
			t.Errorf("%q: %v", later, err)
		}
	}
}

func isChanged(err error) bool {
	_, ok := errors.AsType[*ChangedError](err)
	return ok
}
