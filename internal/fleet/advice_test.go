package fleet

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// What a failed launch tells people to do depends on what has stopped it.
func TestApply_advisesByTheCause(t *testing.T) {
	const places = "more instance_types or subnet_ids"
	for code, want := range map[string]string{
		"InsufficientInstanceCapacity":      places,
		"Unsupported":                       places,
		"InsufficientFreeAddressesInSubnet": "subnets with free addresses",
		"VcpuLimitExceeded":                 "ask AWS for a higher quota, or lower size; then run terraform",
		"UnauthorizedOperation":             "the permission that is missing; then run terraform",
		"InvalidParameterValue":             "correct the cause; then run terraform",
		"InvalidGroup.NotFound":             "see that what is missing is there, in this account and region, or name another; then run terraform",
	} {
		t.Run(code, func(t *testing.T) {
			onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
				stage.Order(lab.FailCall{Action: "RunInstances", Code: code, Times: -1})
				_, err := stage.apply(t.Context(), stage.Region, spec, nil)
				advice := adviceOf(t, err)
				if !strings.Contains(advice, want) || !strings.Contains(advice, code) {
					t.Errorf("want %q in\n%s", want, advice)
				}
				if want != places && strings.Contains(advice, places) {
					t.Errorf("other places do not help:\n%s", advice)
				}
			})
		})
	}
}

// Whoever has stopped the apply knows why nothing is ready.
func TestApply_saysHowToGoOnAfterCtrlC(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		stage.Order(lab.Impair{Image: spec.ImageID})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		time.AfterFunc(time.Minute, cancel)
		_, err := stage.apply(ctx, stage.Region, spec, nil)
		advice := adviceOf(t, err)
		if !strings.Contains(advice, "interrupted while waiting") || !strings.Contains(advice, "untaint") || strings.Contains(advice, "see why") {
			t.Errorf("got %s", advice)
		}
	})
}

// What was not launched needs no untaint to be kept.
func TestApply_keepsNothingWhereNothingWasLaunched(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		stage.Order(lab.FailCall{Action: "RunInstances", Code: "InvalidParameterValue", Times: -1})
		_, err := stage.apply(t.Context(), stage.Region, spec, nil)
		advice := adviceOf(t, err)
		if !strings.Contains(advice, "Now: nothing was launched\n") || strings.Contains(advice, "untaint") || strings.Contains(advice, "the others") {
			t.Errorf("got %s", advice)
		}
	})
}
