package lab_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
)

// reserve makes a reservation of t3.small in us-east-1a.
func reserve(t *testing.T, client *ec2.Client, count int32, criteria types.InstanceMatchCriteria) string {
	t.Helper()
	out, err := client.CreateCapacityReservation(t.Context(), &ec2.CreateCapacityReservationInput{
		InstanceType: aws.String("t3.small"), InstancePlatform: types.CapacityReservationInstancePlatformLinuxUnix,
		AvailabilityZone: aws.String("us-east-1a"), InstanceCount: &count, InstanceMatchCriteria: criteria,
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.CapacityReservation.CapacityReservationId
}

// available reads how much room a reservation has.
func available(t *testing.T, client *ec2.Client, id string) int32 {
	t.Helper()
	out, err := client.DescribeCapacityReservations(t.Context(), &ec2.DescribeCapacityReservationsInput{CapacityReservationIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	return *out.CapacityReservations[0].AvailableInstanceCount
}

func inZone(zone string, spec *types.CapacityReservationSpecification) launching {
	return func(in *ec2.RunInstancesInput) {
		in.Placement = &types.Placement{AvailabilityZone: &zone}
		in.CapacityReservationSpecification = spec
	}
}

func target(id string) *types.CapacityReservationSpecification {
	return &types.CapacityReservationSpecification{CapacityReservationTarget: &types.CapacityReservationTarget{CapacityReservationId: &id}}
}

func prefer(preference types.CapacityReservationPreference) *types.CapacityReservationSpecification {
	return &types.CapacityReservationSpecification{CapacityReservationPreference: preference}
}

func TestCapacityReservations_open(t *testing.T) {
	_, client := start(t, lab.Options{})
	id := reserve(t, client, 2, types.InstanceMatchCriteriaOpen)

	launch(t, client, 1, inZone("us-east-1a", prefer(types.CapacityReservationPreferenceNone)))
	launch(t, client, 1, inZone("us-east-1b", nil))
	if got := available(t, client, id); got != 2 {
		t.Errorf("%d are available, want 2: nobody that matches wants one", got)
	}
	three := launch(t, client, 3, inZone("us-east-1a", nil))
	if got := available(t, client, id); got != 0 {
		t.Errorf("%d are available, want none", got)
	}
	if aws.ToString(three[0].CapacityReservationId) != id || three[2].CapacityReservationId != nil {
		t.Errorf("the first runs in %v, the third in %v; want the reservation, and on demand",
			aws.ToString(three[0].CapacityReservationId), three[2].CapacityReservationId)
	}
	if got := stop(t, client, *three[0].InstanceId); got != "" {
		t.Fatalf("answer %q", got)
	}
	describe(t, client)
	if got := available(t, client, id); got != 1 {
		t.Errorf("%d are available after a stop, want 1", got)
	}
}

func TestCapacityReservations_targeted(t *testing.T) {
	_, client := start(t, lab.Options{})
	image := baseImage(t, client, "x86_64")
	id := reserve(t, client, 2, types.InstanceMatchCriteriaTargeted)
	gone := reserve(t, client, 1, types.InstanceMatchCriteriaTargeted)
	if _, err := client.CancelCapacityReservation(t.Context(), &ec2.CancelCapacityReservationInput{CapacityReservationId: &gone}); err != nil {
		t.Fatal(err)
	}
	one := launch(t, client, 1, inZone("us-east-1a", target(id)))[0]
	if got := one.CapacityReservationSpecification.CapacityReservationTarget; *got.CapacityReservationId != id {
		t.Errorf("its target is %s", *got.CapacityReservationId)
	}
	for name, test := range map[string]struct {
		count  int32
		change launching
		want   string
	}{
		"more than there is room":  {2, inZone("us-east-1a", target(id)), "ReservationCapacityExceeded"},
		"another zone":             {1, inZone("us-east-1b", target(id)), "InvalidParameterValue"},
		"no such reservation":      {1, inZone("us-east-1a", target("cr-0123456789abcdef0")), "InvalidCapacityReservationId.NotFound"},
		"no id":                    {1, inZone("us-east-1a", target("mine")), "InvalidCapacityReservationId.Malformed"},
		"one that is cancelled":    {1, inZone("us-east-1a", target(gone)), "ReservationCapacityExceeded"},
		"only in an open one":      {1, inZone("us-east-1a", prefer("capacity-reservations-only")), "ReservationCapacityExceeded"},
		"with a wish of no reason": {1, inZone("us-east-1a", prefer("never")), "InvalidParameterValue"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client.RunInstances(t.Context(), launchInput(image, test.count, test.change))
			if got := code(t, err); got != test.want {
				t.Errorf("answer %q, want %q (%v)", got, test.want, err)
			}
		})
	}
}

// TestCapacityReservations_inADrought: who has reserved launches where there is no
// capacity left.
func TestCapacityReservations_inADrought(t *testing.T) {
	server, client := start(t, lab.Options{})
	id := reserve(t, client, 1, types.InstanceMatchCriteriaOpen)
	if _, err := server.Lab.Order(lab.NoCapacity{}); err != nil {
		t.Fatal(err)
	}
	image := baseImage(t, client, "x86_64")

	_, err := client.RunInstances(t.Context(), launchInput(image, 2, inZone("us-east-1a", nil)))
	if got := code(t, err); got != "InsufficientInstanceCapacity" {
		t.Errorf("two, with one reserved: %q", got)
	}
	launch(t, client, 1, inZone("us-east-1a", nil))
	if got := available(t, client, id); got != 0 {
		t.Errorf("%d are available, want none", got)
	}
}

func TestCapacityReservations_expire(t *testing.T) {
	bubble(t, nil, func(t *testing.T, _ *lab.Lab, client *ec2.Client) {
		ends := time.Now().Add(time.Hour)
		out, err := client.CreateCapacityReservation(t.Context(), &ec2.CreateCapacityReservationInput{
			InstanceType: aws.String("t3.small"), InstancePlatform: types.CapacityReservationInstancePlatformLinuxUnix,
			AvailabilityZone: aws.String("us-east-1a"), InstanceCount: aws.Int32(1), EndDateType: types.EndDateTypeLimited, EndDate: &ends,
		})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(2 * time.Hour)
		found, err := client.DescribeCapacityReservations(t.Context(), &ec2.DescribeCapacityReservationsInput{
			CapacityReservationIds: []string{*out.CapacityReservation.CapacityReservationId},
		})
		if err != nil || found.CapacityReservations[0].State != types.CapacityReservationStateExpired {
			t.Errorf("after its end it is %v, %v", found, err)
		}
	})
}
