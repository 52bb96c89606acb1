package lives

import (
	"fmt"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/fleet"
)

// edit changes the configuration in one thing, and says in which.
func (w *workspace) edit() string {
	edits := []func() string{
		w.editSize, w.editSize, w.editSize, w.editStep, w.editStep, w.editFleetTags, w.editLineTags, w.editRetention, w.editAccounts,
		w.editRegions, w.editParameter, w.editRollout, w.editRollout, w.editProtection, w.editImageProtection, w.editWanted, w.editLifecycle,
	}
	return edits[w.luck.IntN(len(edits))]()
}

// one of the fleets.
func (w *workspace) anyFleet() (*object, *crew) {
	i := w.luck.IntN(len(w.fleets))
	return w.fleets[i], w.crews[i]
}

func (w *workspace) editSize() string {
	o, crew := w.anyFleet()
	crew.wants.Size = w.luck.IntN(7)
	w.fit(crew)
	return fmt.Sprintf("size of %s = %d", o.name, crew.wants.Size)
}

func (w *workspace) editStep() string {
	script := string(rune('a' + w.luck.IntN(3)))
	w.recipe.wants.Bake.Steps[0].Script = script
	return "step = " + script
}

func (w *workspace) editFleetTags() string {
	o, crew := w.anyFleet()
	crew.wants.Tags = cloud.Tags{"App": fmt.Sprint(w.luck.IntN(3))}
	return fmt.Sprintf("tags of %s = %v", o.name, crew.wants.Tags)
}

func (w *workspace) editLineTags() string {
	w.recipe.wants.Tags = cloud.Tags{"Team": fmt.Sprint(w.luck.IntN(3))}
	return fmt.Sprintf("tags of the line = %v", w.recipe.wants.Tags)
}

func (w *workspace) editRetention() string {
	w.recipe.wants.Capture.RetainVersions = 1 + w.luck.IntN(3)
	return fmt.Sprintf("retain_versions = %d", w.recipe.wants.Capture.RetainVersions)
}

func (w *workspace) editAccounts() string {
	permissions := &w.recipe.wants.Distribute.Permissions
	if len(permissions.AccountIDs) > 0 {
		permissions.AccountIDs = nil
	} else {
		permissions.AccountIDs = []string{"111122223333"}
	}
	return fmt.Sprintf("account_ids = %v", permissions.AccountIDs)
}

// further are the regions that copies may go to.
var further = []string{"eu-west-1", "eu-central-1"}

func (w *workspace) editRegions() string {
	region, regions := further[w.luck.IntN(len(further))], w.recipe.wants.Distribute.Regions
	if _, there := regions[region]; there {
		delete(regions, region)
	} else {
		regions[region] = ""
	}
	return fmt.Sprintf("regions = %v", regions)
}

func (w *workspace) editParameter() string {
	parameter := &w.recipe.wants.Distribute.Parameter
	*parameter = []string{"", "/golden/web", "/golden/other"}[w.luck.IntN(3)]
	return "ssm_parameter = " + *parameter
}

func (w *workspace) editRollout() string {
	o, crew := w.anyFleet()
	rollout := &crew.wants.Rollout
	*rollout = fleet.Rollout{Rollback: w.luck.IntN(2) == 0}
	switch w.luck.IntN(3) {
	case 0:
		rollout.MaxSurge = fleet.Amount{Number: 1 + w.luck.IntN(3)}
	case 1:
		rollout.MaxUnavailable = fleet.Amount{Number: 1 + w.luck.IntN(2)}
	default:
		rollout.MaxSurge, rollout.MaxUnavailable = fleet.Amount{Number: 50, Percent: true}, fleet.Amount{Number: 1}
	}
	if w.luck.IntN(3) == 0 {
		rollout.Canary, rollout.Soak = 1, 2*time.Minute
	}
	if w.luck.IntN(3) == 0 {
		rollout.Strategy, rollout.MaxUnavailable = fleet.StrategyRootVolume, fleet.Amount{Number: 1}
	}
	w.fit(crew)
	return fmt.Sprintf("rollout of %s = %+v", o.name, *rollout)
}

// fit keeps a rollout one that the provider takes.
func (w *workspace) fit(crew *crew) {
	if err := crew.wants.Validate(); err != nil {
		crew.wants.Rollout = fleet.Rollout{MaxSurge: fleet.Amount{Number: 1}}
	}
}

func (w *workspace) editProtection() string {
	o, crew := w.anyFleet()
	crew.wants.TerminationProtection = !crew.wants.TerminationProtection
	return fmt.Sprintf("disable_api_termination of %s = %t", o.name, crew.wants.TerminationProtection)
}

func (w *workspace) editImageProtection() string {
	capture := &w.recipe.wants.Capture
	capture.Protect = !capture.Protect
	return fmt.Sprintf("deregistration_protection = %t", capture.Protect)
}

// editWanted takes a fleet out of the configuration, or puts it back.
func (w *workspace) editWanted() string {
	o, _ := w.anyFleet()
	o.wanted = !o.wanted
	return fmt.Sprintf("%s is wanted: %t", o.name, o.wanted)
}

func (w *workspace) editLifecycle() string {
	objects := w.objects()
	o := objects[w.luck.IntN(len(objects))]
	o.createFirst = !o.createFirst
	return fmt.Sprintf("create_before_destroy of %s = %t", o.name, o.createFirst)
}

// askReplace is -replace for some object.
func (w *workspace) askReplace() string {
	objects := w.objects()
	o := objects[w.luck.IntN(len(objects))]
	if o.current == nil {
		return "nothing to replace"
	}
	o.replace = true
	return fmt.Sprintf("-replace of %s", o.name)
}
