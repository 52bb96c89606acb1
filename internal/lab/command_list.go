package lab

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// commandItem is one command in an answer.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Command.html
type commandItem struct {
	CommandId, DocumentName, DocumentVersion, Comment string
	ExpiresAfter, RequestedDateTime                   float64
	Parameters                                        map[string][]string
	InstanceIds                                       []string
	Targets                                           []commandTarget
	Status, StatusDetails                             string
	OutputS3BucketName, OutputS3KeyPrefix             string
	MaxConcurrency, MaxErrors                         string
	TargetCount, CompletedCount, ErrorCount           int
	DeliveryTimedOutCount                             int
	ServiceRole                                       string
}

func (c *command) item() commandItem {
	in := c.asked
	item := commandItem{
		CommandId: c.id, DocumentName: in.DocumentName, DocumentVersion: in.DocumentVersion, Comment: in.Comment,
		ExpiresAfter: epoch(c.expires), RequestedDateTime: epoch(c.requested), Parameters: in.Parameters,
		InstanceIds: append([]string{}, in.InstanceIds...), Targets: append([]commandTarget{}, in.Targets...),
		OutputS3BucketName: in.OutputS3BucketName, OutputS3KeyPrefix: in.OutputS3KeyPrefix,
		MaxConcurrency: cmp.Or(in.MaxConcurrency, defaultConcurrency), MaxErrors: cmp.Or(in.MaxErrors, defaultMaxErrors),
		TargetCount: len(c.invocations),
	}
	for _, v := range c.invocations {
		item.CompletedCount += count(v.over())
		item.ErrorCount += count(v.failed())
		item.DeliveryTimedOutCount += count(v.details == detailDelivery)
	}
	item.Status, item.StatusDetails = c.state()
	return item
}

func count(condition bool) int {
	if condition {
		return 1
	}
	return 0
}

// state puts the states of all invocations together.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
func (c *command) state() (status, details string) {
	tally := map[string]int{}
	waiting := 0
	for _, v := range c.invocations {
		waiting += count(v.waiting())
		if v.over() {
			tally["over"]++
			tally[v.details]++
		}
	}
	enough := func(details string) bool { return tally[details] > 0 && tally[details] >= c.maxErrors() }
	switch all := len(c.invocations); {
	case all == 0:
		return cmdSuccess, detailNobody
	case tally["over"] < all && c.cancelled:
		return cmdCancelling, cmdCancelling
	case waiting == all:
		return cmdPending, cmdPending
	case tally["over"] < all:
		return cmdInProgress, cmdInProgress
	case tally[cmdSuccess] == all:
		return cmdSuccess, cmdSuccess
	case tally[cmdFailed] > c.maxErrors():
		return cmdFailed, cmdFailed
	case enough(detailExecution):
		return cmdTimedOut, detailExecution
	case enough(detailDelivery):
		return cmdTimedOut, detailDelivery
	case c.cancelled:
		return cmdCancelled, cmdCancelled
	}
	return cmdFailed, detailPartly
}

// invocationItem is one invocation in a list.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CommandInvocation.html
type invocationItem struct {
	CommandId, InstanceId, InstanceName, Comment string
	DocumentName, DocumentVersion                string
	RequestedDateTime                            float64
	Status, StatusDetails                        string
	StandardOutputUrl, StandardErrorUrl          string
	CommandPlugins                               []pluginItem
	ServiceRole                                  string
}

type pluginItem struct {
	Name, Status, StatusDetails           string
	ResponseCode                          int
	ResponseStartDateTime                 float64 `json:",omitempty"`
	ResponseFinishDateTime                float64 `json:",omitempty"`
	Output                                string
	StandardOutputUrl, StandardErrorUrl   string
	OutputS3BucketName, OutputS3KeyPrefix string
	OutputS3Region                        string
}

func (v *invocation) item(detailed bool) invocationItem {
	in := v.command.asked
	item := invocationItem{
		CommandId: v.command.id, InstanceId: v.instance.id, InstanceName: v.instance.tags["Name"], Comment: in.Comment,
		DocumentName: in.DocumentName, DocumentVersion: in.DocumentVersion, RequestedDateTime: epoch(v.command.requested),
		Status: v.status, StatusDetails: v.details, StandardOutputUrl: v.url("stdout"), StandardErrorUrl: v.url("stderr"),
		CommandPlugins: []pluginItem{},
	}
	if !detailed {
		return item
	}
	plugin := pluginItem{
		Name: ssmDocuments[in.DocumentName].plugin, Status: v.status, StatusDetails: v.details, ResponseCode: v.code,
		Output: v.pluginOutput(), StandardOutputUrl: item.StandardOutputUrl, StandardErrorUrl: item.StandardErrorUrl,
		OutputS3Region: v.instance.region.name, OutputS3BucketName: in.OutputS3BucketName,
	}
	if in.OutputS3BucketName != "" {
		plugin.OutputS3KeyPrefix = v.objectPrefix()
	}
	if !v.started.IsZero() {
		plugin.ResponseStartDateTime = epoch(v.started)
	}
	if v.over() && !v.started.IsZero() {
		plugin.ResponseFinishDateTime = epoch(v.ended)
	}
	item.CommandPlugins = append(item.CommandPlugins, plugin)
	return item
}

