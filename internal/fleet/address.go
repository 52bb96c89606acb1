package fleet

import (
	"context"
	"fmt"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// waitReleased waits until instances that end have given back the addresses that slots
// are to have: an address is in use until the instance's network interface is gone,
// and that goes with the instance. Slots without an address of their own cost nothing.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html
func (r *run) waitReleased(ctx context.Context, slots []int) error {
	wanted := map[string]bool{}
	for _, slot := range slots {
		if address := r.spec.override(slot).PrivateIP; address != "" {
			wanted[address] = true
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	query := cloud.InstanceQuery{Tags: ownership(r.spec.Name), States: append(cloud.LiveInstanceStates(), cloud.InstanceShuttingDown)}
	_, err := cloud.Poll[int]{
		What: fmt.Sprintf("the addresses of %s (%s) to be free", slotList(slots), r.aws.Name()),
		Read: func(ctx context.Context) (held int, state, reason string, err error) {
			found, err := r.aws.Instances(ctx, query)
			for _, instance := range found {
				ends := instance.State == cloud.InstanceShuttingDown || r.ended[instance.ID]
				if ends && wanted[instance.PrivateIP] {
					held++
				}
			}
			if held > 0 {
				return held, "in use", "", err
			}
			return 0, "free", "", err
		},
		Pending: []string{"in use"},
		Target:  []string{"free"},
	}.Wait(ctx)
	return err
}
