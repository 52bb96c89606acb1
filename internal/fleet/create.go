package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// ErrExists is the cause of a create's failure when the fleet is somebody else's.
var ErrExists = errors.New("a fleet of this name is in this account and region, and this Terraform state does not know it: another configuration may own it")

// follow looks at the other fleets of the name before anything is made: predecessors, which
// stay beside this one until Terraform destroys them, are written down; those that nobody
// here knows are an error.
func (r *run) follow(ctx context.Context) error {
	var unknown []string
	for _, id := range r.observed.Others {
		if !slices.Contains(r.observed.Leases.Creating, id) && (r.options.Known == nil || !r.options.Known(id)) {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) > 0 {
		return r.alreadyThere(unknown)
	}
	if err := r.addressesFree(); err != nil {
		return err
	}
	if err := r.lease.Replaces(ctx, r.observed.Others); err != nil {
		return r.failure("could not be created", "", err, "nothing was changed", "run terraform apply again")
	}
	r.owner = r.lease.Owner
	return nil
}

// addressesFree refuses addresses that a predecessor's instances have: AWS gives an address
// to one network interface at a time.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html
func (r *run) addressesFree() error {
	takers := r.spec.takers()
	for _, id := range slices.Sorted(maps.Keys(r.observed.theirs)) {
		for _, instance := range r.observed.theirs[id] {
			slot, wanted := takers[instance.PrivateIP]
			if !wanted || r.spec.subnetOf(slot) != instance.SubnetID {
				continue
			}
			return r.failure("cannot stand beside the one that it replaces", fmt.Sprintf("slot %d", slot),
				fmt.Errorf("its private_ip %s belongs to %s of the fleet that it replaces, and AWS gives an address to one instance at a time", instance.PrivateIP, instance.ID),
				"nothing was changed", "take create_before_destroy out of the fleet's lifecycle block, or give the slot another private_ip; then run terraform apply again")
		}
	}
	return nil
}

func (r *run) alreadyThere(owners []string) error {
	count := 0
	for _, id := range owners {
		count += len(r.observed.theirs[id])
	}
	id := r.spec.Name + "@" + r.aws.Name()
	return &report.Failure{
		Summary: fmt.Sprintf("Fleet %s exists already", r.spec.Name),
		Subject: fmt.Sprintf("%s (%s), of owner %s", instances(count), r.aws.Name(), strings.Join(owners, ", ")),
		Cause:   ErrExists,
		Now:     "nothing was changed",
		Next:    report.Import(id),
	}
}
