package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// What is on the photograph: more servers, of which the first are new and are waited
// for, so that the rollout stands still while the picture is taken.
const (
	photoSize    = "size           = 48"
	photoRollout = `rollout        = { canary = 20, soak = "3m", max_surge = "25%" }`
)

// photograph plays the story up to its rollout and takes a picture of the lab's page
// when many servers are new and many are old.
func photograph(ctx context.Context, s *stage, path string) error {
	browser, err := findBrowser()
	if err != nil {
		return err
	}
	for _, play := range []func(context.Context, *stage) error{bakeAndStamp, scale} {
		if err := play(ctx, s); err != nil {
			return err
		}
	}
	if err := s.edit("size           = 12", photoSize); err != nil {
		return err
	}
	if err := s.edit(`rollout        = { max_surge = "25%" }`, photoRollout); err != nil {
		return err
	}
	if _, err := s.plan(ctx, `Plan:`); err != nil {
		return err
	}
	if output, err := s.apply(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	if err := s.edit(`GREETING = "Hello"`, `GREETING = "Hello, World! This is version 2. Hello"`); err != nil {
		return err
	}
	if _, err := s.plan(ctx, `Plan:`); err != nil {
		return err
	}
	// The rollout is of no interest once the picture is taken.
	rolling, stop := context.WithCancel(ctx)
	defer stop()
	applied := make(chan error, 1)
	go func() {
		output, err := s.apply(rolling)
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, output)
		}
		applied <- err
	}()
	taken := make(chan error, 1)
	go func() {
		err := s.lab.awaitBoth(rolling)
		if err == nil {
			err = shoot(ctx, browser, s.lab.endpoint, path)
		}
		taken <- err
	}()
	select {
	case err := <-taken:
		stop()
		<-applied //nolint:errcheck // that it was broken off is what was asked for
		return err
	case err := <-applied:
		return errors.Join(errors.New("the rollout ended before its picture was taken"), err)
	}
}

// awaitBoth waits until the fleet's running servers are of two versions, and neither is
// more than twice as many as the other.
func (l *labProcess) awaitBoth(ctx context.Context) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		var state struct {
			Instances []struct {
				State, Image string
				Tags         map[string]string
			}
		}
		if err := l.call(ctx, http.MethodGet, "/_lab/state", "", &state); err != nil {
			return err
		}
		running := map[string]int{}
		for _, i := range state.Instances {
			if i.State == "running" && i.Tags["stamp:fleet"] != "" {
				running[i.Image]++
			}
		}
		least, most := 0, 0
		for _, count := range running {
			least, most = count, max(most, count)
			for _, other := range running {
				least = min(least, other)
			}
		}
		if len(running) == 2 && 2*least > most {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// findBrowser finds what can make a picture of a page without a screen.
func findBrowser() (string, error) {
	if named := os.Getenv("STAMP_BROWSER"); named != "" {
		return named, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no chromium on the PATH, and STAMP_BROWSER names none")
}

// shoot makes a picture of a page.
func shoot(ctx context.Context, browser, url, path string) error {
	home, err := os.MkdirTemp("", "browser")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(home) }()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+home,
		"--hide-scrollbars", "--force-device-scale-factor=1.5", "--window-size=1280,900", "--virtual-time-budget=2500",
		"--screenshot="+path, url+"/")
	command.Env = append(os.Environ(), "HOME="+home)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", browser, err, output)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	say("   %s: %d kB", path, info.Size()/1000)
	return nil
}
