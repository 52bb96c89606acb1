package story

import (
	"slices"
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// another is a CLI of a directory and a state of its own, with the access key of an account.
func another(t *testing.T, server *labtest.Server, account string) *cli {
	t.Helper()
	return newCLI(t, t.TempDir(), "AWS_ENDPOINT_URL="+server.URL, "AWS_ACCESS_KEY_ID="+account, "AWS_SECRET_ACCESS_KEY=lab", "AWS_REGION=us-east-1")
}

// as is the same directory with the access key of another account.
func (c *cli) as(account string) *cli {
	other := *c
	other.environ = append(slices.Clone(c.environ), "AWS_ACCESS_KEY_ID="+account)
	return &other
}

// fleetOf is a configuration of one fleet; more is within its block.
func fleetOf(image, label, name, more string) string {
	return `
resource "stamp_fleet" "` + label + `" {
  name           = "` + name + `"
  image_id       = "` + image + `"
  size           = 3
  instance_types = ["t3.micro"]
` + more + `
}
`
}

const beforeDestroy = "lifecycle { create_before_destroy = true }"

// running are the ids of the fleet's instances that are not ended.
func running(t *testing.T, server *labtest.Server, account, name string) []string {
	t.Helper()
	entered, _, err := cloud.New(t.Context(), cloud.Config{
		Region: "us-east-1", AccessKey: account, SecretKey: "lab", Endpoints: map[string]string{"ec2": server.URL, "ssm": server.URL, "sts": server.URL},
	})
	if err != nil {
		t.Fatal(err)
	}
	region, err := entered.Region("")
	if err != nil {
		t.Fatal(err)
	}
	found, err := region.Instances(t.Context(), cloud.InstanceQuery{Tags: cloud.Tags{cloud.TagFleet: name}})
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, 0, len(found))
	for _, instance := range found {
		ids = append(ids, instance.ID)
	}
	slices.Sort(ids)
	return ids
}

// same fails the test when the fleet has not the very instances that it had.
func same(t *testing.T, server *labtest.Server, account, name string, before []string) {
	t.Helper()
	if now := running(t, server, account, name); !slices.Equal(now, before) {
		t.Errorf("fleet %s has %v, want it untouched: %v", name, now, before)
	}
}

func nothingLeft(t *testing.T, server *labtest.Server) {
	t.Helper()
	for _, left := range server.Lab.Books().Leftovers {
		t.Errorf("left over: %s %s %v", left.Type, left.ID, left.Tags)
	}
}

// A state of one account with the credentials of another, where there is a fleet of the same
// name: nothing is read, and nothing is touched.
func TestOwnership_otherAccount(t *testing.T) {
	server := labtest.Start(t, lab.Options{})
	image := baseImage(t, server)
	staging, production := another(t, server, "lab"), another(t, server, "210987654321")
	for _, each := range []*cli{staging, production} {
		each.write(required + fleetOf(image, "web", "web", ""))
		each.run("apply", "-auto-approve", "-no-color")
	}
	before := running(t, server, "210987654321", "web")
	for _, args := range [][]string{
		{"plan"},
		{"plan", "-refresh=false"},
		{"destroy", "-auto-approve"},
		{"destroy", "-auto-approve", "-refresh=false"},
		{"apply", "-auto-approve", "-replace=stamp_fleet.web"},
		{"apply", "-auto-approve", "-refresh-only"},
	} {
		wants(t, staging.as("210987654321").fails(append(args, "-no-color")...), "The credentials are of another AWS account",
			"this state is of account 123456789012 (aws), the credentials are of account 210987654321 (aws)")
	}
	same(t, server, "210987654321", "web", before)
}

func TestOwnership_twiceInOneConfiguration(t *testing.T) {
	server := labtest.Start(t, lab.Options{})
	image := baseImage(t, server)
	terraform := another(t, server, "lab")
	terraform.write(required + fleetOf(image, "a", "same", "") + fleetOf(image, "b", "same", ""))
	wants(t, terraform.fails("plan", "-no-color"), "Two of the name same", "Each needs a name of its own there")
	nothingLeft(t, server)
	// Also when one is there already; and it stays as it is.
	terraform.write(required + fleetOf(image, "a", "same", ""))
	terraform.run("apply", "-auto-approve", "-no-color")
	before := running(t, server, "lab", "same")
	terraform.write(required + fleetOf(image, "a", "same", "") + fleetOf(image, "b", "same", ""))
	wants(t, terraform.fails("apply", "-auto-approve", "-no-color"), "Two of the name same")
	same(t, server, "lab", "same", before)
}

