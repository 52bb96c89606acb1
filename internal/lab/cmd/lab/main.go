// Command lab serves a rehearsal cloud on a local port. It prints one line of JSON,
//
//	{"endpoint": "http://127.0.0.1:PORT", "guests": true}
//
// and serves until it is interrupted. For people it prints on standard error what
// points AWS clients at it, and where its page is:
//
//	export AWS_ENDPOINT_URL=… AWS_ACCESS_KEY_ID=lab AWS_SECRET_ACCESS_KEY=lab
//	export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// patience is how long requests in flight may still take at the end.
const patience = 2 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "lab: %v\n", err)
		os.Exit(1)
	}
}

// run serves until the context ends.
func run(ctx context.Context, arguments []string, out, problems io.Writer) (err error) {
	flags := flag.NewFlagSet("lab", flag.ContinueOnError)
	flags.SetOutput(problems)
	listen := flags.String("listen", "127.0.0.1:0", "`address` to serve on; port 0 takes a free one")
	remote := flags.Bool("allow-remote", false, "serve at an address that other machines reach: whoever reaches it is root in the guests")
	weather := flags.String("weather", "calm", "how the cloud behaves: calm (at once), aws (limits and delays) or storm (things go wrong too)")
	seed := flags.Uint64("seed", 1, "`number` that decides every id and every stroke of luck")
	speed := flags.Float64("speed", 1, "how many times faster than real time the lab's clock runs")
	inside := flags.String("guests", "auto", "whether something really runs inside instances: auto, on or off")
	quiet := flags.Bool("quiet", false, "leave out the settings for people")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	names, err := checkAddress(ctx, *listen, *remote)
	if err != nil {
		return err
	}
	host, err := openGuests(ctx, *inside, problems)
	if err != nil {
		return err
	}
	cloud, err := lab.New(lab.Options{Weather: *weather, Seed: *seed, Speed: *speed, Guests: host, Hosts: names})
	if err != nil {
		return errors.Join(err, host.Close())
	}
	defer func() { err = errors.Join(err, cloud.Close()) }()
	people := problems
	if *quiet {
		people = io.Discard
	}
	return serve(ctx, cloud, *listen, host, out, people)
}

// openGuests opens the guests that the flag asks for. With "on" it is an error when
// they cannot run; with "auto" they are then off, and the reason is told.
func openGuests(ctx context.Context, inside string, problems io.Writer) (guests.Host, error) {
	switch inside {
	case "off":
		host := guests.None("guests were switched off at start")
		tellWhy(host, problems)
		return host, nil
	case "on", "auto":
	default:
		return nil, fmt.Errorf("guests %q: want auto, on or off", inside)
	}
	dir, err := guestsPlace(os.TempDir())
	if err != nil {
		return nil, err
	}
	host, err := guests.NewReal(ctx, dir)
	if err == nil {
		return host, nil
	}
	if inside == "on" {
		return nil, fmt.Errorf("starting guests: %w", err)
	}
	host = guests.None(err.Error())
	tellWhy(host, problems)
	return host, nil
}

func tellWhy(host guests.Host, problems io.Writer) {
	_, reason := host.Status()
	fmt.Fprintf(problems, "lab: guests are off: %s\n", reason)
}

// settings is what people paste into their shell, and where they can watch.
const settings = `
# the lab is up: paste these lines, then use Terraform, OpenTofu, an SDK or the AWS CLI
export AWS_ENDPOINT_URL=%[1]s
export AWS_ACCESS_KEY_ID=lab AWS_SECRET_ACCESS_KEY=lab
export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1   # the second one is for the AWS CLI of version 1
# to use this provider: make install in another terminal, then paste the line that it prints:
# export TF_CLI_CONFIG_FILE=…
# and watch it in a browser: %[1]s/   (Ctrl-C here ends the lab and all that is in it)
`

// serve announces the endpoint and answers until the context ends.
func serve(ctx context.Context, cloud http.Handler, address string, host guests.Host, out, people io.Writer) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	running, _ := host.Status()
	announcement := struct {
		Endpoint string `json:"endpoint"`
		Guests   bool   `json:"guests"`
	}{"http://" + reachable(listener.Addr()), running}
	if err := json.NewEncoder(out).Encode(announcement); err != nil {
		return errors.Join(fmt.Errorf("announcing the endpoint: %w", err), listener.Close())
	}
	fmt.Fprintf(people, settings, announcement.Endpoint)
	server := &http.Server{Handler: cloud, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	leaving, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := server.Shutdown(leaving); err != nil {
		return server.Close() // a request is still in flight: cut it
	}
	return nil
}
