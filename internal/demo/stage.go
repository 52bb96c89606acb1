package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

//go:embed story
var story embed.FS

// stage is a working directory with the story's configuration, and a CLI to apply it.
type stage struct {
	lab      *labProcess
	cli      string
	dir      string
	progress string
	environ  []string
}

func newStage(lab *labProcess, cli, provider string) (*stage, error) {
	if cli == "" || provider == "" {
		return nil, errors.New("STAMP_DEMO_CLI and STAMP_DEMO_PROVIDER do not name a CLI and the provider: start the demo with make demo")
	}
	dir, err := os.MkdirTemp("", "stamp")
	if err != nil {
		return nil, err
	}
	s := &stage{lab: lab, cli: cli, dir: dir, progress: filepath.Join(dir, "progress.log")}
	config := filepath.Join(dir, "cli.tfrc")
	override := fmt.Sprintf("provider_installation {\n  dev_overrides { \"stamp-pattern/stamp\" = %q }\n  direct {}\n}\n", filepath.Dir(provider))
	if err := os.WriteFile(config, []byte(override), 0o600); err != nil {
		return nil, err
	}
	s.environ = append(cleanEnvironment(),
		"TF_CLI_CONFIG_FILE="+config, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0",
		"AWS_ENDPOINT_URL="+lab.endpoint, "AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab", "AWS_EC2_METADATA_DISABLED=true",
		"STAMP_PROGRESS="+s.progress)
	return s, s.writeStory()
}

// cleanEnvironment leaves out what could lead to a real account, or to another
// configuration of the CLI.
func cleanEnvironment() []string {
	var kept []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AWS_") && !strings.HasPrefix(variable, "TF_") && !strings.HasPrefix(variable, "STAMP_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

func (s *stage) writeStory() error {
	return fs.WalkDir(story, "story", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(s.dir, strings.TrimPrefix(name, "story"))
		if entry.IsDir() {
			return os.MkdirAll(target, 0o750)
		}
		content, err := story.ReadFile(name)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if bytes.HasPrefix(content, []byte("#!")) {
			mode = 0o755 // an embedded file has lost its mode
		}
		return os.WriteFile(target, content, mode)
	})
}

func (s *stage) close() { _ = os.RemoveAll(s.dir) }

// edit changes the configuration as a person would, and shows the change.
func (s *stage) edit(before, after string) error {
	const file = "main.tf"
	name := filepath.Join(s.dir, file)
	content, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if strings.Count(string(content), before) != 1 {
		return fmt.Errorf("%s does not hold %q once", file, before)
	}
	say("   %s", file)
	say("   - %s", strings.TrimSpace(before))
	say("   + %s", strings.TrimSpace(after))
	return os.WriteFile(name, []byte(strings.Replace(string(content), before, after, 1)), 0o644)
}

// terraform runs the CLI and returns what it prints. The error, if it ends badly,
// is *exec.ExitError.
func (s *stage) terraform(ctx context.Context, args ...string) (string, error) {
	command := exec.CommandContext(ctx, s.cli, args...)
	command.Dir, command.Env = s.dir, s.environ
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	output, err := command.CombinedOutput()
	return string(output), err
}

// plan makes a plan, shows the lines of its actions that match, and returns them.
func (s *stage) plan(ctx context.Context, shown string) (string, error) {
	output, err := s.terraform(ctx, "plan", "-no-color", "-out=plan.out")
	if err != nil {
		return output, fmt.Errorf("terraform plan: %w\n%s", err, output)
	}
	say("   $ terraform plan   (excerpt)")
	// Before the actions stands what Terraform has found changed, which is long.
	if _, actions, found := strings.Cut(output, "will perform the following actions"); found {
		output = actions
	}
	// Behind them the outputs say the same again.
	output, _, _ = strings.Cut(output, "\nChanges to Outputs")
	s.show(output, shown)
	return output, nil
}

// show prints the lines that match. Of what a line opens the content is left out.
func (s *stage) show(output, shown string) {
	pattern := regexp.MustCompile(shown)
	for line := range strings.Lines(output) {
		if line = strings.TrimRight(line, "\r\n"); pattern.MatchString(line) {
			if strings.HasSuffix(line, "{") {
				line += " … }"
			}
			say("   │ %s", line)
		}
	}
}

// apply applies the plan and shows the progress as it happens.
func (s *stage) apply(ctx context.Context) (string, error) {
	say("   $ terraform apply")
	begun := time.Now()
	stop := s.follow()
	output, err := s.terraform(ctx, "apply", "-no-color", "plan.out")
	stop()
	say("   (%s)", time.Since(begun).Round(100*time.Millisecond))
	return output, err
}

// follow prints what is added to the progress file until it is stopped.
func (s *stage) follow() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	var shown int64
	if info, err := os.Stat(s.progress); err == nil {
		shown = info.Size()
	}
	tell := func() {
		content, err := os.ReadFile(s.progress)
		if err != nil || int64(len(content)) <= shown {
			return
		}
		for line := range strings.Lines(string(content[shown:])) {
			say("   · %s", strings.TrimRight(line, "\n"))
		}
		shown = int64(len(content))
	}
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				tell()
				return
			case <-tick.C:
				tell()
			}
		}
	}()
	return func() {
		close(quit)
		<-done
	}
}

// outputs are the story's outputs.
type outputs struct {
	Image struct {
		Value struct {
			ID      string `json:"id"`
			Version int    `json:"version"`
			Reason  string `json:"reason"`
		} `json:"value"`
	} `json:"image"`
	Instances struct {
		Value map[string]string `json:"value"`
	} `json:"instances"`
}

func (s *stage) outputs(ctx context.Context) (outputs, error) {
	var found outputs
	output, err := s.terraform(ctx, "output", "-json")
	if err != nil {
		return found, fmt.Errorf("terraform output: %w\n%s", err, output)
	}
	return found, json.Unmarshal([]byte(output), &found)
}
