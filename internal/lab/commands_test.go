package lab_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

func TestCommand_succeedsAndFails(t *testing.T) {
	open(t, obedient, func(t *testing.T, s shop) {
		id := s.staff(t, 1)[0]
		good, bad := s.send(t, []string{id}, "hello"), s.send(t, []string{id}, "half\ncomplain about it\nsleep 1500ms\nexit 3")
		s.invocation(t, good, id)
		synctest.Wait()
		ran := s.invocation(t, good, id)
		if ran.Status != types.CommandInvocationStatusSuccess || ran.ResponseCode != 0 || *ran.StandardOutputContent != "hello\n" || *ran.StandardErrorContent != "" {
			t.Errorf("the good one is %s with %d, said %q and %q", ran.Status, ran.ResponseCode, *ran.StandardOutputContent, *ran.StandardErrorContent)
		}
		running := s.invocation(t, bad, id)
		if running.Status != types.CommandInvocationStatusInProgress || running.ResponseCode != -1 || *running.StandardOutputContent != "" || *running.ExecutionEndDateTime != "" {
			t.Errorf("under way the bad one is %s with %d", running.Status, running.ResponseCode)
		}
		<-time.After(2 * time.Second)
		failed := s.invocation(t, bad, id)
		if failed.Status != types.CommandInvocationStatusFailed || *failed.StatusDetails != "Failed" || failed.ResponseCode != 3 {
			t.Errorf("the bad one is %s (%s) with %d", failed.Status, *failed.StatusDetails, failed.ResponseCode)
		}
		if *failed.StandardOutputContent != "half\n" || *failed.StandardErrorContent != "about it\nfailed to run commands: exit status 3" {
			t.Errorf("it said %q and %q", *failed.StandardOutputContent, *failed.StandardErrorContent)
		}
		if *failed.ExecutionElapsedTime != "PT1.5S" {
			t.Errorf("it took %s, want PT1.5S", *failed.ExecutionElapsedTime)
		}
	})
}

func TestCommand_whatTheAgentSets(t *testing.T) {
	seen := make(chan guests.Command, 1)
	note := func(_ context.Context, _ *guests.Machine, command guests.Command) (guests.Result, error) {
		seen <- command
		return guests.Result{}, nil
	}
	open(t, note, func(t *testing.T, s shop) {
		id := s.staff(t, 1)[0]
		s.send(t, []string{id}, "a\nb", func(in *ssm.SendCommandInput) { in.Parameters["workingDirectory"] = []string{"/srv"} })
		describe(t, s.machines)
		got := <-seen
		if got.Script != "a\nb\n" || got.Directory != "/srv" {
			t.Errorf("it runs %q in %s", got.Script, got.Directory)
		}
		environment := strings.Join(got.Environment, " ")
		if !strings.Contains(environment, "AWS_SSM_INSTANCE_ID="+id) || strings.Contains(environment, "HOME=") {
			t.Errorf("the environment is %s", environment)
		}
	})
}

func TestCommand_timesOut(t *testing.T) {
	open(t, obedient, func(t *testing.T, s shop) {
		id := s.staff(t, 1)[0]
		command := s.send(t, []string{id}, "begun\nsleep 1h", func(in *ssm.SendCommandInput) { in.Parameters["executionTimeout"] = []string{"60"} })
		s.invocation(t, command, id)
		<-time.After(59 * time.Second)
		if got := s.invocation(t, command, id); got.Status != types.CommandInvocationStatusInProgress {
			t.Errorf("a second early it is %s", got.Status)
		}
		<-time.After(2 * time.Second)
		got := s.invocation(t, command, id)
		if got.Status != types.CommandInvocationStatusTimedOut || *got.StatusDetails != "ExecutionTimedOut" || got.ResponseCode != 137 {
			t.Errorf("it is %s (%s) with %d", got.Status, *got.StatusDetails, got.ResponseCode)
		}
		if whole := s.command(t, command); whole.Status != types.CommandStatusTimedOut || whole.ErrorCount != 1 || whole.CompletedCount != 1 {
			t.Errorf("the command is %s with %d errors", whole.Status, whole.ErrorCount)
		}
	})
}