// A name that another configuration has is refused in the plan, for a new fleet and for one
// that is renamed: what is there stays. An import takes it over.
func TestOwnership_nameOfAnother(t *testing.T) {
	server := labtest.Start(t, lab.Options{})
	image := baseImage(t, server)
	theirs, ours := another(t, server, "lab"), another(t, server, "lab")
	theirs.write(required + fleetOf(image, "web", "taken", ""))
	theirs.run("apply", "-auto-approve", "-no-color")
	taken := running(t, server, "lab", "taken")
	ours.write(required + fleetOf(image, "web", "taken", ""))
	wants(t, ours.fails("apply", "-auto-approve", "-no-color"), "Fleet taken exists already", "Account 123456789012 (us-east-1) has 3 instances of a fleet of this name",
		"to = ADDRESS", `id = "taken@us-east-1"`)
	ours.write(required + fleetOf(image, "web", "free", ""))
	ours.run("apply", "-auto-approve", "-no-color")
	free := running(t, server, "lab", "free")
	ours.write(required + fleetOf(image, "web", "taken", ""))
	wants(t, ours.fails("apply", "-auto-approve", "-no-color"), "Fleet taken exists already")
	same(t, server, "lab", "free", free)
	same(t, server, "lab", "taken", taken)
	theirs.run("state", "rm", "stamp_fleet.web")
	ours.write(required + fleetOf(image, "web", "free", ""))
	ours.run("destroy", "-auto-approve", "-no-color")
	theirs.run("import", "-no-color", "stamp_fleet.web", "taken@us-east-1")
	wants(t, theirs.run("plan", "-no-color"), "No changes")
	same(t, server, "lab", "taken", taken)
	theirs.run("destroy", "-auto-approve", "-no-color")
	nothingLeft(t, server)
}

// What a replacement needs is looked at in the plan, while the old fleet still runs.
func TestOwnership_replacementThatCannotBe(t *testing.T) {
	server := labtest.Start(t, lab.Options{})
	image := baseImage(t, server)
	terraform := another(t, server, "lab")
	terraform.write(required + fleetOf(image, "web", "web", ""))
	terraform.run("apply", "-auto-approve", "-no-color")
	before := running(t, server, "lab", "web")
	for region, want := range map[string]string{
		"us-eats-1": "The region cannot be used",
		"eu-west-1": "The image cannot be used",
	} {
		terraform.write(required + fleetOf(image, "web", "web", `region = "`+region+`"`))
		wants(t, terraform.fails("apply", "-auto-approve", "-no-color"), want)
		same(t, server, "lab", "web", before)
	}
	terraform.write(required + fleetOf(image, "web", "renamed", ""))
	wants(t, terraform.run("plan", "-no-color"), "Fleet web is replaced", "all of its instances end before anything new is made")
}

// With create_before_destroy the new fleet stands before the old one goes, under one name
// too, whether it was asked for, tainted or has failed in its create.
func TestOwnership_createBeforeDestroy(t *testing.T) {
	server := labtest.Start(t, lab.Options{})
	image := baseImage(t, server)
	terraform := another(t, server, "lab")
	terraform.write(required + fleetOf(image, "web", "web", beforeDestroy))
	trouble, err := server.Lab.Order(lab.NoCapacity{Left: 2})
	if err != nil {
		t.Fatal(err)
	}
	wants(t, terraform.fails("apply", "-auto-approve", "-no-color"), "lacks 1 of 3 instances")
	if err := server.Lab.Lift(trouble); err != nil {
		t.Fatal(err)
	}
	former := running(t, server, "lab", "web")
	for _, replace := range [][]string{nil, {"-replace=stamp_fleet.web"}, {"-replace=stamp_fleet.web", "-refresh=false"}} {
		printed := terraform.run(append([]string{"apply", "-auto-approve", "-no-color"}, replace...)...)
		wants(t, printed, "1 added, 0 changed, 1 destroyed")
		if strings.Contains(printed, "What was to replace") {
			t.Errorf("%v: the new fleet counts as one that no state has:\n%s", replace, printed)
		}
		now := running(t, server, "lab", "web")
		if len(now) != 3 || slices.ContainsFunc(now, func(id string) bool { return slices.Contains(former, id) }) {
			t.Fatalf("%v: there are %v, want three that are not of %v\n%s", replace, now, former, printed)
		}
		wants(t, terraform.run("plan", "-no-color"), "No changes")
		former = now
	}
	terraform.run("taint", "stamp_fleet.web")
	terraform.run("plan", "-no-color", "-out=saved")
	terraform.run("apply", "-no-color", "saved")
	if now := running(t, server, "lab", "web"); len(now) != 3 || slices.Equal(now, former) {
		t.Errorf("after a saved plan there are %v, before %v", now, former)
	}
	terraform.run("destroy", "-auto-approve", "-no-color")
	nothingLeft(t, server)
}

