package fleet

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// An apply that runs out of time says what each instance lacks, and shows a console.
func TestApply_saysWhatIsLacking(t *testing.T) {
	onStage(t, awsWeather, func(t *testing.T, stage *terraform, spec Spec) {
		ctx, cancel := context.WithTimeout(t.Context(), minute)
		defer cancel()
		_, err := stage.apply(ctx, stage.Region, spec, nil)
		for _, want := range []string{"not ready after 1m0s: slots 0-2 have not passed their status checks yet", "The end of the console of i-"} {
			if advice := adviceOf(t, err); !strings.Contains(advice, want) {
				t.Errorf("want %q in\n%s", want, advice)
			}
		}
	})
}

// Where nothing was to be rolled, nothing is said of a rollout.
func TestApply_saysThatItMends(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		before := applied(t, stage, spec, nil)
		if err := stage.Lab.SetState(idOf(before, 1), "stopped"); err != nil {
			t.Fatal(err)
		}
		stage.Order(lab.FailCall{Action: "RunInstances", Code: "VcpuLimitExceeded", Times: -1})
		_, err := stage.apply(t.Context(), stage.Region, spec, &spec)
		if err == nil || !strings.Contains(err.Error(), "broken instances that were not replaced") || strings.Contains(adviceOf(t, err), "former configuration") {
			t.Errorf("got %v", err)
		}
	})
}

// A change in place that AWS refuses for good says what is missing, is not waited for, and
// does not send people into the same refusal again.
func TestUpdate_saysWhatIsMissing(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Spec)
		want   []string
	}{
		"target group": {
			func(s *Spec) {
				s.TargetGroupARNs = []string{"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/gone/0123456789abcdef"}
			},
			[]string{"target group gone: RegisterTargets", "TargetGroupNotFound", "Next: see that what is missing is there"},
		},
		"security group": {
			func(s *Spec) { s.SecurityGroupIDs = []string{"sg-0123456789abcdef0"} },
			[]string{"security groups", "InvalidGroup.NotFound", "Next: see that what is missing is there"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
				applied(t, stage, spec, nil)
				next := spec
				test.change(&next)
				begun := time.Now()
				_, err := stage.apply(t.Context(), stage.Region, next, &spec)
				if took := time.Since(begun); took > 30*time.Second {
					t.Errorf("it took %s to say so", took)
				}
				for _, want := range test.want {
					if advice := adviceOf(t, err); !strings.Contains(advice, want) {
						t.Errorf("want %q in\n%s", want, advice)
					}
				}
			})
		})
	}
}
