package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// acts are the story, in order.
var acts = []struct {
	title string
	play  func(ctx context.Context, s *stage) error
}{
	{"Bake a golden image and stamp a fleet of 3 from it", bakeAndStamp},
	{"Look inside two servers: identical, but for what should differ", lookInside},
	{"Scale to 12 by changing size alone", scale},
	{"Change a step: version 2 is baked and the fleet rolls to it", rebake},
	{"Break a step: the check fails, and nothing else happens", breakStep},
	{"Go back to the first configuration: version 1 again, nothing is baked", revert},
	{"Kill a server behind Terraform's back: its slot alone is mended", mend},
	{"Destroy, and look at what is left over", destroy},
}

func bakeAndStamp(ctx context.Context, s *stage) error {
	say("   The source is an SSM parameter. A step uploads a directory, another runs a script on a builder; a check")
	say("   runs there, and again on a fresh instance of the captured image. Only then the fleet gets it.")
	if _, err := s.plan(ctx, `will be created|^      . (bake_reason|fingerprint|image_name|source_image_id|size) |Plan:`); err != nil {
		return err
	}
	if output, err := s.apply(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	now, err := s.outputs(ctx)
	if err != nil {
		return err
	}
	say("   version %d is %s; the servers: %s", now.Image.Value.Version, now.Image.Value.ID, list(now.Instances.Value))
	return demand(now.Image.Value.Version == 1 && len(now.Instances.Value) == 3, "version 1 and 3 instances")
}

func scale(ctx context.Context, s *stage) error {
	before, err := s.outputs(ctx)
	if err != nil {
		return err
	}
	if err := s.edit("size           = 3", "size           = 12"); err != nil {
		return err
	}
	launches, err := s.counted(ctx, "RunInstances", func() error {
		if _, err := s.plan(ctx, `# stamp_fleet|  ~ size|Plan:`); err != nil {
			return err
		}
		if output, err := s.apply(ctx); err != nil {
			return fmt.Errorf("%w\n%s", err, output)
		}
		return nil
	})
	if err != nil {
		return err
	}
	after, err := s.outputs(ctx)
	if err != nil {
		return err
	}
	for slot, id := range before.Instances.Value {
		if after.Instances.Value[slot] != id {
			return fmt.Errorf("slot %s was touched: %s became %s", slot, id, after.Instances.Value[slot])
		}
	}
	say("   9 servers came by %d RunInstances calls, one for each subnet; the 3 old ones are untouched.", launches)
	return demand(len(after.Instances.Value) == 12 && launches <= 3, "12 instances by at most 3 launches")
}

func rebake(ctx context.Context, s *stage) error {
	if err := s.edit(`GREETING = "Hello"`, `GREETING = "Hello, World! This is version 2. Hello"`); err != nil {
		return err
	}
	if _, err := s.plan(ctx, `# stamp|bake_reason|^      ~ (version|image_id) +=|Plan:`); err != nil {
		return err
	}
	if output, err := s.apply(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	now, err := s.outputs(ctx)
	if err != nil {
		return err
	}
	said, err := s.lab.inside(ctx, now.Instances.Value["11"], "cloud-init status --wait >/dev/null; /opt/app/greet World; hostname")
	if err != nil {
		return err
	}
	say("   version %d is %s; the last server says: %s", now.Image.Value.Version, now.Image.Value.ID, strings.Join(strings.Fields(said), " "))
	return demand(now.Image.Value.Version == 2 && strings.Contains(said, "version 2"), "version 2 on the fleet")
}

func breakStep(ctx context.Context, s *stage) error {
	before, err := s.outputs(ctx)
	if err != nil {
		return err
	}
	if err := s.edit(`GREETING = "Hello, World! This is version 2. Hello"`, `GREETING = "Hallo"`); err != nil {
		return err
	}
	if _, err := s.plan(ctx, `# stamp|^      . bake_reason|^      ~ version +=|Plan:`); err != nil {
		return err
	}
	output, err := s.apply(ctx)
	if err == nil {
		return fmt.Errorf("the apply should have failed:\n%s", output)
	}
	if _, message, found := strings.Cut(output, "Error: "); found {
		s.show("Error: "+message, ``)
	}
	for _, word := range []string{`check "greets" failed`, "exit code 3", "Hallo, World", "version 2"} {
		if !strings.Contains(output, word) {
			return fmt.Errorf("the error does not say %q:\n%s", word, output)
		}
	}
	after, err := s.outputs(ctx)
	if err != nil {
		return err
	}
	say("   The image stays at version %d, and no server was touched.", after.Image.Value.Version)
	return demand(after.Image.Value.Version == 2 && maps.Equal(before.Instances.Value, after.Instances.Value), "version 2 and the same instances")
}

func revert(ctx context.Context, s *stage) error {
	if err := s.edit(`GREETING = "Hallo"`, `GREETING = "Hello"`); err != nil {
		return err
	}
	captures, err := s.counted(ctx, "CreateImage", func() error {
		if _, err := s.plan(ctx, `# stamp|bake_reason|^      ~ (version|image_id) +=|Plan:`); err != nil {
			return err
		}
		if output, err := s.apply(ctx); err != nil {
			return fmt.Errorf("%w\n%s", err, output)
		}
		return nil
	})
	if err != nil {
		return err
	}
	now, err := s.outputs(ctx)
	if err != nil {
		return err
	}
	say("   version %d is current again: %s", now.Image.Value.Version, now.Image.Value.Reason)
	return demand(now.Image.Value.Version == 1 && captures == 0, "version 1 without a bake")
}

func mend(ctx context.Context, s *stage) error {
	before, err := s.outputs(ctx)
	if err != nil {
		return err
	}
	victim := before.Instances.Value["7"]
	say("   %s (slot 7) is terminated by somebody.", victim)
	if err := s.lab.kill(ctx, victim); err != nil {
		return err
	}
	output, err := s.plan(ctx, `Warning|slot 7|# stamp_fleet|"[0-9]+" = \{|11 unchanged elements|Plan:`)
	if err != nil {
		return err
	}
	if strings.Count(output, `" = {`) != 1 || !strings.Contains(output, `+ "7" = {`) {
		return fmt.Errorf("the plan should show slot 7 alone:\n%s", output)
	}
	if output, err := s.apply(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	after, err := s.outputs(ctx)
	if err != nil {
		return err
	}
	say("   slot 7: %s → %s", victim, after.Instances.Value["7"])
	changed := 0
	for slot, id := range after.Instances.Value {
		if before.Instances.Value[slot] != id {
			changed++
		}
	}
	return demand(changed == 1 && len(after.Instances.Value) == 12, "one new instance of 12")
}

func destroy(ctx context.Context, s *stage) error {
	stop := s.follow()
	output, err := s.terraform(ctx, "destroy", "-auto-approve", "-no-color")
	stop()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, output)
	}
	s.show(output, `Destroy complete`)
	found, err := s.lab.books(ctx)
	if err != nil {
		return err
	}
	say("")
	say("   All API calls of this demo:")
	total := 0
	for _, action := range slices.Sorted(maps.Keys(found.Requests)) {
		say("   %6d  %s", found.Requests[action], action)
		total += found.Requests[action]
	}
	say("   %6d  requests in all", total)
	say("")
	say("   leftovers: %d", len(found.Leftovers))
	for _, left := range found.Leftovers {
		say("   %s %s", left.Type, left.ID)
	}
	say("   Next: make lab, make install, and docs/guides/getting-started.md")
	return demand(len(found.Leftovers) == 0, "no leftovers")
}

// counted returns how many calls of an action a part of the story has made.
func (s *stage) counted(ctx context.Context, action string, part func() error) (int, error) {
	before, err := s.lab.books(ctx)
	if err != nil {
		return 0, err
	}
	if err := part(); err != nil {
		return 0, err
	}
	after, err := s.lab.books(ctx)
	return after.Requests[action] - before.Requests[action], err
}

func demand(holds bool, what string) error {
	if !holds {
		return fmt.Errorf("expected %s", what)
	}
	return nil
}

func list(instances map[string]string) string {
	var all []string
	for _, slot := range slices.Sorted(maps.Keys(instances)) {
		all = append(all, instances[slot])
	}
	return strings.Join(all, ", ")
}
