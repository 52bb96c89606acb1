package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
)

// labProcess is the lab, started as its own program.
type labProcess struct {
	command  *exec.Cmd
	endpoint string
}

func startLab(ctx context.Context, program string) (*labProcess, error) {
	if program == "" {
		return nil, errors.New("STAMP_DEMO_LAB does not name the lab's program: start the demo with make demo")
	}
	command := exec.CommandContext(ctx, program, "-listen", "127.0.0.1:0", "-guests", "auto", "-quiet")
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting the lab: %w", err)
	}
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("the lab said nothing: %w", err)
	}
	var hello struct {
		Endpoint string `json:"endpoint"`
		Guests   bool   `json:"guests"`
	}
	if err := json.Unmarshal(line, &hello); err != nil {
		return nil, fmt.Errorf("the lab said %q: %w", line, err)
	}
	lab := &labProcess{command: command, endpoint: hello.Endpoint}
	if !hello.Guests {
		return nil, errors.Join(errors.New("this machine cannot run the lab's guests (see the line above), and the demo needs them: it bakes for real"), lab.close())
	}
	return lab, nil
}

func (l *labProcess) close() error {
	if err := l.command.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	if err := l.command.Wait(); err != nil {
		return fmt.Errorf("ending the lab: %w", err)
	}
	return nil
}

// books are the lab's accounts.
type books struct {
	Requests  map[string]int `json:"requests"`
	Leftovers []struct {
		Type string `json:"type"`
		ID   string `json:"id"`
	} `json:"leftovers"`
}

func (l *labProcess) books(ctx context.Context) (books, error) {
	var found books
	err := l.call(ctx, http.MethodGet, "/_lab/books", "", &found)
	return found, err
}

// inside runs a shell script in an instance's guest and returns its output.
func (l *labProcess) inside(ctx context.Context, instanceID, script string) (string, error) {
	var result struct {
		Output   string `json:"output"`
		ExitCode int    `json:"exit_code"`
	}
	if err := l.call(ctx, http.MethodPost, "/_lab/instances/"+instanceID+"/run", script, &result); err != nil {
		return "", err
	}
	if result.ExitCode != 0 {
		return "", fmt.Errorf("in %s: exit code %d: %s", instanceID, result.ExitCode, result.Output)
	}
	return result.Output, nil
}

// kill does to an instance what bad luck would.
func (l *labProcess) kill(ctx context.Context, instanceID string) error {
	return l.call(ctx, http.MethodPost, "/_lab/instances/"+instanceID+"/terminated", "", nil)
}

func (l *labProcess) call(ctx context.Context, method, path, body string, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, l.endpoint+path, bytes.NewBufferString(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("the lab answered %s to %s: %s", response.Status, path, answer)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
