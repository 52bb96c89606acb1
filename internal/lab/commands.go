package lab

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits and defaults of Run Command.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
const (
	defaultConcurrency      = "50"
	defaultMaxErrors        = "0"
	defaultDeliveryTimeout  = 3600
	defaultExecutionTimeout = "3600"
)

// States of a command and of an invocation, with those that only the details name.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
const (
	cmdPending      = "Pending"
	cmdInProgress   = "InProgress"
	cmdDelayed      = "Delayed"
	cmdSuccess      = "Success"
	cmdFailed       = "Failed"
	cmdCancelling   = "Cancelling"
	cmdCancelled    = "Cancelled"
	cmdTimedOut     = "TimedOut"
	detailDelivery  = "DeliveryTimedOut"
	detailExecution = "ExecutionTimedOut"
	detailEnded     = "Terminated"
	detailPartly    = "Incomplete"
	detailNobody    = "NoInstancesInTag"
)

// command is one SendCommand call.
type command struct {
	id          string
	number      int
	region      *region
	asked       *sendCommandInput
	requested   time.Time
	expires     time.Time
	script      string
	directory   string
	limit       time.Duration
	invocations []*invocation
	cancelled   bool
	// seen is set once its invocations can be asked for, arrived once it has come to
	// where the agents hear of it.
	seen, arrived bool
}

// ssmDocument is one of AWS's documents.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-command-ssm-plugin-reference.html
type ssmDocument struct{ plugin, platform string }

var ssmDocuments = map[string]ssmDocument{
	"AWS-RunShellScript":      {plugin: "aws:runShellScript", platform: "Linux"},
	"AWS-RunPowerShellScript": {plugin: "aws:runPowerShellScript", platform: "Windows"},
}

var commandActions = map[string]jsonAction{
	"SendCommand":            asJSON((*region).sendCommand),
	"GetCommandInvocation":   asJSON((*region).getCommandInvocation),
	"ListCommandInvocations": asJSON((*region).listCommandInvocations),
	"ListCommands":           asJSON((*region).listCommands),
	"CancelCommand":          asJSON((*region).cancelCommand),
}

type commandTarget struct {
	Key    string   `must:"length 1 163"`
	Values []string `must:"length 0 50"`
}

type sendCommandInput struct {
	DocumentName       string              `must:"required,length 3 128" pattern:"[a-zA-Z0-9_.:/-]+"`
	DocumentVersion    string              `pattern:"[$]LATEST|[$]DEFAULT|[1-9][0-9]*"`
	InstanceIds        []string            `must:"length 0 50" pattern:"i-(\\w{8}|\\w{17})|mi-\\w{17}"`
	Targets            []commandTarget     `must:"length 0 5"`
	Parameters         map[string][]string `json:"Parameters"`
	Comment            string              `must:"length 0 100"`
	TimeoutSeconds     *int                `must:"value 30 2592000"`
	MaxConcurrency     string              `must:"length 1 7" pattern:"[1-9][0-9]*|[1-9][0-9]%|[1-9]%|100%"`
	MaxErrors          string              `must:"length 1 7" pattern:"[1-9][0-9]*|0|[1-9][0-9]%|[0-9]%|100%"`
	OutputS3BucketName string              `must:"length 3 63"`
	OutputS3KeyPrefix  string              `must:"length 0 500"`
	// OutputS3Region is ignored by AWS too.
	OutputS3Region string `must:"length 3 20"`
}

type sendCommandOutput struct{ Command commandItem }

// sendCommand sends to named instances, which must all be managed, or to those that
// targets choose, of which there may be none.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
func (r *region) sendCommand(in *sendCommandInput) (*sendCommandOutput, *apiError) {
	document, known := ssmDocuments[in.DocumentName]
	if !known {
		return nil, fail("InvalidDocument", "Document with name %s does not exist.", in.DocumentName)
	}
	if in.DocumentVersion != "" && !slices.Contains([]string{"1", "$LATEST", "$DEFAULT"}, in.DocumentVersion) {
		return nil, fail("InvalidDocumentVersion", "The document version is not valid or does not exist.")
	}
	to, err := r.receivers(in)
	if err != nil {
		return nil, err
	}
	for _, i := range to {
		if kind := i.disk().platform().kind; document.platform != kind {
			return nil, fail("UnsupportedPlatformType", "Cannot perform operation for instance id %s of platform type %s", i.id, kind)
		}
	}
	made, err := r.planCommand(in)
	if err != nil {
		return nil, err
	}
	if in.OutputS3BucketName != "" && r.lab.s3Buckets[in.OutputS3BucketName] == nil {
		return nil, fail("InvalidOutputFolder", "The S3 bucket doesn't exist.")
	}
	for _, i := range to {
		made.invocations = append(made.invocations, newInvocation(made, i))
	}
	r.commands = append(r.commands, made)
	r.lab.agenda.add(made.requested.Add(r.lab.takes(toAppear, made.id)), func(time.Time) { made.seen = true })
	r.lab.agenda.add(made.requested.Add(r.lab.takes(toDeliver, made.id)), made.arrive)
	r.lab.agenda.add(made.requested.Add(made.deliveryTimeout()), made.giveUp)
	r.lab.agenda.add(made.expires, made.expire)
	return &sendCommandOutput{made.item()}, nil
}

