package fleet

import (
	"strings"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// What EC2 would refuse at the launch is refused before, at its attribute.
func TestPreflight(t *testing.T) {
	tests := map[string]struct {
		change func(spec *Spec)
		// want is the error; empty accepts.
		want string
	}{
		"ordinary":                {func(*Spec) {}, ""},
		"no such image":           {func(s *Spec) { s.ImageID = "ami-0123456789abcdef0" }, "image_id: DescribeImages (us-east-1): InvalidAMIID.NotFound"},
		"a root volume too small": {func(s *Spec) { s.RootVolume.Size = 1 }, "root_volume.size: image "},
		"a root volume":           {func(s *Spec) { s.RootVolume.Size = 50 }, ""},
		"the root volume as data": {func(s *Spec) { s.Volumes = []cloud.Volume{{DeviceName: "/dev/xvda", Size: 50}} }, `volumes["/dev/xvda"]: /dev/xvda is the root volume of `},
		"a volume without a size": {func(s *Spec) { s.Volumes = []cloud.Volume{{DeviceName: "/dev/sdf"}} }, `volumes["/dev/sdf"].size: ami-`},
		"a volume":                {func(s *Spec) { s.Volumes = []cloud.Volume{{DeviceName: "/dev/sdf", Size: 1}} }, ""},
		"another's root device":   {func(s *Spec) { s.Volumes = []cloud.Volume{{DeviceName: "/dev/sda1", Size: 1}} }, `volumes["/dev/sda1"]: "/dev/sda1" is not a device name`},
		"another architecture":    {func(s *Spec) { s.InstanceTypes = []string{"t3.micro", "t4g.small"} }, "instance_types: t4g.small is of the architecture arm64, and image ami-"},
		"a type that is none":     {func(s *Spec) { s.InstanceTypes = []string{"t3.micor"} }, "instance_types: us-east-1 has no instance type t3.micor"},
		"an override's, of another": {
			func(s *Spec) { s.Slots = &Slots{Overrides: map[int]Override{1: {InstanceType: "t4g.small"}}} },
			`slots.overrides["1"].instance_type: t4g.small is of the architecture arm64`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
				test.change(&spec)
				got := ""
				if err := Preflight(t.Context(), stage.Region, spec); err != nil {
					got = err.Error()
				}
				if !strings.HasPrefix(got, test.want) || (test.want == "") != (got == "") {
					t.Errorf("got %q, want %q", got, test.want)
				}
			})
		})
	}
}

// An address that its subnet does not have is refused before the server that has the slot ends.
func TestPreflight_addresses(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		subnets, err := stage.Region.DefaultSubnets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		spec.SubnetIDs = []string{subnets[0].ID}
		for address, want := range map[string]string{
			"172.31.0.77": "",
			"10.0.0.1":    `slots.overrides["1"].private_ip: 10.0.0.1 is not in ` + subnets[0].ID + ", which has the addresses of 172.31.0.0/20",
		} {
			spec.Slots = &Slots{Overrides: map[int]Override{1: {PrivateIP: address}}}
			got := ""
			if err := Preflight(t.Context(), stage.Region, spec); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("%s: got %q, want %q", address, got, want)
			}
		}
		spec.Slots = &Slots{Overrides: map[int]Override{1: {PrivateIP: "172.31.0.77", SubnetID: subnets[1].ID}}}
		if err := Preflight(t.Context(), stage.Region, spec); err == nil {
			t.Error("an address of another subnet than the slot's is taken")
		}
		stage.Order(lab.FailCall{Action: "DescribeSubnets", Code: "UnauthorizedOperation", Times: -1})
		if err := Preflight(t.Context(), stage.Region, spec); err != nil {
			t.Error(err)
		}
	})
}

// Whoever may not ask for the architectures of types can plan all the same.
func TestPreflight_withoutThePermission(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		stage.Order(lab.FailCall{Action: "DescribeInstanceTypes", Code: "UnauthorizedOperation", Times: -1})
		spec.InstanceTypes = []string{"t4g.small"}
		if err := Preflight(t.Context(), stage.Region, spec); err != nil {
			t.Error(err)
		}
	})
}
