package lab

import (
	"fmt"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/guests"
)

// How much of a command's output is kept, in characters.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_CommandPlugin.html
const (
	maxStdout = 24000
	maxStderr = 8000
	maxPlugin = 2500
	// cutMark is how the agent ends what it has cut.
	cutMark = "--output truncated--"
)

// shorten keeps the beginning of a text that is too long.
func shorten(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most-len(cutMark)]) + cutMark
}

// finish is the end of a run that came to its own end, or that could not begin. The
// agent adds why it failed to what the script said.
func (v *invocation) finish(result guests.Result, err error, now time.Time) {
	failure := ""
	switch {
	case err != nil:
		result.ExitCode, failure = 1, fmt.Sprintf("failed to run commands: %v", err)
	case result.ExitCode != 0:
		failure = fmt.Sprintf("failed to run commands: exit status %d", result.ExitCode)
	}
	result.Errors += failure
	v.code = result.ExitCode
	v.stdout, v.stderr = shorten(result.Output, maxStdout), shorten(result.Errors, maxStderr)
	v.save("stdout", result.Output, now)
	v.save("stderr", result.Errors, now)
	if failure != "" {
		v.end(cmdFailed, cmdFailed, now)
		return
	}
	v.end(cmdSuccess, cmdSuccess, now)
}

// save puts a stream into the command's bucket, whole.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/rc-console.html
func (v *invocation) save(stream, text string, now time.Time) {
	to := v.instance.region.lab.s3Buckets[v.command.asked.OutputS3BucketName]
	if to == nil || text == "" {
		return
	}
	to.keep(&s3Object{key: v.objectKey(stream), content: []byte(text), modified: now})
	if v.saved == nil {
		v.saved = map[string]bool{}
	}
	v.saved[stream] = true
}

func (v *invocation) objectPrefix() string {
	plugin := strings.ReplaceAll(ssmDocuments[v.command.asked.DocumentName].plugin, ":", "")
	return path.Join(v.command.asked.OutputS3KeyPrefix, v.command.id, v.instance.id, plugin)
}

func (v *invocation) objectKey(stream string) string {
	prefix := v.objectPrefix()
	return path.Join(prefix, "0."+path.Base(prefix), stream)
}

// url is where a stream can be read whole, if it went to a bucket.
func (v *invocation) url(stream string) string {
	name := v.command.asked.OutputS3BucketName
	if name == "" || !v.over() {
		return ""
	}
	return "https://s3." + v.instance.region.name + ".amazonaws.com/" + name + "/" + v.objectKey(stream)
}

// pluginOutput is both streams together, as lists show them.
func (v *invocation) pluginOutput() string {
	both := v.stdout
	if v.stderr != "" {
		both += "\n----------ERROR-------\n" + v.stderr
	}
	return shorten(both, maxPlugin)
}

// duration is a time span as ISO 8601 has it: PT1M2.5S.
func duration(of time.Duration) string {
	seconds := of.Round(time.Millisecond).Seconds()
	text := "PT"
	if hours := int(seconds) / 3600; hours > 0 {
		text += fmt.Sprintf("%dH", hours)
	}
	if minutes := int(seconds) / 60 % 60; minutes > 0 {
		text += fmt.Sprintf("%dM", minutes)
	}
	rest := seconds - float64(int(seconds)/60*60)
	return text + strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.3f", rest), "0"), ".") + "S"
}