func TestCommand_isCancelled(t *testing.T) {
	open(t, obedient, func(t *testing.T, s shop) {
		ids := s.staff(t, 2)
		command := s.send(t, ids, "sleep 1h", func(in *ssm.SendCommandInput) { in.MaxConcurrency = aws.String("1") })
		s.invocation(t, command, ids[0])
		if got := s.invocation(t, command, ids[1]); got.Status != types.CommandInvocationStatusPending {
			t.Errorf("the second one is %s, want it to wait for the first", got.Status)
		}
		if _, err := s.agents.CancelCommand(t.Context(), &ssm.CancelCommandInput{CommandId: &command}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for _, id := range ids {
			if got := s.invocation(t, command, id); got.Status != types.CommandInvocationStatusCancelled {
				t.Errorf("%s is %s", id, got.Status)
			}
		}
		if whole := s.command(t, command); whole.Status != types.CommandStatusCancelled {
			t.Errorf("the command is %s", whole.Status)
		}
	})
}

func TestCommand_errorsEndTheRest(t *testing.T) {
	open(t, obedient, func(t *testing.T, s shop) {
		ids := s.staff(t, 4)
		command := s.send(t, ids, "exit 1", func(in *ssm.SendCommandInput) {
			in.MaxConcurrency, in.MaxErrors = aws.String("1"), aws.String("25%")
		})
		for range ids {
			describe(t, s.machines)
			synctest.Wait()
		}
		listed, err := s.agents.ListCommandInvocations(t.Context(), &ssm.ListCommandInvocationsInput{CommandId: &command, Details: true})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int{}
		for _, v := range listed.CommandInvocations {
			got[string(v.Status)+" "+*v.StatusDetails]++
			if len(v.CommandPlugins) != 1 || *v.CommandPlugins[0].Name != "aws:runShellScript" {
				t.Errorf("plugins %+v", v.CommandPlugins)
			}
		}
		if diff := cmp.Diff(map[string]int{"Failed Failed": 2, "Cancelled Terminated": 2}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if whole := s.command(t, command); whole.Status != types.CommandStatusFailed || whole.ErrorCount != 2 {
			t.Errorf("the command is %s with %d errors", whole.Status, whole.ErrorCount)
		}
	})
}

func TestCommand_waitsForAStoppedInstance(t *testing.T) {
	open(t, obedient, func(t *testing.T, s shop) {
		id := s.staff(t, 1)[0]
		if _, err := s.machines.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		late := s.send(t, []string{id}, "late", func(in *ssm.SendCommandInput) { in.TimeoutSeconds = aws.Int32(30) })
		soon := s.send(t, []string{id}, "soon")
		if got := s.invocation(t, late, id); got.Status != types.CommandInvocationStatusDelayed {
			t.Errorf("while it is stopped: %s, want Delayed", got.Status)
		}
		<-time.After(time.Minute)
		if _, err := s.machines.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}}); err != nil {
			t.Fatal(err)
		}
		describe(t, s.machines)
		synctest.Wait()
		if got := s.invocation(t, late, id); *got.StatusDetails != "DeliveryTimedOut" || got.ResponseCode != -1 {
			t.Errorf("after its delivery timeout: %s with %d", *got.StatusDetails, got.ResponseCode)
		}
		if got := s.invocation(t, soon, id); got.Status != types.CommandInvocationStatusSuccess {
			t.Errorf("the patient one is %s", got.Status)
		}
	})
}

// TestCommand_rebootsAndRunsAgain: exit code 194 asks for that.
func TestCommand_rebootsAndRunsAgain(t *testing.T) {
	runs := 0
	again := func(context.Context, *guests.Machine, guests.Command) (guests.Result, error) {
		if runs++; runs == 1 {
			return guests.Result{ExitCode: 194}, nil
		}
		return guests.Result{Output: "after the reboot\n"}, nil
	}
	open(t, again, func(t *testing.T, s shop) {
		id := s.staff(t, 1)[0]
		command := s.send(t, []string{id}, "reboot")
		s.invocation(t, command, id)
		synctest.Wait()
		if got := s.invocation(t, command, id); got.Status != types.CommandInvocationStatusSuccess || *got.StandardOutputContent != "after the reboot\n" {
			t.Errorf("it is %s and said %q", got.Status, *got.StandardOutputContent)
		}
		if runs != 2 {
			t.Errorf("%d runs, want 2", runs)
		}
	})
}

func TestCommand_ofATerminatedInstance(t *testing.T) {
	open(t, obedient, func(t *testing.T, s shop) {
		id := s.staff(t, 1)[0]
		command := s.send(t, []string{id}, "sleep 10m")
		s.invocation(t, command, id)
		if _, err := s.machines.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := s.invocation(t, command, id); got.Status != types.CommandInvocationStatusInProgress {
			t.Errorf("nobody told of it, and it is %s", got.Status)
		}
		<-time.After(3 * time.Hour)
		if got := s.invocation(t, command, id); got.Status != types.CommandInvocationStatusTimedOut {
			t.Errorf("after the total timeout it is %s", got.Status)
		}
	})
}

