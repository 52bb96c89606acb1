package ownership_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// takenOver adds a version to the only lease that there is, as who takes over does.
func takenOver(t *testing.T, stage *rehearsal.Stage) {
	t.Helper()
	for _, left := range stage.Lab.Books().Leftovers {
		if left.Type == "launch-template" {
			if _, err := stage.Region.CreateLaunchTemplateVersion(t.Context(), left.ID, "somebody else", "somebody-else"); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("there is no lease")
}

// A version that somebody has put between two signs of life means that the lease is lost,
// although EC2 has taken the sign of life.
func TestLease_somebodyElseInBetween(t *testing.T) {
	rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
		lease := begin(t, stage, fleet)
		takenOver(t, stage)
		select {
		case <-lease.Context().Done():
		case <-time.After(2 * time.Minute):
		}
		if why := context.Cause(lease.Context()); !errors.Is(why, ownership.ErrLost) {
			t.Errorf("the lease's context has ended with %v", why)
		}
		end(t, lease)
		if leftLeases(stage) != 1 {
			t.Error("the lease that is somebody else's was deleted")
		}
	})
}

// silent is a region that refuses signs of life for a while.
type silent struct {
	ownership.AWS
	until time.Time
}

func (s silent) CreateLaunchTemplateVersion(ctx context.Context, id, description, token string) (int, error) {
	if time.Now().Before(s.until) {
		return 0, &cloud.Error{Code: "InternalError", Message: "for a while"}
	}
	return s.AWS.CreateLaunchTemplateVersion(ctx, id, description, token)
}

// An apply that ends after a long silence makes sure that its lease is still its own before
// it deletes it: somebody else may be about to take over.
func TestLease_endsAfterALongSilence(t *testing.T) {
	for _, over := range []bool{false, true} {
		rehearsal.Run(t, lab.Options{}, func(t *testing.T, stage *rehearsal.Stage) {
			const silence = 150 * time.Second
			aws := silent{stage.Region, time.Now().Add(silence)}
			lease, err := ownership.Begin(t.Context(), aws, fleet, ownership.Options{})
			if err != nil {
				t.Fatal(err)
			}
			<-time.After(silence)
			if over {
				takenOver(t, stage)
			}
			end(t, lease)
			if left := leftLeases(stage); over != (left == 1) {
				t.Errorf("taken over: %t; then %d leases are left", over, left)
			}
		})
	}
}
