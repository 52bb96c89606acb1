package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := play(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "\ndemo:", err)
		os.Exit(1)
	}
}

// play starts the lab, plays the acts in order and ends the lab.
func play(ctx context.Context) (err error) {
	lab, err := startLab(ctx, os.Getenv("STAMP_DEMO_LAB"))
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := lab.close(); err == nil {
			err = closeErr
		}
	}()
	stage, err := newStage(lab, os.Getenv("STAMP_DEMO_CLI"), os.Getenv("STAMP_DEMO_PROVIDER"))
	if err != nil {
		return err
	}
	defer stage.close()
	say("The lab is a rehearsal cloud on this machine (%s): the real EC2 protocol, real guests, no AWS account.", lab.endpoint)
	if photo := os.Getenv("STAMP_DEMO_PHOTO"); photo != "" {
		return photograph(ctx, stage, photo)
	}
	say("Watch it in a browser: %s/", lab.endpoint)
	for i, act := range acts {
		say("")
		say("── %d. %s", i+1, act.title)
		if err := act.play(ctx, stage); err != nil {
			return fmt.Errorf("act %d (%s): %w", i+1, act.title, err)
		}
	}
	return nil
}

// say prints a line for the person who watches.
func say(format string, args ...any) {
	_, _ = fmt.Fprintf(os.Stdout, format+"\n", args...)
}
