package fleet

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// ordinary is a fleet without anything special.
func ordinary(size int) Spec {
	return Spec{
		Name: "web", ImageID: "ami-1", Size: size, InstanceTypes: []string{"c7g.large", "c6g.large"}, SubnetIDs: []string{"subnet-a", "subnet-b"},
		Health: Health{StatusChecks: true, TargetGroups: true, Grace: 5 * time.Minute}, ReplaceUnhealthy: true,
		Rollout: Rollout{MaxSurge: Amount{10, true}, Rollback: true},
	}
}

// launched is the member that a launch of the slot by this spec makes.
func launched(spec Spec, slot, generation int) Member {
	batches, err := spec.batches([]int{slot})
	if err != nil {
		panic(err)
	}
	pool := cloud.Pool{InstanceType: spec.types(slot)[0], SubnetID: "subnet-a"}
	if override := spec.override(slot); override.SubnetID != "" {
		pool.SubnetID = override.SubnetID
	}
	call := spec.launchOf(nobody(spec.Name).As("o-0123456789abcdef0123"), batches[0], pool, generation, "/dev/xvda")
	return memberOf(cloud.Instance{
		ID: fmt.Sprintf("i-%d-%d", slot, generation), ImageID: call.ImageID, Type: call.InstanceType, SubnetID: call.SubnetID,
		State: cloud.InstanceRunning, Tags: call.Tags.With(spec.slotTags(slot)), Metadata: call.Metadata, Monitoring: call.Monitoring,
		SecurityGroupIDs: call.SecurityGroupIDs, KeyName: call.KeyName,
	}, nil)
}

// fleetOf is a whole fleet as the spec wants it.
func fleetOf(spec Spec) []Member {
	var members []Member
	for slot := range spec.Size {
		members = append(members, launched(spec, slot, 1))
	}
	return members
}

// summary is what matters of a plan, in words.
func summary(plan Plan) []string {
	var words []string
	for _, change := range plan.New {
		how := ""
		if change.RootVolume {
			how = ", new root volume"
		}
		words = append(words, fmt.Sprintf("%d %s: %s%s", change.Slot, change.Kind, change.Reason, how))
	}
	for _, member := range plan.End {
		words = append(words, "end "+member.Instance.ID)
	}
	for _, member := range plan.Wait {
		words = append(words, "wait "+member.Instance.ID)
	}
	for _, update := range plan.Updates {
		words = append(words, fmt.Sprintf("update %d: tags %v -%v groups %t profile %t metadata %t monitoring %t protection %t register %t", update.Member.Slot,
			update.Tags, update.SurplusTags, update.Groups, update.Profile, update.Metadata, update.Monitoring, update.Protection, update.Register))
	}
	return words
}

const nothingElse = " groups false profile false metadata false monitoring false protection false register false"