// What the plan of one configuration has announced is nothing to another one on the same
// machine, and is used up by the apply.
func TestOwnership_noticeOfAnother(t *testing.T) {
	server := labtest.Start(t, lab.Options{})
	image := baseImage(t, server)
	ours, theirs := another(t, server, "lab"), another(t, server, "lab")
	for _, variable := range ours.environ {
		if strings.HasPrefix(variable, "XDG_CACHE_HOME=") {
			theirs.environ = append(theirs.environ, variable)
		}
	}
	ours.write(required + fleetOf(image, "web", "web", ""))
	ours.run("apply", "-auto-approve", "-no-color")
	before := running(t, server, "lab", "web")
	ours.run("plan", "-no-color", "-replace=stamp_fleet.web")
	theirs.write(required + fleetOf(image, "web", "web", ""))
	wants(t, theirs.fails("apply", "-auto-approve", "-no-color"), "Fleet web exists already")
	same(t, server, "lab", "web", before)
	// A plan that is refused announces nothing.
	counted := strings.Replace(fleetOf(image, "web", "web", "count = 2"), "size           = 3", "size           = 1", 1)
	ours.run("state", "mv", "stamp_fleet.web", "stamp_fleet.web[0]")
	ours.write(required + counted)
	wants(t, ours.fails("plan", "-no-color"), "Two of the name web")
	wants(t, ours.fails("apply", "-auto-approve", "-no-color", "-target=stamp_fleet.web[1]"), "Fleet web exists already")
	same(t, server, "lab", "web", before)
	ours.run("destroy", "-auto-approve", "-no-color", "-refresh=false")
	nothingLeft(t, server)
}

// A saved plan of a replacement is applied where nobody knows what the plan has seen: it says
// so, and changes nothing.
func TestOwnership_planOfAnotherMachine(t *testing.T) {
	server := labtest.Start(t, lab.Options{})
	terraform := another(t, server, "lab")
	terraform.write(required + fleetOf(baseImage(t, server), "web", "web", beforeDestroy))
	terraform.run("apply", "-auto-approve", "-no-color")
	before := running(t, server, "lab", "web")
	terraform.run("plan", "-no-color", "-replace=stamp_fleet.web", "-out=saved")
	elsewhere := *terraform
	elsewhere.environ = append(slices.Clone(terraform.environ), "XDG_CACHE_HOME="+t.TempDir())
	printed := elsewhere.fails("apply", "-no-color", "saved")
	wants(t, printed, "Fleet web exists already", "set STAMP_REPLACES=o-")
	same(t, server, "lab", "web", before)
	_, after, _ := strings.Cut(strings.Join(strings.Fields(printed), " "), "STAMP_REPLACES=")
	elsewhere.environ = append(elsewhere.environ, "STAMP_REPLACES="+after[:22])
	elsewhere.run("plan", "-no-color", "-replace=stamp_fleet.web", "-out=again")
	elsewhere.environ = append(elsewhere.environ, "XDG_CACHE_HOME="+t.TempDir())
	elsewhere.run("apply", "-no-color", "again")
	if now := running(t, server, "lab", "web"); len(now) != 3 || slices.Equal(now, before) {
		t.Errorf("there are %v, before %v", now, before)
	}
}
