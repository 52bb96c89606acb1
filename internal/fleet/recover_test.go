package fleet

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// What was launched is read back: the spec has the digest of the instances, and plans nothing.
// A slot that has lost its instance counts all the same.
func TestRecover(t *testing.T) {
	on, off := true, false
	for name, configure := range map[string]func(spec *Spec){
		"plain":       func(*Spec) {},
		"user data":   func(spec *Spec) { spec.UserData = []byte("#!/bin/sh\n") },
		"no address":  func(spec *Spec) { spec.AssociatePublicIP = &off },
		"root volume": func(spec *Spec) { spec.RootVolume = cloud.Volume{Size: 30, Encrypted: &on} },
		"volumes": func(spec *Spec) {
			spec.Volumes = []cloud.Volume{{DeviceName: "/dev/sdf", Size: 5, Type: "gp3", IOPS: 4000}, {DeviceName: "/dev/sdg", Size: 7, Type: "gp3", IOPS: 4000}}
		},
		"spot":    func(spec *Spec) { spec.Spot = true },
		"tenancy": func(spec *Spec) { spec.Placement.Tenancy = "default" },
		"slots":   func(spec *Spec) { spec.Slots = &Slots{} },
		"one type": func(spec *Spec) {
			spec.Slots = &Slots{Overrides: map[int]Override{1: {Environment: map[string]string{"A": "b"}, InstanceType: "t3a.large"}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
				spec.InstanceTypes = spec.InstanceTypes[:1]
				spec.Health, spec.TargetGroupARNs = Health{}, nil
				configure(&spec)
				observed := applied(t, stage, spec, nil)
				found := Recover(t.Context(), stage.Region, spec.Name, observed)
				if plan := NewPlan(found.Spec, observe(t, stage, found.Spec)); !found.Exact || len(found.Unread) > 0 || !plan.Empty() {
					t.Errorf("exact %t, unread %v, and there is to do: %s\nread back %+v\nof        %+v", found.Exact, found.Unread, plan, found.Spec, spec)
				}
				if !slices.Equal(found.Spec.InstanceTypes, spec.InstanceTypes) || found.Spec.SubnetIDs != nil {
					t.Errorf("types %v, subnets %v", found.Spec.InstanceTypes, found.Spec.SubnetIDs)
				}
				if err := stage.Region.TerminateInstances(t.Context(), []string{idOf(observed, 1)}); err != nil {
					t.Fatal(err)
				}
				if found := Recover(t.Context(), stage.Region, spec.Name, observe(t, stage, spec)); found.Spec.Size != spec.Size {
					t.Errorf("size %d with a slot that is empty, want %d", found.Spec.Size, spec.Size)
				}
				destroyed(t, stage, spec)
			})
		})
	}
}

// refusing may not read what an import alone reads.
type refusing struct{ *cloud.Region }

var errRefused = errors.New("not allowed")

func (refusing) UserData(context.Context, string) ([]byte, error) { return nil, errRefused }

func (refusing) AttachedVolumes(context.Context, string) ([]cloud.Volume, error) {
	return nil, errRefused
}

func (refusing) TargetGroups(context.Context, string) ([]string, error) { return nil, errRefused }

// What must not be read is left out and said; the rest is read all the same.
func TestRecover_refused(t *testing.T) {
	onStage(t, lab.Options{}, func(t *testing.T, stage *terraform, spec Spec) {
		spec.UserData, spec.Tags = []byte("#!/bin/sh\n"), cloud.Tags{"App": "web"}
		spec.Health, spec.TargetGroupARNs = Health{}, nil
		found := Recover(t.Context(), refusing{stage.Region}, spec.Name, applied(t, stage, spec, nil))
		if found.Exact || len(found.Unread) != 3 || !errors.Is(errors.Join(found.Unread...), errRefused) {
			t.Errorf("exact %t, unread %v", found.Exact, found.Unread)
		}
		if found.Spec.Tags["App"] != "web" || found.Spec.Size != spec.Size || found.Spec.ImageID != spec.ImageID {
			t.Errorf("read back %+v", found.Spec)
		}
		destroyed(t, stage, spec)
	})
}