func TestNewPlan(t *testing.T) {
	before := ordinary(2)
	tests := map[string]struct {
		change func(spec *Spec, members []Member) []Member
		want   []string
	}{
		"nothing there":       {func(_ *Spec, _ []Member) []Member { return nil }, []string{"0 missing: has no instance", "1 missing: has no instance"}},
		"as specified":        {func(_ *Spec, m []Member) []Member { return m }, nil},
		"grows":               {func(s *Spec, m []Member) []Member { s.Size = 3; return m }, []string{"2 missing: has no instance"}},
		"shrinks":             {func(s *Spec, m []Member) []Member { s.Size = 1; return m }, []string{"end i-1-1"}},
		"an instance is gone": {func(_ *Spec, m []Member) []Member { return m[1:] }, []string{"0 missing: has no instance"}},
		"one is broken": {
			func(_ *Spec, m []Member) []Member { m[1].Broken = "is stopped"; return m },
			[]string{"1 broken: is stopped"},
		},
		"one is broken and kept": {
			func(s *Spec, m []Member) []Member { s.ReplaceUnhealthy = false; m[1].Broken = "is stopped"; return m },
			nil,
		},
		"a new image": {
			func(s *Spec, m []Member) []Member { s.ImageID = "ami-2"; return m },
			[]string{"0 outdated: image ami-1 → ami-2", "1 outdated: image ami-1 → ami-2"},
		},
		"a new image and fewer": {
			func(s *Spec, m []Member) []Member { s.ImageID, s.Size = "ami-2", 1; return m },
			[]string{"0 outdated: image ami-1 → ami-2", "end i-1-1"},
		},
		"a new image, by root volume": {
			func(s *Spec, m []Member) []Member {
				s.ImageID, s.Rollout.Strategy = "ami-2", StrategyRootVolume
				return m
			},
			[]string{"0 outdated: image ami-1 → ami-2, new root volume", "1 outdated: image ami-1 → ami-2, new root volume"},
		},
		"a new image for a stopped instance, whose root volume cannot be replaced": {
			func(s *Spec, m []Member) []Member {
				s.ImageID, s.Size, s.ReplaceUnhealthy, s.Rollout.Strategy = "ami-2", 1, false, StrategyRootVolume
				m[0].Instance.State = cloud.InstanceStopped
				return []Member{memberOf(m[0].Instance, nil)}
			},
			[]string{"0 outdated: image ami-1 → ami-2"},
		},
		"types in another order": {
			func(s *Spec, m []Member) []Member { s.InstanceTypes = []string{"c6g.large", "c7g.large"}; return m }, nil,
		},
		"more than the image, by root volume as far as it goes": {
			func(s *Spec, m []Member) []Member {
				s.ImageID, s.UserData, s.Rollout.Strategy = "ami-2", []byte("#!/bin/sh\n"), StrategyRootVolume
				return m[:1]
			},
			[]string{"0 outdated: image ami-1 → ami-2", "1 missing: has no instance"},
		},
		"a replaced root volume is of its own image": {
			func(s *Spec, m []Member) []Member {
				s.ImageID = "ami-2"
				for i := range m {
					m[i].Instance.Tags[cloud.TagRootImage] = "ami-2"
					m[i] = memberOf(m[i].Instance, nil)
				}
				return m
			},
			nil,
		},
		"a root volume whose replacement was interrupted is of no image": {
			func(_ *Spec, m []Member) []Member {
				m[0].Instance.Tags[cloud.TagRootImage] = unfinished
				m[0] = memberOf(m[0].Instance, nil)
				return m
			},
			[]string{"0 outdated: the replacement of a root volume was begun and never seen to end; to be image ami-1"},
		},
		"a type that is not wanted": {
			func(s *Spec, m []Member) []Member { s.InstanceTypes = []string{"c6g.large"}; return m[:1] },
			[]string{"0 outdated: type c7g.large is not wanted any more", "1 missing: has no instance"},
		},
		"a subnet that is not wanted": {
			func(s *Spec, m []Member) []Member { s.SubnetIDs = []string{"subnet-b"}; return m[:1] },
			[]string{"0 outdated: subnet subnet-a is not wanted any more", "1 missing: has no instance"},
		},
		"a volume more": {
			func(s *Spec, m []Member) []Member {
				s.Volumes = []cloud.Volume{{DeviceName: "/dev/sdf", Size: 1}}
				s.Size = 1
				return m[:1]
			},
			[]string{"0 outdated: user data, volumes or another launch setting changed"},
		},
		"one slot's environment": {
			func(s *Spec, m []Member) []Member {
				s.Slots = &Slots{Overrides: map[int]Override{1: {Environment: map[string]string{"A": "1"}}}}
				m[0], m[1] = launched(*s, 0, 1), launched(*s, 1, 1)
				s.Slots = &Slots{Overrides: map[int]Override{1: {Environment: map[string]string{"A": "2"}}}}
				return m
			},
			[]string{"1 outdated: environment or address of the slot changed"},
		},
		"one slot's type and subnet": {
			func(s *Spec, m []Member) []Member {
				s.Slots = &Slots{}
				m[0], m[1] = launched(*s, 0, 1), launched(*s, 1, 1)
				s.Slots = &Slots{Overrides: map[int]Override{0: {InstanceType: "c7g.xlarge"}, 1: {SubnetID: "subnet-z"}}}
				return m
			},
			[]string{"0 outdated: type c7g.large is not wanted any more", "1 outdated: subnet subnet-a is not wanted any more"},
		},
		"tags": {
			func(s *Spec, m []Member) []Member {
				s.Tags = cloud.Tags{"App": "web"}
				m[1].Instance.Tags["Old"] = "x"
				return m
			},
			[]string{"update 0: tags map[App:web] -[]" + nothingElse, "update 1: tags map[App:web] -[Old]" + nothingElse},
		},
		"names by slot": {
			func(s *Spec, m []Member) []Member {
				s.Slots = &Slots{}
				m[0], m[1] = launched(*s, 0, 1), launched(*s, 1, 1)
				s.Slots = &Slots{NameTags: true, Overrides: map[int]Override{1: {Tags: cloud.Tags{"Role": "leader"}}}}
				return m
			},
			[]string{"update 0: tags map[Name:web-0] -[]" + nothingElse, "update 1: tags map[Name:web-1 Role:leader] -[]" + nothingElse},
		},
		"what running instances can change": {
			func(s *Spec, m []Member) []Member {
				s.SecurityGroupIDs, s.InstanceProfile, s.Metadata.Tokens = []string{"sg-1"}, "web", "required"
				s.Monitoring, s.StopProtection = true, true
				m[0].Unregistered = []string{"arn"}
				return m[:1]
			},
			[]string{
				"1 missing: has no instance",
				"update 0: tags map[] -[] groups true profile true metadata true monitoring true protection true register true",
			},
		},
		"two in one slot: the one that fits stays": {
			func(s *Spec, m []Member) []Member {
				s.ImageID = "ami-2"
				return append(m, launched(*s, 0, 2), launched(*s, 1, 2))
			},
			[]string{"end i-1-1", "end i-0-1", "wait i-0-2", "wait i-1-2"},
		},
		"two in one slot, and the former configuration is wanted again": {
			func(s *Spec, m []Member) []Member {
				newer := *s
				newer.ImageID = "ami-2"
				return append(m, launched(newer, 0, 2))
			},
			[]string{"end i-0-2", "wait i-0-1"},
		},
		"a spoilt slot list": {
			func(_ *Spec, m []Member) []Member {
				m[1].Instance.Tags[cloud.TagSlots] = "?"
				m[1] = memberOf(m[1].Instance, nil)
				return m
			},
			[]string{"1 missing: has no instance", "end i-1-1"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			spec := before
			members := test.change(&spec, fleetOf(before))
			plan := NewPlan(spec, observationOf(members))
			if diff := cmp.Diff(test.want, summary(plan)); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
			if plan.Empty() != (len(test.want) == 0) {
				t.Errorf("Empty is %t: %s", plan.Empty(), plan)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	tests := map[string]struct {
		change func(*Spec)
		want   string
	}{
		"ordinary":               {func(*Spec) {}, ""},
		"the provider's own tag": {func(s *Spec) { s.Tags = cloud.Tags{"stamp:x": "y"} }, "tags: stamp:x is one of the provider's own"},
		"no such slot":           {func(s *Spec) { s.Slots = &Slots{Overrides: map[int]Override{4: {}}} }, "slots.overrides: there is no slot 4 in a fleet of 4"},
		"one host name":          {func(s *Spec) { s.Slots = &Slots{Hostname: "web"} }, `slots.hostname: "web" gives every slot the same host name`},
		"more tags than fit": {
			func(s *Spec) {
				s.Tags = cloud.Tags{}
				for i := range 29 {
					s.Tags[fmt.Sprint(i)] = "x"
				}
				s.Slots = &Slots{Overrides: map[int]Override{0: {Tags: cloud.Tags{"0": "y", "a": "x"}}, 1: {Tags: cloud.Tags{"a": "x", "b": "x"}}}}
			},
			"slots.overrides: an instance would have 31 tags, default_tags included; EC2 allows 50, of which 20 are kept for the provider's own",
		},
		"a tag that the metadata service cannot show": {
			func(s *Spec) {
				s.Metadata.InstanceTags, s.Tags = "enabled", cloud.Tags{"App": "web", "Patch Group": "a"}
			},
			`tags: with metadata_options.instance_metadata_tags = "enabled", "Patch Group" cannot be a tag's key, also in default_tags: ` +
				"letters, digits and + - = . , _ : @ can, but no spaces and no /",
		},
		"an override's tag that the metadata service cannot show": {
			func(s *Spec) {
				s.Metadata.InstanceTags, s.Slots = "enabled", &Slots{Overrides: map[int]Override{2: {Tags: cloud.Tags{"_index": "a"}}}}
			},
			`slots.overrides["2"].tags: with metadata_options.instance_metadata_tags = "enabled", "_index" cannot be a tag's key, also in default_tags: ` +
				"letters, digits and + - = . , _ : @ can, but no spaces and no /",
		},
		"any tag where it does not show them": {func(s *Spec) { s.Tags = cloud.Tags{"Patch Group": "a"} }, ""},
		"spot, and protected": {
			func(s *Spec) { s.Spot, s.TerminationProtection = true, true },
			"disable_api_termination: spot instances cannot be protected from termination",
		},
		"slots without a metadata service": {
			func(s *Spec) { s.Slots, s.Metadata.Endpoint = &Slots{}, "disabled" },
			"metadata_options.http_endpoint: it is disabled, and that is where a server learns its slot: enable it, or do without slots",
		},
		"a key without encryption": {
			func(s *Spec) { s.RootVolume.KMSKeyID = "alias/x" },
			"root_volume.kms_key_id: a key encrypts only with encrypted = true",
		},
		"a data volume's key without encryption": {
			func(s *Spec) { s.Volumes = []cloud.Volume{{DeviceName: "/dev/sdf", Size: 1, KMSKeyID: "alias/x"}} },
			"volumes: /dev/sdf has a kms_key_id: a key encrypts only with encrypted = true",
		},
		"an address, and nothing may be missing": {
			func(s *Spec) {
				s.Slots = &Slots{Overrides: map[int]Override{1: {PrivateIP: "10.0.0.9", SubnetID: "subnet-a"}}}
			},
			"rollout.max_unavailable: 0 of 4 is none, and slot 1 has a private_ip: its old instance must end before the new one can have the address. Allow at least 1",
		},
		"an address without a subnet": {
			func(s *Spec) { s.Slots = &Slots{Overrides: map[int]Override{1: {PrivateIP: "10.0.0.9"}}} },
			"slots.overrides: slot 1 has a private_ip: say its subnet_id too, since an address belongs to one subnet",
		},
		"an address twice": {
			func(s *Spec) {
				s.SubnetIDs = []string{"subnet-a"}
				s.Slots = &Slots{Overrides: map[int]Override{1: {PrivateIP: "10.0.0.9"}, 2: {PrivateIP: "10.0.0.9"}}}
			},
			"slots.overrides: slots 1 and 2 have the same private_ip 10.0.0.9",
		},
		"root volumes, and nothing may be missing": {
			func(s *Spec) { s.Rollout.Strategy = StrategyRootVolume },
			"rollout.max_unavailable: 0 of 4 is none, and an instance is out of service while its root volume is replaced: allow at least 1",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			spec := ordinary(4)
			test.change(&spec)
			got := ""
			if err := spec.Validate(); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestParseAmount(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "3": 3, "30": 20, "10%": 2, "9%": 1, "4%": 0, "100%": 20} {
		amount, err := ParseAmount(text)
		if err != nil || amount.Of(20) != want || amount.String() != text {
			t.Errorf("%s of 20 is %d (%v), want %d", text, amount.Of(20), err, want)
		}
	}
	if amount, _ := ParseAmount("1%"); amount.AtLeastOne(20) != 1 {
		t.Error("1% of 20 is at least one")
	}
	for _, text := range []string{"", "-1", "101%", "1.5", "x", "%"} {
		if amount, err := ParseAmount(text); err == nil {
			t.Errorf("%q is read as %v", text, amount)
		}
	}
}