// commandFilter is a filter of either list.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CommandFilter.html
type commandFilter struct {
	Key   string `must:"required,enum InvokedAfter|InvokedBefore|Status|ExecutionStage|DocumentName"`
	Value string `must:"required,length 1 128"`
}

// keeps tells whether a filter lets a command, or an invocation, through.
func (f commandFilter) keeps(c *command, status, details string, over bool) (bool, *apiError) {
	switch f.Key {
	case "Status":
		return f.Value == status || f.Value == details, nil
	case "DocumentName":
		return f.Value == c.asked.DocumentName, nil
	case "ExecutionStage":
		return f.Value == onOff(over, "Complete", "Executing"), nil
	}
	at, err := time.Parse(time.RFC3339, f.Value)
	if err != nil {
		return false, fail("ValidationException", "The filter value %s isn't a time.", f.Value)
	}
	if f.Key == "InvokedAfter" {
		return !c.requested.Before(at), nil
	}
	return c.requested.Before(at), nil
}

type listCommandsInput struct {
	CommandId  string          `must:"length 36 36"`
	InstanceId string          `pattern:"i-(\\w{8}|\\w{17})|mi-\\w{17}"`
	Filters    []commandFilter `must:"length 1 5"`
	MaxResults *int            `must:"value 1 50"`
	NextToken  string
}

type listCommandsOutput struct {
	Commands  []commandItem
	NextToken string `json:",omitempty"`
}

// newestFirst are a region's commands, or the named one.
func (r *region) newestFirst(id string) ([]*command, *apiError) {
	chosen := slices.Clone(r.commands)
	if id != "" {
		chosen = slices.DeleteFunc(chosen, func(c *command) bool { return c.id != id })
		if len(chosen) == 0 {
			return nil, fail("InvalidCommandId", "")
		}
	}
	slices.Reverse(chosen)
	return chosen, nil
}

// order is a command's place in a list that begins with the newest.
func (c *command) order() string { return fmt.Sprintf("%09d", 1_000_000_000-c.number) }

// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListCommands.html
func (r *region) listCommands(in *listCommandsInput) (*listCommandsOutput, *apiError) {
	all, err := r.newestFirst(in.CommandId)
	if err != nil {
		return nil, err
	}
	var chosen []*command
	for _, c := range all {
		status, details := c.state()
		over := !slices.ContainsFunc(c.invocations, func(v *invocation) bool { return !v.over() })
		kept := in.InstanceId == "" || slices.ContainsFunc(c.invocations, func(v *invocation) bool { return v.instance.id == in.InstanceId })
		for _, filter := range in.Filters {
			passes, err := filter.keeps(c, status, details, over)
			if err != nil {
				return nil, err
			}
			kept = kept && passes
		}
		if kept {
			chosen = append(chosen, c)
		}
	}
	some, next, err := window(chosen, (*command).order, in.MaxResults, 50, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &listCommandsOutput{Commands: []commandItem{}, NextToken: next}
	for _, c := range some {
		out.Commands = append(out.Commands, c.item())
	}
	return out, nil
}

type listInvocationsInput struct {
	listCommandsInput
	Details bool
}

type listInvocationsOutput struct {
	CommandInvocations []invocationItem
	NextToken          string `json:",omitempty"`
}

// listCommandInvocations shows those that can be seen already.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListCommandInvocations.html
func (r *region) listCommandInvocations(in *listInvocationsInput) (*listInvocationsOutput, *apiError) {
	all, err := r.newestFirst(in.CommandId)
	if err != nil {
		return nil, err
	}
	var chosen []*invocation
	for _, c := range all {
		for _, v := range c.invocations {
			kept := v.command.seen && (in.InstanceId == "" || v.instance.id == in.InstanceId)
			for _, filter := range in.Filters {
				if filter.Key == "ExecutionStage" {
					return nil, fail("InvalidFilterKey", "The filter ExecutionStage can't be used with ListCommandInvocations.")
				}
				passes, err := filter.keeps(c, v.status, v.details, v.over())
				if err != nil {
					return nil, err
				}
				kept = kept && passes
			}
			if kept {
				chosen = append(chosen, v)
			}
		}
	}
	key := func(v *invocation) string { return fmt.Sprintf("%s %09d", v.command.order(), v.instance.seq) }
	some, next, err := window(chosen, key, in.MaxResults, 50, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &listInvocationsOutput{CommandInvocations: []invocationItem{}, NextToken: next}
	for _, v := range some {
		out.CommandInvocations = append(out.CommandInvocations, v.item(in.Details))
	}
	return out, nil
}
