package provider

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// logCall writes one line at DEBUG for each attempt of a call to AWS.
func logCall(ctx context.Context, call cloud.Call) {
	fields := map[string]any{
		"service": call.Service, "action": call.Action, "region": call.Region, "attempt": call.Attempt, "ms": call.Took.Milliseconds(),
	}
	if call.Status != 0 {
		fields["status"] = call.Status
	}
	for name, value := range map[string]string{"request_id": call.RequestID, "code": call.Code, "error": call.Err} {
		if value != "" {
			fields[name] = value
		}
	}
	tflog.Debug(ctx, callText(call), fields)
}

// callText is the line for the eyes; the fields beside it are for machines.
func callText(call cloud.Call) string {
	outcome := strings.TrimSpace(fmt.Sprint(call.Status, " ", call.Code))
	if call.Status == 0 {
		outcome = "no answer"
	}
	text := fmt.Sprintf("AWS call %s %s in %s: %s after %d ms", call.Service, call.Action, call.Region, outcome, call.Took.Milliseconds())
	if call.Attempt > 1 {
		text += fmt.Sprintf(", attempt %d", call.Attempt)
	}
	return text
}

// debugging reports whether Terraform's log is so detailed that the output of steps belongs
// into it.
// https://developer.hashicorp.com/terraform/internals/debugging
func debugging() bool {
	for _, variable := range []string{"TF_LOG_PROVIDER_STAMP", "TF_LOG_PROVIDER", "TF_LOG"} {
		if level := strings.ToUpper(os.Getenv(variable)); level != "" {
			return level == "DEBUG" || level == "TRACE" || level == "JSON"
		}
	}
	return false
}

// withoutNoise keeps a library from telling, at INFO and for each resource, that a timeout
// has its default.
func withoutNoise(ctx context.Context) context.Context {
	return tflog.OmitLogWithMessageStrings(ctx, "timeout configuration not found")
}
