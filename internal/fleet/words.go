package fleet

import (
	"context"
	"errors"
	"fmt"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// nowAfterLaunch is what is there when not all could be launched.
func (r *run) nowAfterLaunch(launched, wanted int) string {
	now := fmt.Sprintf("%d of %d were launched and are kept", launched, wanted)
	if launched == 0 {
		now = "nothing was launched"
	}
	return now + r.untouched(wanted)
}

func (r *run) untouched(touched int) string {
	if touched == r.spec.Size {
		return ""
	}
	return "; the others of the fleet are untouched"
}

// nextAfterLaunch is what to do when not all could be launched. Terraform taints a
// resource whose create has failed, and would begin by destroying what is there.
func (r *run) nextAfterLaunch(cause error, launched int) string {
	first, more := r.aroundNext(cause)
	if r.create && launched+len(r.observed.Members) > 0 {
		return first + report.Untaint + ", so that what was launched is kept, and then terraform apply: it launches the rest" + more
	}
	return first + "run terraform apply again: it launches the rest" + more
}

// aroundNext is what to do before the next try, and what would help it, by what has
// stopped the launch.
func (r *run) aroundNext(cause error) (first, more string) {
	if advice(cause, r.spec.ImageID) != "" {
		return "", ""
	}
	switch cloud.ClassOf(cause) {
	case cloud.Capacity, cloud.Unsupported:
		return "", "; more instance_types or subnet_ids give it more places to look"
	case cloud.Addresses:
		return "", "; subnets with free addresses give it more places to look"
	case cloud.Quota:
		return "ask AWS for a higher quota, or lower size; then ", ""
	case cloud.Denied:
		return cloud.Remedy(cause) + "; then ", ""
	case cloud.Fatal:
		return "correct the cause; then ", ""
	case cloud.NotFound:
		return "see that what is missing is there, in this account and region, or name another; then ", ""
	case cloud.Throttle, cloud.InUse, cloud.Unclear: // which another try may not meet
	}
	return "", ""
}

func (r *run) nextAfterWait(cause error) string {
	switch stopped := errors.Is(cause, context.Canceled); {
	case stopped && r.create:
		return report.Untaint + ", so that they are kept, and then terraform apply: it goes on from there"
	case stopped:
		return "run terraform apply again: it goes on from there"
	case r.create:
		return "see why they are not ready; then " + report.Untaint + ", so that the others are kept, and terraform apply: it replaces those that fail"
	}
	return "see why they are not ready (terraform plan shows which are replaced), then run terraform apply again"
}

// failure fills in what all failures of a fleet share.
func (r *run) failure(what, subject string, cause error, now, next string) error {
	where := "fleet " + r.spec.Name + " (" + r.aws.Name() + ")"
	if subject != "" {
		where += ", " + subject
	}
	return &report.Failure{
		Summary: fmt.Sprintf("Fleet %s %s", r.spec.Name, what),
		Subject: where, Cause: cause, Now: now, Next: advice(cause, r.spec.ImageID) + next,
	}
}
