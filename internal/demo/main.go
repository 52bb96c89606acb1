package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
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
	watched := someoneWatches()
	if watched {
		say("Watch it in a browser: %s/   (it stays until you press Enter at the end)", lab.endpoint)
	} else {
		say("Watch it in a browser: %s/   (it ends with the demo)", lab.endpoint)
	}
	for i, act := range acts {
		if watched && i == len(acts)-1 {
			say("")
			say("Everything that was built is still there: look at it at %s/", lab.endpoint)
			if err := awaitEnter(ctx, os.Stdin, "Press Enter to destroy it and to end the lab. "); err != nil {
				return err
			}
		}
		say("")
		say("── %d. %s", i+1, act.title)
		if err := act.play(ctx, stage); err != nil {
			return fmt.Errorf("act %d (%s): %w", i+1, act.title, err)
		}
	}
	return nil
}

// someoneWatches tells whether a person is there who can press a key.
func someoneWatches() bool {
	if os.Getenv("CI") != "" {
		return false
	}
	for _, file := range []*os.File{os.Stdin, os.Stdout} {
		if info, err := file.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
			return false
		}
	}
	return true
}

// awaitEnter asks for a line and waits for it, or for the end of the input.
func awaitEnter(ctx context.Context, input io.Reader, question string) error {
	_, _ = fmt.Fprint(os.Stdout, question)
	pressed := make(chan struct{})
	go func() {
		defer close(pressed)
		_, _ = bufio.NewReader(input).ReadString('\n')
	}()
	select {
	case <-pressed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// say prints a line for the person who watches.
func say(format string, args ...any) {
	_, _ = fmt.Fprintf(os.Stdout, format+"\n", args...)
}
