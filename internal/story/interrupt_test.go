//go:build unix

package story

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// shop is an image and a fleet of it, in a directory with a CLI of its own.
type shop struct {
	*cli
	server *labtest.Server
	// progress gives what the provider says as it happens.
	progress *bufio.Scanner
}

const shopConfig = required + `
variable "release" {
  type    = string
  default = "1"
}

variable "size" {
  type    = number
  default = 2
}

resource "stamp_golden_image" "web" {
  name   = "web"
  source = { ssm_parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64" }
  bake   = { steps = [{ name = "install", script = "echo ${var.release} > /etc/release-of-web" }] }
}

resource "stamp_fleet" "web" {
  name     = "web"
  image_id = stamp_golden_image.web.image_id
  size     = var.size

  instance_types = ["t3.micro"]
}
`

func newShop(t *testing.T) *shop {
	t.Helper()
	server := labWithGuests(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(shopConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(t.TempDir(), "progress")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	// Open for writing too, the pipe does not end with the first process that writes.
	reader, err := os.OpenFile(pipe, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close() })
	return &shop{
		cli: newCLI(t, dir, "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab", "AWS_REGION=us-east-1",
			"STAMP_PROGRESS="+pipe),
		server: server, progress: bufio.NewScanner(reader),
	}
}

// order orders a trouble, and returns what lifts it.
func (s *shop) order(trouble lab.Trouble) (lift func()) {
	s.t.Helper()
	id, err := s.server.Lab.Order(trouble)
	if err != nil {
		s.t.Fatal(err)
	}
	return func() {
		if err := s.server.Lab.Lift(id); err != nil {
			s.t.Fatal(err)
		}
	}
}

// interruptedAt applies, presses Ctrl-C once the provider says something, and returns
// what the CLI prints.
func (s *shop) interruptedAt(said string, args ...string) string {
	s.t.Helper()
	var output bytes.Buffer
	command := exec.CommandContext(s.t.Context(), s.program, append([]string{"apply", "-no-color", "-auto-approve"}, args...)...)
	command.Dir, command.Env, command.Stdout, command.Stderr = s.dir, s.environ, &output, &output
	if err := command.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- command.Wait()
		s.say(over)
	}()
	heard := s.hear(said)
	if !strings.Contains(heard, said) {
		s.t.Fatalf("the apply ended (%v) before %q:\n%s", <-ended, said, &output)
	}
	if err := command.Process.Signal(os.Interrupt); err != nil {
		s.t.Fatal(err)
	}
	err := <-ended
	s.hear(over)
	if !errors.As(err, new(*exec.ExitError)) {
		s.t.Fatalf("an interrupted apply ends with %v:\n%s", err, &output)
	}
	return output.String()
}

// hear reads what the provider says up to something, or to the end of the process.
func (s *shop) hear(upTo string) string {
	var all strings.Builder
	for s.progress.Scan() {
		line := s.progress.Text()
		all.WriteString(line + "\n")
		if line == over || strings.Contains(line, upTo) {
			break
		}
	}
	return all.String()
}

// applied applies, which must work, and returns what the provider said meanwhile.
func (s *shop) applied(args ...string) string {
	s.t.Helper()
	said := make(chan string)
	go func() { said <- s.hear(over) }()
	s.run(append([]string{"apply", "-no-color", "-auto-approve"}, args...)...)
	s.say(over)
	return <-said
}

// over is what no provider says.
const over = "-- over --"

func (s *shop) say(line string) {
	for _, variable := range s.environ {
		if pipe, found := strings.CutPrefix(variable, "STAMP_PROGRESS="); found {
			writer, err := os.OpenFile(pipe, os.O_WRONLY, 0)
			if err == nil {
				_, err = writer.WriteString(line + "\n")
				err = errors.Join(err, writer.Close())
			}
			if err != nil {
				s.t.Error(err)
			}
		}
	}
}

// made is how often an action was asked for since the books were last reset.
func (s *shop) made(action string) int { return s.server.Lab.Books().Requests[action] }

// Ctrl-C while a new version is captured: the state stays true, the next apply goes on
// with what is there, and when the change is taken back in place of that, the plan says
// what was left.
func TestInterrupt_rebake(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.applied()
	lift := s.order(lab.HoldImage{})
	output := s.interruptedAt("capturing", "-var", "release=2")
	wants(t, output, "version 1", "stays current", "it goes on from there")
	wants(t, s.run("show", "-no-color"), `image_name = "web-v1-`)
	wants(t, s.run("plan", "-no-color"), "an earlier apply has left", "unproven image ami-", "nothing is baked")

	lift()
	s.server.Lab.ResetBooks()
	wants(t, s.applied("-var", "release=2"), "left by an interrupted run: going on from there")
	// One new instance for each of the fleet's; the builder's work was done.
	if made := s.made("CreateImage"); made != 0 {
		t.Errorf("%d images were captured again", made)
	}
	wants(t, s.run("show", "-no-color"), `image_name = "web-v2-`)
	s.destroyed("-var", "release=2")
}

// Ctrl-C in the very first bake: Terraform taints what was being created. Untainted, the
// apply goes on; as it is, a destroy removes what is there.
func TestInterrupt_firstBake(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	lift := s.order(lab.HoldImage{})
	output := s.interruptedAt("capturing")
	wants(t, output, "run terraform untaint 'ADDRESS'")
	lift()
	s.run("untaint", "stamp_golden_image.web")
	s.server.Lab.ResetBooks()
	wants(t, s.applied(), "left by an interrupted run: going on from there")
	if made := s.made("CreateImage"); made != 0 {
		t.Errorf("%d images were captured again", made)
	}
	s.destroyed()

	s.order(lab.HoldImage{})
	s.interruptedAt("capturing")
	s.destroyed()
}

// Ctrl-C while a fleet grows: what was launched is kept, and the next apply launches the
// rest.
func TestInterrupt_scale(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.applied()
	lift := s.order(lab.Impair{})
	s.interruptedAt("launched", "-var", "size=5")
	launched := s.instances()
	lift()
	s.applied("-var", "size=5")
	all := s.instances()
	for _, id := range launched {
		if !slices.Contains(all, id) {
			t.Errorf("%s was launched before the interruption, and is gone", id)
		}
	}
	if len(launched) < 3 || len(all) != 5 {
		t.Errorf("%d instances at the interruption, %d in the end", len(launched), len(all))
	}
	s.run("plan", "-no-color", "-detailed-exitcode", "-var", "size=5")
	s.destroyed("-var", "size=5")
}

// instances are those that are there.
func (s *shop) instances() []string {
	var ids []string
	for _, left := range s.server.Lab.Books().Leftovers {
		if left.Type == "instance" {
			ids = append(ids, left.ID)
		}
	}
	return ids
}

// destroyed destroys, and nothing may be left.
func (s *shop) destroyed(args ...string) {
	s.t.Helper()
	s.run(append([]string{"destroy", "-no-color", "-auto-approve"}, args...)...)
	for _, left := range s.server.Lab.Books().Leftovers {
		s.t.Errorf("left over: %s %s %v", left.Type, left.ID, left.Tags)
	}
}
