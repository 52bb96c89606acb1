package provider

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/ownership"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// session is what the configured provider hands to its resources.
type session struct {
	// account is nil while the provider block is not wholly known.
	account     *cloud.Account
	defaultTags cloud.Tags
	progress    *progressFile
	// now is the clock by which images become too old.
	now   func() time.Time
	lines seenLines
	files seenFiles
	names names

	mu sync.Mutex
	// seen are fleets by what of them was looked at.
	seen map[string]sight
}

// ready reports whether AWS can be read.
func (s *session) ready() bool { return s != nil && s.account != nil }

// region returns the region, by name or the default one.
func (s *session) region(name string, diags *diag.Diagnostics) *cloud.Region {
	if !s.ready() {
		diags.AddError("The provider is not configured",
			"The provider block depends on values that are not known, even now. Give it values that are known before apply.")
		return nil
	}
	region, err := s.account.Region(name)
	if err != nil {
		attributeError(diags, path.Root("region"), "The region cannot be used", err.Error())
		return nil
	}
	return region
}

// caller is the account's number, for words; empty where it is not to be had.
func (s *session) caller(ctx context.Context) string {
	id, err := s.account.ID(ctx)
	if err != nil {
		return ""
	}
	return id
}

// observeFleet reads a fleet, unless the refresh that came just before this plan has
// read it: what it saw is what the plan compares with.
func (s *session) observeFleet(ctx context.Context, region *cloud.Region, watch fleet.Watch) (*fleet.Observation, error) {
	s.mu.Lock()
	seen, there := s.seen[sightOf(region, watch)]
	delete(s.seen, sightOf(region, watch))
	s.mu.Unlock()
	if there && time.Since(seen.at) < sightLasts {
		return seen.observed, nil
	}
	return fleet.Observe(ctx, region, watch)
}

// rememberFleet keeps what a refresh has seen for the plan that follows.
func (s *session) rememberFleet(region *cloud.Region, watch fleet.Watch, observed *fleet.Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]sight{}
	}
	s.seen[sightOf(region, watch)] = sight{observed: observed, at: time.Now()}
}

// sightLasts is longer than between the refresh and the plan of one resource.
const sightLasts = time.Minute

// sight is what has been seen of a fleet.
type sight struct {
	observed *fleet.Observation
	at       time.Time
}

func sightOf(region *cloud.Region, watch fleet.Watch) string {
	return fmt.Sprint(region.Name(), watch.Owner, watch.Health, watch.TargetGroupARNs)
}

// knows tells, for the objects of a name, whether a state of this configuration has one.
func (s *session) knows(owner ownership.Owner) func(ownerID string) bool {
	return func(ownerID string) bool { return s.names.knows(owner.As(ownerID)) }
}

// claim announces an object whose create could not give its lease up. To the apply, which is
// another process, it would look like one that has died, with all that it has.
func (s *session) claim(owner ownership.Owner, leases ownership.Leases) {
	if owner.ID != "" && leases.OwnCreate(owner) {
		s.names.announce(owner)
	}
}

// report returns a progress that writes to Terraform's log and to the progress
// file, under the resource's name.
func (s *session) report(ctx context.Context, resource string) report.Progress {
	return func(line string) {
		tflog.Info(ctx, line, map[string]any{"stamp_resource": resource})
		s.progress.write(resource, line)
	}
}

// output returns a progress for what steps print that end well. It is nil unless somebody
// asks for it: by the progress file, or by a log at DEBUG.
func (s *session) output(ctx context.Context, resource string) report.Progress {
	if !s.progress.output && !debugging() {
		return nil
	}
	return func(text string) {
		tflog.Debug(ctx, text, map[string]any{"stamp_resource": resource})
		if s.progress.output {
			s.progress.write(resource, text)
		}
	}
}
