package cloud

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// Documents that run a command's lines.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command.html
const (
	DocumentShell      = "AWS-RunShellScript"
	DocumentPowerShell = "AWS-RunPowerShellScript"
)

// States of a command on an instance.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
const (
	CommandPending    = "Pending"
	CommandInProgress = "InProgress"
	CommandDelayed    = "Delayed"
	CommandSuccess    = "Success"
	CommandCancelled  = "Cancelled"
	CommandTimedOut   = "TimedOut"
	CommandFailed     = "Failed"
	CommandCancelling = "Cancelling"
)

// maxExecution is the longest time, in seconds, that the documents allow a command. How
// long a step may take is watched over in the guest.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-command-ssm-plugin-reference.html
const maxExecution = "172800"

// commandCalls are Systems Manager's operations for Run Command.
type commandCalls struct {
	sendCommand                 operation[ssm.SendCommandInput, ssm.SendCommandOutput, ssm.Options]
	getCommandInvocation        operation[ssm.GetCommandInvocationInput, ssm.GetCommandInvocationOutput, ssm.Options]
	describeInstanceInformation operation[ssm.DescribeInstanceInformationInput, ssm.DescribeInstanceInformationOutput, ssm.Options]
}

func newCommandCalls(client *ssm.Client) commandCalls {
	return commandCalls{
		sendCommand:                 client.SendCommand,
		getCommandInvocation:        client.GetCommandInvocation,
		describeInstanceInformation: client.DescribeInstanceInformation,
	}
}

// Agent is the SSM agent of an instance, as Systems Manager sees it.
type Agent struct {
	// Ping is "Online", "ConnectionLost" or "Inactive"; empty when it has never come.
	Ping     string
	Version  string
	Platform string
}

// Online reports whether commands reach it.
func (a Agent) Online() bool { return a.Ping == string(types.PingStatusOnline) }

// Command is one SendCommand call for one instance.
type Command struct {
	InstanceID string
	// Document is one of the Document… constants.
	Document string
	Lines    []string
	// Comment is for people, at most 100 characters.
	Comment string
}

// CommandResult is what a command has come to on its instance.
type CommandResult struct {
	// State is one of the Command… constants.
	State string
	// Details says more of the state: "ExecutionTimedOut", "Undeliverable".
	Details string
	// Output and ErrorOutput are the beginnings, of at most 24,000 and 8,000 characters: the
	// whole lines of them, since half a line may be half a secret, which nobody would find.
	Output, ErrorOutput string
}

// Agent returns the SSM agent of an instance; the zero Agent when it has not come.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstanceInformation.html
func (r *Region) Agent(ctx context.Context, instanceID string) (Agent, error) {
	out, err := call(ctx, r.name, "DescribeInstanceInformation", r.ssm.describeInstanceInformation, &ssm.DescribeInstanceInformationInput{
		Filters: []types.InstanceInformationStringFilter{{Key: aws.String("InstanceIds"), Values: []string{instanceID}}},
	})
	if err != nil || len(out.InstanceInformationList) == 0 {
		return Agent{}, err
	}
	found := out.InstanceInformationList[0]
	return Agent{Ping: string(found.PingStatus), Version: aws.ToString(found.AgentVersion), Platform: string(found.PlatformType)}, nil
}

// SendCommand sends lines to an instance. There is no client token for it: a call that is
// repeated after its answer got lost sends a second command.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
func (r *Region) SendCommand(ctx context.Context, command Command) (commandID string, err error) {
	in := &ssm.SendCommandInput{
		DocumentName: &command.Document,
		InstanceIds:  []string{command.InstanceID},
		Comment:      given(command.Comment),
		Parameters:   map[string][]string{"commands": command.Lines, "executionTimeout": {maxExecution}},
	}
	var out *ssm.SendCommandOutput
	err = persist(ctx, func() (err error) {
		out, err = call(ctx, r.name, "SendCommand", r.ssm.sendCommand, in)
		return err
	}, func(err error) bool { return HasCode(err, codeInvalidInstance) })
	if err != nil || out.Command == nil {
		return "", err
	}
	return aws.ToString(out.Command.CommandId), nil
}

// codeInvalidInstance says that an instance's agent is not there, or not back yet.
const codeInvalidInstance = "InvalidInstanceId"

// CommandResult returns what has become of a command. A command of a moment ago may not be
// visible yet: that reads as pending.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html
func (r *Region) CommandResult(ctx context.Context, commandID, instanceID string) (CommandResult, error) {
	out, err := call(ctx, r.name, "GetCommandInvocation", r.ssm.getCommandInvocation,
		&ssm.GetCommandInvocationInput{CommandId: &commandID, InstanceId: &instanceID})
	if HasCode(err, "InvocationDoesNotExist") {
		return CommandResult{State: CommandPending}, nil
	}
	if err != nil {
		return CommandResult{}, err
	}
	return CommandResult{
		State: string(out.Status), Details: aws.ToString(out.StatusDetails),
		Output:      wholeLines(aws.ToString(out.StandardOutputContent), mostOutput),
		ErrorOutput: wholeLines(aws.ToString(out.StandardErrorContent), mostErrorOutput),
	}, nil
}

// What Systems Manager keeps of an output, in characters, and how its agent ends one that is
// longer.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html
const (
	mostOutput, mostErrorOutput = 24_000, 8_000
	outputCut                   = "--output truncated--"
)

// wholeLines leaves out the last line of an output that was cut off in it.
func wholeLines(output string, most int) string {
	text, cut := strings.CutSuffix(strings.TrimRight(output, "\r\n"), outputCut)
	if !cut && utf8.RuneCountInString(output) < most {
		return output
	}
	return text[:strings.LastIndexByte(text, '\n')+1]
}
