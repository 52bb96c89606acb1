package lab_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// shop is a lab in a bubble, with clients of both services.
type shop struct {
	lab      *lab.Lab
	machines *ec2.Client
	agents   *ssm.Client
}

// open runs a test in a bubble, on a lab whose guests' commands are a function.
func open(t *testing.T, run func(ctx context.Context, m *guests.Machine, command guests.Command) (guests.Result, error), test func(t *testing.T, s shop)) {
	t.Helper()
	host := &guests.Scripted{
		Executed: func(ctx context.Context, _ guests.Spec, m *guests.Machine, command guests.Command) (guests.Result, error) {
			return run(ctx, m, command)
		},
	}
	synctest.Test(t, func(t *testing.T) {
		inside, err := lab.New(lab.Options{Guests: host})
		if err != nil {
			t.Fatal(err)
		}
		shared := config(labtest.Endpoint, "us-east-1", labtest.InBubble(t, inside))
		test(t, shop{lab: inside, machines: ec2.NewFromConfig(shared), agents: ssm.NewFromConfig(shared)})
	})
}

// obedient does what its script says: "sleep 90s", "exit 3", or prints the text.
func obedient(ctx context.Context, _ *guests.Machine, command guests.Command) (guests.Result, error) {
	result := guests.Result{}
	for line := range strings.Lines(command.Script) {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch verb {
		case "sleep":
			span, err := time.ParseDuration(rest)
			if err != nil {
				return result, err
			}
			select {
			case <-time.After(span):
			case <-ctx.Done():
				return result, context.Cause(ctx)
			}
		case "exit":
			_, err := fmt.Sscan(rest, &result.ExitCode)
			return result, err
		case "complain":
			result.Errors += rest + "\n"
		default:
			result.Output += strings.TrimSpace(line) + "\n"
		}
	}
	return result, nil
}

func withProfile(in *ec2.RunInstancesInput) {
	in.IamInstanceProfile = &ec2types.IamInstanceProfileSpecification{Name: aws.String("bake")}
}

// staff launches managed instances and waits until they run.
func (s shop) staff(t *testing.T, count int32, change ...func(*ec2.RunInstancesInput)) []string {
	t.Helper()
	ids := idsOf(launch(t, s.machines, count, append(change, withProfile)...))
	describe(t, s.machines)
	return ids
}

type sending func(*ssm.SendCommandInput)

func sendInput(ids []string, script string, change ...sending) *ssm.SendCommandInput {
	in := &ssm.SendCommandInput{
		DocumentName: aws.String("AWS-RunShellScript"), InstanceIds: ids,
		Parameters: map[string][]string{"commands": strings.Split(script, "\n")},
	}
	for _, apply := range change {
		apply(in)
	}
	return in
}

func (s shop) send(t *testing.T, ids []string, script string, change ...sending) string {
	t.Helper()
	out, err := s.agents.SendCommand(t.Context(), sendInput(ids, script, change...))
	if err != nil {
		t.Fatal(err)
	}
	return *out.Command.CommandId
}

func (s shop) invocation(t *testing.T, command, instance string) *ssm.GetCommandInvocationOutput {
	t.Helper()
	out, err := s.agents.GetCommandInvocation(t.Context(), &ssm.GetCommandInvocationInput{CommandId: &command, InstanceId: &instance})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s shop) command(t *testing.T, id string) types.Command {
	t.Helper()
	out, err := s.agents.ListCommands(t.Context(), &ssm.ListCommandsInput{CommandId: &id})
	if err != nil || len(out.Commands) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	return out.Commands[0]
}
