package cloud

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRegion_subnets(t *testing.T) {
	answer := func(request) (int, string) {
		return ok("DescribeSubnets", `<subnetSet>
			<item><subnetId>subnet-3</subnetId><vpcId>vpc-1</vpcId><availabilityZone>b</availabilityZone><availableIpAddressCount>7</availableIpAddressCount></item>
			<item><subnetId>subnet-2</subnetId><availabilityZone>a</availabilityZone></item>
			<item><subnetId>subnet-1</subnetId><availabilityZone>a</availabilityZone></item></subnetSet>`)
	}
	want := []Subnet{
		{ID: "subnet-1", AvailabilityZone: "a"},
		{ID: "subnet-2", AvailabilityZone: "a"},
		{ID: "subnet-3", VPCID: "vpc-1", AvailabilityZone: "b", FreeAddresses: 7},
	}
	region, w := overWire(t, answer)
	defaults, err := region.DefaultSubnets(t.Context())
	if diff := cmp.Diff(want, defaults); diff != "" || err != nil {
		t.Errorf("error %v, default subnets (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"default-for-az=true"}, w.requests[0].filters()); diff != "" {
		t.Errorf("filters (-want +got):\n%s", diff)
	}
	named, err := region.Subnets(t.Context(), []string{"subnet-1", "subnet-2", "subnet-3"})
	if diff := cmp.Diff(want, named); diff != "" || err != nil {
		t.Errorf("error %v, subnets (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"subnet-1", "subnet-2", "subnet-3"}, w.requests[1].values("SubnetId")); diff != "" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	// Without ids the request would be about all subnets.
	if none, err := region.Subnets(t.Context(), nil); none != nil || err != nil || len(w.requests) != 2 {
		t.Errorf("got %v, %v in %d requests, want none in none", none, err, len(w.requests)-2)
	}
}

func TestRegion_Parameter(t *testing.T) {
	region, w := overWire(t, func(r request) (int, string) {
		if r.form.Get("Name") == "/there" {
			return http.StatusOK, `{"Parameter": {"Name": "/there", "Value": "ami-1"}}`
		}
		return http.StatusBadRequest, `{"__type": "ParameterNotFound", "message": "no such parameter"}`
	})
	if got, err := region.Parameter(t.Context(), "/there"); got != "ami-1" || err != nil {
		t.Errorf("got %q, %v, want ami-1", got, err)
	}
	if got := w.sent("GetParameter")[0].form.Get("WithDecryption"); got != "false" {
		t.Errorf("WithDecryption is %q, want false", got)
	}
	_, err := region.Parameter(t.Context(), "/absent")
	if !HasCode(err, CodeParameterNotFound) || ClassOf(err) != NotFound {
		t.Errorf("got %v of class %q, want that it is not found", err, ClassOf(err))
	}
}

// Types that do not exist are passed over, and many are asked for a hundred at a time.
func TestRegion_architectures(t *testing.T) {
	region, w := overWire(t, func(request) (int, string) {
		return ok("DescribeInstanceTypes", `<instanceTypeSet><item><instanceType>t4g.small</instanceType>
			<processorInfo><supportedArchitectures><item>arm64</item></supportedArchitectures></processorInfo></item></instanceTypeSet>`)
	})
	found, err := region.Architectures(t.Context(), []string{"t4g.small", "t9.none"})
	if diff := cmp.Diff(map[string][]string{"t4g.small": {"arm64"}}, found); diff != "" || err != nil {
		t.Errorf("error %v, architectures (-want +got):\n%s", err, diff)
	}
	if diff := cmp.Diff([]string{"instance-type=t4g.small,t9.none"}, w.requests[0].filters()); diff != "" {
		t.Errorf("filters (-want +got):\n%s", diff)
	}
	many := make([]string, 101)
	if _, err := region.Architectures(t.Context(), many); err != nil || len(w.requests) != 3 {
		t.Errorf("error %v, %d requests for 101 types, want 2", err, len(w.requests)-1)
	}
}