// receivers are the instances that a command goes to.
func (r *region) receivers(in *sendCommandInput) ([]*instance, *apiError) {
	switch {
	case len(in.InstanceIds) > 0 && len(in.Targets) > 0:
		return nil, fail("ValidationException", "Either instanceIds or targets can be specified, not both.")
	case len(in.InstanceIds) > 0:
		return r.namedReceivers(in.InstanceIds)
	case len(in.Targets) > 0:
		return r.targets(in.Targets)
	}
	return nil, fail("ValidationException", "Either instanceIds or targets must be specified.")
}

func (r *region) namedReceivers(ids []string) ([]*instance, *apiError) {
	var named []*instance
	var invalidIDs []string
	for at, id := range ids {
		if slices.Contains(ids[:at], id) {
			return nil, fail("DuplicateInstanceId", "")
		}
		found := r.instances.get(id)
		if found == nil || !found.managed() {
			invalidIDs = append(invalidIDs, id)
			continue
		}
		named = append(named, found)
	}
	if len(invalidIDs) > 0 {
		return nil, fail("InvalidInstanceId", "Instances [[%s]] not in a valid state for account %s", strings.Join(invalidIDs, ", "), r.account.id)
	}
	return named, nil
}

// targets chooses managed instances: those that meet all of the targets, each by one
// of its values.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-multiple.html
func (r *region) targets(asked []commandTarget) ([]*instance, *apiError) {
	chosen := slices.DeleteFunc(slices.Clone(r.instances.all()), func(i *instance) bool { return !i.managed() })
	for _, target := range asked {
		if target.Key == "InstanceIds" {
			if _, err := r.namedReceivers(target.Values); err != nil {
				return nil, err
			}
		}
		values := agentValues(strings.ToLower(target.Key[:1]) + target.Key[1:])
		if target.Key == "InstanceIds" {
			values = agentFields[target.Key]
		}
		if values == nil || len(target.Values) == 0 {
			return nil, fail("InvalidTarget", "The target %s isn't valid. The lab knows tag:KEY, tag-key and InstanceIds.", target.Key)
		}
		chosen = slices.DeleteFunc(chosen, func(i *instance) bool {
			return !slices.ContainsFunc(values(i), func(have string) bool { return slices.Contains(target.Values, have) })
		})
	}
	return chosen, nil
}

// executionTimeoutForm is the document's own: 1 to 172800.
var executionTimeoutForm = regexp.MustCompile(`^(?:[1-9][0-9]{0,4}|1[0-6][0-9]{4}|17[0-1][0-9]{3}|172[0-7][0-9]{2}|172800)$`)

// planCommand reads the document's parameters.
func (r *region) planCommand(in *sendCommandInput) (*command, *apiError) {
	values := map[string]string{"executionTimeout": defaultExecutionTimeout}
	for name, given := range in.Parameters {
		switch name {
		case "commands":
			values[name] = strings.Join(given, "\n")
		case "workingDirectory", "executionTimeout":
			if len(given) != 1 {
				return nil, fail("InvalidParameters", "Parameter \"%s\" must have one value.", name)
			}
			values[name] = given[0]
		default:
			return nil, fail("InvalidParameters", "document %s does not support parameters.", in.DocumentName)
		}
	}
	if values["commands"] == "" {
		return nil, fail("InvalidParameters", "document %s requires the parameter commands.", in.DocumentName)
	}
	if !executionTimeoutForm.MatchString(values["executionTimeout"]) {
		return nil, fail("InvalidParameters", "Parameter \"executionTimeout\" must match %s", executionTimeoutForm)
	}
	seconds, _ := strconv.Atoi(values["executionTimeout"]) // it has just been matched
	made := &command{
		id: r.ids.uuid(), number: len(r.commands) + 1, region: r, asked: in, requested: r.now(),
		script: values["commands"] + "\n", directory: cmp.Or(values["workingDirectory"], agentDirectory),
		limit: time.Duration(seconds) * time.Second,
	}
	made.expires = made.requested.Add(made.deliveryTimeout() + made.limit)
	return made, nil
}

// deliveryTimeout is until when a command must have begun.
func (c *command) deliveryTimeout() time.Duration {
	seconds := defaultDeliveryTimeout
	if c.asked.TimeoutSeconds != nil {
		seconds = *c.asked.TimeoutSeconds
	}
	return time.Duration(seconds) * time.Second
}

// share reads a number or a percentage of the targets.
func (c *command) share(text string) int {
	number, isPercent := strings.CutSuffix(text, "%")
	value, _ := strconv.Atoi(number) // it has been matched by the input's pattern
	if isPercent {
		return value * len(c.invocations) / 100
	}
	return value
}

func (c *command) concurrency() int {
	return max(1, c.share(cmp.Or(c.asked.MaxConcurrency, defaultConcurrency)))
}

func (c *command) maxErrors() int { return c.share(cmp.Or(c.asked.MaxErrors, defaultMaxErrors)) }
