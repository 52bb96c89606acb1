package story

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// reviewed is a fleet whose image is made in the same apply, as a bake makes it.
const reviewed = required + `
variable "size" {
  type = number
}

variable "image" {
  type = string
}

variable "strategy" {
  type    = string
  default = "replace"
}

resource "terraform_data" "bake" {
  input = var.image
}

resource "stamp_fleet" "web" {
  name           = "web"
  image_id       = terraform_data.bake.output
  size           = var.size
  instance_types = ["t3.micro"]
  rollout        = { strategy = var.strategy, max_unavailable = "1", max_surge = "10%", canary = 1, soak = "1s" }
}

resource "terraform_data" "id" {
  for_each = { for slot, server in stamp_fleet.web.instances : slot => server.instance_id if tonumber(slot) < 5 }
  input    = each.value
}
`

// reviewer reads plans of a configuration on a lab of its own.
type reviewer struct {
	*cli
	server *labtest.Server
	image  string
}

func newReviewer(t *testing.T) *reviewer {
	t.Helper()
	server := labtest.Start(t, lab.Options{})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.tf"), []byte(reviewed), 0o600); err != nil {
		t.Fatal(err)
	}
	return &reviewer{
		cli:    newCLI(t, dir, "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab", "AWS_REGION=us-east-1"),
		server: server, image: baseImage(t, server),
	}
}

func (r *reviewer) does(command string, size int, more ...string) string {
	r.t.Helper()
	args := []string{command, "-no-color", fmt.Sprintf("-var=size=%d", size)}
	if !strings.Contains(strings.Join(more, " "), "-var=image=") {
		args = append(args, "-var=image="+r.image)
	}
	if command == "apply" {
		args = append(args, "-auto-approve")
	}
	return r.run(append(args, more...)...)
}

// ids are the instances of the state, by slot.
func (r *reviewer) ids() (ids []string) {
	r.t.Helper()
	var shown struct {
		Values struct {
			Root struct {
				Resources []struct {
					Type   string
					Values struct {
						InstanceIDs []string `json:"instance_ids"`
					}
				}
			} `json:"root_module"`
		}
	}
	if err := json.Unmarshal([]byte(r.run("show", "-json")), &shown); err != nil {
		r.t.Fatal(err)
	}
	for _, resource := range shown.Values.Root.Resources {
		if resource.Type == "stamp_fleet" {
			ids = resource.Values.InstanceIDs
		}
	}
	return ids
}

// A plan of many servers fits into a pull request: each new one takes a few lines at
// most, and one that stays takes none.
func TestFleet_planIsShort(t *testing.T) {
	const many = 300
	r := newReviewer(t)
	perServer := func(larger, smaller string, servers int) float64 {
		return float64(len(larger)-len(smaller)) / float64(servers)
	}

	created := perServer(r.does("plan", many+5), r.does("plan", 5), many)
	r.does("apply", 5)
	one, all := r.does("plan", 6), r.does("plan", many+5)
	grown := perServer(all, one, many-1)
	r.does("apply", many+5)
	stays := perServer(r.does("plan", many+6), one, many)
	rolled := perServer(r.does("plan", many+5, "-var=image="+otherImage), one, many+5)
	t.Logf("bytes of the plan for each server: %.0f in a create, %.0f in growth, %.1f that stays, %.0f that is replaced", created, grown, stays, rolled)
	if created > 150 || grown > 150 {
		t.Errorf("a new server takes %.0f bytes of the plan, %.0f in growth: more than 150", created, grown)
	}
	if stays > 1 {
		t.Errorf("a server that stays takes %.1f bytes of the plan", stays)
	}
	if rolled > 900 {
		t.Errorf("a server that is replaced takes %.0f bytes of the plan", rolled)
	}
}

// otherImage is one that is not known before the apply, whatever its id.
const otherImage = "ami-0123456789abcdef0"

// A reviewer sees from the plan alone which servers end, and how; after a refresh, too.
func TestFleet_planSaysWhatEnds(t *testing.T) {
	r := newReviewer(t)
	if plan := r.does("plan", 5); strings.Contains(plan, "Warning: R") {
		t.Errorf("a create ends nothing:\n%s", plan)
	}
	r.does("apply", 5)
	wants(t, r.does("plan", 5, "-var=image="+otherImage), "Rolling fleet web: 5 instances, 3 batches of at most 2", "Slots 0-4: new instances. Each old one ends, with its disks,",
		"Canary: slot 0 first, which must stay ready for 1s", "image_id is known after the bake", "terraform_data.id[\"0\"] will be updated")

	plan := r.does("plan", 3)
	wants(t, plan, "Shrinking fleet web: 2 instances end", "Slots 3-4: the instances end", "slot 3: "+r.ids()[3])
	wants(t, r.does("plan", 3, "-destroy"), "Destroying fleet web: 5 instances end", "Slots 0-4", "slot 4: "+r.ids()[4])

	stopped := r.ids()[1]
	if err := r.server.Lab.SetState(stopped, "stopped"); err != nil {
		t.Fatal(err)
	}
	ends := []string{"Replacing 1 broken instance of fleet web", "slot 1: " + stopped + " is stopped", "ends, with its disks, before its successor is launched"}
	wants(t, r.does("plan", 5), ends...)
	r.does("apply", 5, "-refresh-only")
	wants(t, r.does("plan", 5), ends...)
	wants(t, r.does("apply", 5), ends...)
	if plan := r.does("plan", 5, "-detailed-exitcode"); strings.Contains(plan, "Warning: R") {
		t.Errorf("nothing is left to do:\n%s", plan)
	}
}

// New root volumes leave the instances as they are, so nothing that hangs on them is
// touched, whether or not the image is known.
func TestFleet_planKeepsInstancesOfRootVolumes(t *testing.T) {
	r := newReviewer(t)
	disks := "-var=strategy=replace_root_volume"
	r.does("apply", 3, disks)
	plan := r.does("plan", 3, disks, "-var=image="+otherImage)
	wants(t, plan, "Rolling fleet web: 3 instances", "Slots 0-2: new root volumes; instances, addresses and other volumes stay", "Plan: 0 to add, 2 to change, 0 to destroy")
	if strings.Contains(plan, `terraform_data.id["0"] will`) {
		t.Errorf("the instances stay:\n%s", plan)
	}
}