func TestCommand_outputIsCut(t *testing.T) {
	long := func(context.Context, *guests.Machine, guests.Command) (guests.Result, error) {
		return guests.Result{Output: strings.Repeat("ö", 30000), Errors: strings.Repeat("e", 9000)}, nil
	}
	open(t, long, func(t *testing.T, s shop) {
		id := s.staff(t, 1)[0]
		command := s.send(t, []string{id}, "talk")
		s.invocation(t, command, id)
		synctest.Wait()
		got := s.invocation(t, command, id)
		if n := len([]rune(*got.StandardOutputContent)); n != 24000 || !strings.HasSuffix(*got.StandardOutputContent, "ö--output truncated--") {
			t.Errorf("%d characters of output, want 24000 and a mark", n)
		}
		if n := len(*got.StandardErrorContent); n != 8000 {
			t.Errorf("%d characters of errors, want 8000", n)
		}
	})
}

func TestCommand_targets(t *testing.T) {
	open(t, obedient, func(t *testing.T, s shop) {
		tagged := s.staff(t, 2, func(in *ec2.RunInstancesInput) {
			in.TagSpecifications = []ec2types.TagSpecification{{
				ResourceType: ec2types.ResourceTypeInstance, Tags: []ec2types.Tag{{Key: aws.String("Role"), Value: aws.String("web")}},
			}}
		})
		s.staff(t, 1)
		for want, target := range map[int]types.Target{
			2: {Key: aws.String("tag:Role"), Values: []string{"web", "db"}},
			1: {Key: aws.String("InstanceIds"), Values: tagged[:1]},
			0: {Key: aws.String("tag:Role"), Values: []string{"none"}},
		} {
			out, err := s.agents.SendCommand(t.Context(), sendInput(nil, "x", func(in *ssm.SendCommandInput) { in.Targets = []types.Target{target} }))
			if err != nil {
				t.Fatal(err)
			}
			if int(out.Command.TargetCount) != want {
				t.Errorf("%s chose %d, want %d", *target.Key, out.Command.TargetCount, want)
			}
			if want == 0 && *out.Command.StatusDetails != "NoInstancesInTag" {
				t.Errorf("nobody: %s", *out.Command.StatusDetails)
			}
		}
	})
}

func TestCommand_refusals(t *testing.T) {
	open(t, obedient, func(t *testing.T, s shop) {
		ids := s.staff(t, 1)
		unmanaged := idsOf(launch(t, s.machines, 1))
		describe(t, s.machines)
		parameter := func(name, value string) sending {
			return func(in *ssm.SendCommandInput) { in.Parameters[name] = []string{value} }
		}
		for _, test := range []struct {
			ids    []string
			change sending
			want   string
		}{
			{unmanaged, func(*ssm.SendCommandInput) {}, "InvalidInstanceId"},
			{[]string{"i-0123456789abcdef0"}, func(*ssm.SendCommandInput) {}, "InvalidInstanceId"},
			{[]string{"web"}, func(*ssm.SendCommandInput) {}, "ValidationException"},
			{append(ids, ids...), func(*ssm.SendCommandInput) {}, "DuplicateInstanceId"},
			{nil, func(*ssm.SendCommandInput) {}, "ValidationException"},
			{ids, func(in *ssm.SendCommandInput) { in.DocumentName = aws.String("Mine") }, "InvalidDocument"},
			{ids, func(in *ssm.SendCommandInput) { in.DocumentVersion = aws.String("7") }, "InvalidDocumentVersion"},
			{ids, func(in *ssm.SendCommandInput) { in.DocumentName = aws.String("AWS-RunPowerShellScript") }, "UnsupportedPlatformType"},
			{ids, func(in *ssm.SendCommandInput) { in.Parameters = nil }, "InvalidParameters"},
			{ids, parameter("colour", "red"), "InvalidParameters"},
			{ids, parameter("executionTimeout", "172801"), "InvalidParameters"},
			{ids, func(in *ssm.SendCommandInput) { in.TimeoutSeconds = aws.Int32(29) }, "ValidationException"},
			{ids, func(in *ssm.SendCommandInput) { in.MaxConcurrency = aws.String("0") }, "ValidationException"},
			{ids, func(in *ssm.SendCommandInput) { in.Comment = aws.String(strings.Repeat("x", 101)) }, "ValidationException"},
			{ids, func(in *ssm.SendCommandInput) { in.OutputS3BucketName = aws.String("none") }, "InvalidOutputFolder"},
		} {
			_, err := s.agents.SendCommand(t.Context(), sendInput(test.ids, "x", test.change))
			if got := code(t, err); got != test.want {
				t.Errorf("%v: %q, want %s (%v)", test.ids, got, test.want, err)
			}
		}
		_, err := s.agents.SendCommand(t.Context(), sendInput(unmanaged, "x"))
		if refused, ok := errors.AsType[*types.InvalidInstanceId](err); !ok || !strings.Contains(refused.ErrorMessage(), "[["+unmanaged[0]+"]] not in a valid state") {
			t.Errorf("an unmanaged instance: %v", err)
		}
	})
}
