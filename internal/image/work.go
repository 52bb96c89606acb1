package image

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
)

// job is the work of a temporary instance.
type job struct {
	role string
	// nonce marks what the instance says of it.
	nonce string
	work  work
}

// work is a guest.Bake or a guest.Proof: one script, or many commands.
type work interface {
	Script() ([]byte, error)
	Commands() ([]guest.Command, error)
}

// carrier brings work to a temporary instance and hears how it goes: the one thing in
// which the transports differ.
type carrier interface {
	// board returns what an instance is launched with so that its work can begin.
	board(ctx context.Context, job job) (userData []byte, err error)
	// follow sees an instance to the end of its work; a builder is stopped then, unless
	// the report holds a failure. Work that is under way already is taken up where it is.
	follow(ctx context.Context, instance cloud.Instance, job job) (guest.Report, error)
}

func (r *run) carrier() carrier {
	if r.spec.Bake.Transport == TransportSSM {
		return &byCommand{r: r}
	}
	return byUserData{r}
}

// transportTag tells a transport apart on the instances that it serves; user data, which
// came first, has none.
func (s Spec) transportTag() string {
	if s.Bake.Transport == TransportSSM {
		return TransportSSM
	}
	return ""
}

func (s Spec) builderJob(fingerprint string) job {
	marker := nonce(fingerprint, s.ChecksDigest(), cloud.RoleBuilder)
	cleanUp := s.Bake.CleanUp
	// Without a key pair EC2 injects no key.
	cleanUp.AuthorizedKeys = cleanUp.AuthorizedKeys && s.Bake.KeyName != ""
	return job{cloud.RoleBuilder, marker, guest.Bake{
		Windows: s.windows(), Nonce: marker, Steps: s.Bake.Steps, Checks: s.Verify.Checks, CleanUp: cleanUp, Secrets: s.Bake.Secrets,
		Apart: s.Bake.StagingBucket != "",
	}}
}

func (s Spec) proofJob(fingerprint string, identity guest.Identity) job {
	marker := nonce(fingerprint, s.ChecksDigest(), cloud.RoleProof)
	return job{cloud.RoleProof, marker, guest.Proof{Windows: s.windows(), Nonce: marker, Checks: s.Verify.Checks, Identity: identity}}
}

// WorkError says that the transport cannot carry the work.
type WorkError struct {
	// Role is that of the instance: cloud.RoleBuilder or cloud.RoleProof.
	Role string
	Err  error
}

// Error gives the reason.
func (e *WorkError) Error() string { return e.Err.Error() }

// Unwrap returns a *guest.TooLargeError or a *guest.InputError.
func (e *WorkError) Unwrap() error { return e.Err }

// TransportError says that a transport does not reach the source's platform.
type TransportError struct{}

// Error says which does.
func (*TransportError) Error() string {
	return "the source image is for Windows, which is driven by Run Command alone: set bake.transport = \"ssm\", " +
		"and bake.iam_instance_profile to a profile whose role has the policy AmazonSSMManagedInstanceCore"
}

// CheckWork says, before anything is launched, whether the transport can carry the work
// of builder and proof. The error is a *WorkError or a *TransportError.
func (s Spec) CheckWork(fingerprint string) error {
	if s.windows() && s.Bake.Transport != TransportSSM {
		return &TransportError{}
	}
	// As long as it can get: what a proof must not be is known once there is a builder.
	identity := guest.Identity{guest.MachineID: {someDigest}, guest.HostKey: {someDigest, someDigest, someDigest, someDigest}}
	for _, job := range []job{s.builderJob(fingerprint), s.proofJob(fingerprint, identity)} {
		if err := s.checkJob(job); err != nil {
			return &WorkError{job.role, err}
		}
	}
	return nil
}

const someDigest = "0123456789abcdef"

func (s Spec) checkJob(job job) error {
	// What a bake uploads may be large: it is not put together only to be looked at.
	if bake, ok := job.work.(guest.Bake); ok {
		if s.Bake.Transport == TransportSSM {
			return bake.CheckCommands(s.Bake.StagingBucket != "")
		}
		return bake.CheckScript(s.Bake.StagingBucket != "")
	}
	if s.Bake.Transport == TransportSSM {
		_, err := job.work.Commands()
		return err
	}
	script, err := job.work.Script()
	if err != nil {
		return err
	}
	_, err = guest.Encode(script)
	if errorIs[*guest.TooLargeError](err) && s.Bake.StagingBucket != "" {
		return nil
	}
	return err
}

// byUserData carries a whole job in user data: the instance works by itself, speaks on
// its console, and stops.
type byUserData struct{ r *run }

func (c byUserData) board(ctx context.Context, job job) ([]byte, error) {
	work, err := c.r.delivered(ctx, job)
	if err != nil {
		return nil, err
	}
	job.work = work
	script, err := job.telling(c.r.options.Output != nil).Script()
	if err != nil {
		return nil, err
	}
	userData, err := guest.Encode(script)
	if errorIs[*guest.TooLargeError](err) && c.r.spec.Bake.StagingBucket != "" {
		loader, err := c.r.stage(ctx, job, script, false)
		if err != nil {
			return nil, err
		}
		return guest.Encode(loader)
	}
	return userData, err
}

func (c byUserData) follow(ctx context.Context, instance cloud.Instance, job job) (guest.Report, error) {
	return c.r.consoleOf(instance, job).wait(ctx)
}

// inWords puts a refusal that AWS has encoded into words, where that is allowed.
func (r *run) inWords(ctx context.Context, err error) {
	failure, ok := asFailure(err)
	if !ok {
		return
	}
	if text := r.aws.Explain(ctx, failure.Cause); text != "" {
		failure.Cause = &explained{text, failure.Cause}
	}
}

// explained is an error whose own words are of no use to people.
type explained struct {
	text string
	err  error
}

// Error says what AWS has encoded, and where it came from.
func (e *explained) Error() string {
	refused, ok := errors.AsType[*cloud.Error](e.err)
	if !ok {
		return e.text
	}
	said, _, _ := strings.Cut(refused.Message, "Encoded authorization failure message")
	return fmt.Sprintf("%s\n%s (%s): %s: %s(request %s)", e.text, refused.Action, refused.Region, refused.Code, said, refused.RequestID)
}

// Unwrap returns AWS's error.
func (e *explained) Unwrap() error { return e.err }
