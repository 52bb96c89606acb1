package cloud

import (
	"encoding/base64"
	"maps"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestRegion_RunInstances_encodes compares every parameter on the wire.
func TestRegion_RunInstances_encodes(t *testing.T) {
	base := map[string]string{
		"Action": "RunInstances", "Version": "2016-11-15", "ImageId": "ami-1", "InstanceType": "t3.small",
		"MinCount": "1", "MaxCount": "2", "ClientToken": "stamp-1", "InstanceInitiatedShutdownBehavior": "stop",
	}
	with := func(more map[string]string) map[string]string {
		all := maps.Clone(base)
		maps.Copy(all, more)
		return all
	}
	tests := map[string]struct {
		change func(*Launch)
		want   map[string]string
	}{
		"the least": {func(*Launch) {}, base},
		"subnet and groups": {
			func(l *Launch) { l.SubnetID, l.SecurityGroupIDs = "subnet-1", []string{"sg-1", "sg-2"} },
			with(map[string]string{"SubnetId": "subnet-1", "SecurityGroupId.1": "sg-1", "SecurityGroupId.2": "sg-2"}),
		},
		"public address": {
			func(l *Launch) {
				l.SubnetID, l.SecurityGroupIDs, l.AssociatePublicIP = "subnet-1", []string{"sg-1"}, no()
			},
			with(map[string]string{
				"NetworkInterface.1.DeviceIndex": "0", "NetworkInterface.1.AssociatePublicIpAddress": "false",
				"NetworkInterface.1.DeleteOnTermination": "true",
				"NetworkInterface.1.SubnetId":            "subnet-1", "NetworkInterface.1.SecurityGroupId.1": "sg-1",
			}),
		},
		"profile by name": {
			func(l *Launch) { l.InstanceProfile = "web" }, with(map[string]string{"IamInstanceProfile.Name": "web"}),
		},
		"profile by ARN": {
			func(l *Launch) { l.InstanceProfile = "arn:aws:iam::1:instance-profile/web" },
			with(map[string]string{"IamInstanceProfile.Arn": "arn:aws:iam::1:instance-profile/web"}),
		},
		"user data, byte for byte": {
			func(l *Launch) { l.UserData = []byte("#!/bin/sh\x00\xff\n") },
			with(map[string]string{"UserData": base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\x00\xff\n"))}),
		},
		"key and metadata": {
			func(l *Launch) {
				l.KeyName, l.Metadata = "key", MetadataOptions{Tokens: "required", Endpoint: "enabled", HopLimit: 2, InstanceTags: "enabled"}
			},
			with(map[string]string{
				"KeyName": "key", "MetadataOptions.HttpTokens": "required", "MetadataOptions.HttpEndpoint": "enabled",
				"MetadataOptions.HttpPutResponseHopLimit": "2", "MetadataOptions.InstanceMetadataTags": "enabled",
			}),
		},
		"one address": {
			func(l *Launch) { l.SubnetID, l.PrivateIP = "subnet-1", "10.0.0.9" },
			with(map[string]string{"SubnetId": "subnet-1", "PrivateIpAddress": "10.0.0.9"}),
		},
		"place": {
			func(l *Launch) {
				l.Placement = Placement{Group: "close", Tenancy: "dedicated", CapacityReservation: "cr-1"}
			},
			with(map[string]string{
				"Placement.GroupName": "close", "Placement.Tenancy": "dedicated",
				"CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId": "cr-1",
			}),
		},
		"spot: what is interrupted is gone, and so is the request": {
			func(l *Launch) { l.Spot = true },
			func() map[string]string {
				want := with(map[string]string{
					"InstanceMarketOptions.MarketType": "spot", "InstanceMarketOptions.SpotOptions.SpotInstanceType": "one-time",
					"InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior": "terminate",
				})
				delete(want, "InstanceInitiatedShutdownBehavior")
				return want
			}(),
		},
		"what is on": {
			func(l *Launch) {
				l.Monitoring, l.EBSOptimized, l.Credits, l.TerminationProtection, l.StopProtection = true, yes(), "unlimited", true, true
			},
			with(map[string]string{
				"Monitoring.Enabled": "true", "EbsOptimized": "true", "CreditSpecification.CpuCredits": "unlimited",
				"DisableApiTermination": "true", "DisableApiStop": "true",
			}),
		},
		"tags of instances and volumes, in order": {
			func(l *Launch) { l.Tags = Tags{"b": "2", "a": "1"} },
			with(map[string]string{
				"TagSpecification.1.ResourceType": "instance", "TagSpecification.2.ResourceType": "volume",
				"TagSpecification.1.Tag.1.Key": "a", "TagSpecification.1.Tag.1.Value": "1",
				"TagSpecification.1.Tag.2.Key": "b", "TagSpecification.1.Tag.2.Value": "2",
				"TagSpecification.2.Tag.1.Key": "a", "TagSpecification.2.Tag.1.Value": "1",
				"TagSpecification.2.Tag.2.Key": "b", "TagSpecification.2.Tag.2.Value": "2",
			}),
		},
		"volumes": {
			func(l *Launch) {
				l.Volumes = []Volume{
					{DeviceName: "/dev/xvda", Size: 20, Type: "gp3", IOPS: 4000, Throughput: 250, Encrypted: yes(), KMSKeyID: "alias/k"},
					{DeviceName: "/dev/sdb"},
				}
			},
			with(map[string]string{
				"BlockDeviceMapping.1.DeviceName": "/dev/xvda", "BlockDeviceMapping.1.Ebs.DeleteOnTermination": "true",
				"BlockDeviceMapping.1.Ebs.VolumeSize": "20", "BlockDeviceMapping.1.Ebs.VolumeType": "gp3",
				"BlockDeviceMapping.1.Ebs.Iops": "4000", "BlockDeviceMapping.1.Ebs.Throughput": "250",
				"BlockDeviceMapping.1.Ebs.Encrypted": "true", "BlockDeviceMapping.1.Ebs.KmsKeyId": "alias/k",
				"BlockDeviceMapping.2.DeviceName": "/dev/sdb", "BlockDeviceMapping.2.Ebs.DeleteOnTermination": "true",
			}),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			region, w := overWire(t, func(request) (int, string) {
				return ok("RunInstances", "<instancesSet><item><instanceId>i-1</instanceId></item><item><instanceId>i-2</instanceId>"+
					"<amiLaunchIndex>1</amiLaunchIndex></item></instancesSet>")
			})
			launch := Launch{ClientToken: "stamp-1", ImageID: "ami-1", InstanceType: "t3.small", MinCount: 1, MaxCount: 2}
			test.change(&launch)

			got, err := region.RunInstances(t.Context(), launch)

			if diff := cmp.Diff([]string{"i-1", "i-2"}, idsOf(got)); diff != "" || err != nil || got[1].LaunchIndex != 1 {
				t.Errorf("error %v, instances (-want +got):\n%s", err, diff)
			}
			if diff := cmp.Diff(test.want, flat(w.sent("RunInstances")[0].form)); diff != "" {
				t.Errorf("parameters (-want +got):\n%s", diff)
			}
		})
	}
}

func flat(form url.Values) map[string]string {
	all := map[string]string{}
	for name, values := range form {
		all[name] = values[0]
	}
	return all
}

// TestRegion_RunInstances_waitsForProfile creates a profile in the same apply.
func TestRegion_RunInstances_waitsForProfile(t *testing.T) {
	const invisible = "Value (web) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"
	tests := map[string]struct {
		message string
		visible time.Duration
		// most is how long it may take; least for how long it must have gone on trying.
		least, most time.Duration
		launched    bool
	}{
		"visible in a moment": {invisible, 10 * time.Second, 10 * time.Second, 20 * time.Second, true},
		"role in a moment":    {"IamInstanceProfile (web) has no associated IAM Roles", time.Second, time.Second, 2 * time.Second, true},
		"never":               {invisible, time.Hour, 45 * time.Second, visibleWithin, false},
		"another parameter":   {"Invalid value for instanceType", time.Hour, 0, 0, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				region, w := overWire(t, func(request) (int, string) {
					if time.Since(begun) < test.visible {
						return refusal(400, "InvalidParameterValue", test.message)
					}
					return ok("RunInstances", "")
				})
				_, err := region.RunInstances(t.Context(), Launch{ClientToken: "same", MinCount: 1, MaxCount: 1})
				if took := time.Since(begun); (err == nil) != test.launched || took < test.least || took > test.most {
					t.Errorf("after %v: %v", took, err)
				}
				tokens := map[string]bool{}
				for _, r := range w.sent("RunInstances") {
					tokens[r.form.Get("ClientToken")] = true
				}
				if !slices.Equal(slices.Collect(maps.Keys(tokens)), []string{"same"}) {
					t.Errorf("client tokens %v, want the same each time", tokens)
				}
			})
		})
	}
}
