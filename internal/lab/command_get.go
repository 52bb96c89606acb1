package lab

import (
	"slices"
	"time"
)

type getInvocationInput struct {
	CommandId  string `must:"required,length 36 36"`
	InstanceId string `must:"required" pattern:"i-(\\w{8}|\\w{17})|mi-\\w{17}"`
	PluginName string `must:"length 4 200"`
}

type getInvocationOutput struct {
	CommandId, InstanceId, Comment               string
	DocumentName, DocumentVersion, PluginName    string
	ResponseCode                                 int
	ExecutionStartDateTime, ExecutionElapsedTime string
	ExecutionEndDateTime, Status, StatusDetails  string
	StandardOutputContent, StandardOutputUrl     string
	StandardErrorContent, StandardErrorUrl       string
}

// getCommandInvocation tells of one invocation. Right after the sending it may not be
// there yet. Output is told when there is a last state; of the standard output only if that is
// success or failure.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html
func (r *region) getCommandInvocation(in *getInvocationInput) (*getInvocationOutput, *apiError) {
	v := r.invocation(in.CommandId, in.InstanceId)
	if v == nil || !v.command.seen {
		return nil, fail("InvocationDoesNotExist", "")
	}
	asked := v.command.asked
	out := &getInvocationOutput{
		CommandId: v.command.id, InstanceId: v.instance.id, Comment: asked.Comment, DocumentName: asked.DocumentName,
		DocumentVersion: asked.DocumentVersion, PluginName: ssmDocuments[asked.DocumentName].plugin, ResponseCode: v.code,
		Status: v.status, StatusDetails: v.details, StandardOutputContent: v.stdout, StandardErrorContent: v.stderr,
		StandardOutputUrl: v.url("stdout"), StandardErrorUrl: v.url("stderr"),
	}
	if in.PluginName != "" && in.PluginName != out.PluginName {
		return nil, fail("InvalidPluginName", "")
	}
	if v.started.IsZero() {
		return out, nil
	}
	until := r.now()
	out.ExecutionStartDateTime = v.started.Format(timeForm)
	if v.over() {
		until = v.ended
		out.ExecutionEndDateTime = until.Format(timeForm)
	}
	out.ExecutionElapsedTime = duration(until.Sub(v.started))
	return out, nil
}

func (r *region) command(id string) *command {
	at := slices.IndexFunc(r.commands, func(c *command) bool { return c.id == id })
	if at < 0 {
		return nil
	}
	return r.commands[at]
}

func (r *region) invocation(commandID, instanceID string) *invocation {
	if found := r.command(commandID); found != nil {
		for _, v := range found.invocations {
			if v.instance.id == instanceID {
				return v
			}
		}
	}
	return nil
}

type cancelCommandInput struct {
	CommandId   string   `must:"required,length 36 36"`
	InstanceIds []string `must:"length 0 50" pattern:"i-(\\w{8}|\\w{17})|mi-\\w{17}"`
}

// cancelCommand ends what has not begun at once. What runs is killed, and is cancelled
// when it has ended.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CancelCommand.html
func (r *region) cancelCommand(in *cancelCommandInput) (*nothing, *apiError) {
	found := r.command(in.CommandId)
	if found == nil {
		return nil, fail("InvalidCommandId", "")
	}
	for at, id := range in.InstanceIds {
		if slices.Contains(in.InstanceIds[:at], id) {
			return nil, fail("DuplicateInstanceId", "")
		}
		if r.invocation(found.id, id) == nil {
			return nil, fail("InvalidInstanceId", "")
		}
	}
	now := r.now()
	for _, v := range found.invocations {
		if len(in.InstanceIds) == 0 || slices.Contains(in.InstanceIds, v.instance.id) {
			found.cancelled = found.cancelled || !v.over()
			v.stop(now)
		}
	}
	return &nothing{}, nil
}

func (v *invocation) stop(now time.Time) {
	switch {
	case v.over():
	case v.cancel == nil:
		v.end(cmdCancelled, cmdCancelled, now)
	default:
		v.enter(cmdCancelling, cmdCancelling)
		v.cancel(errCancelled)
	}
}
