package lab

import "strconv"

// ofCard returns a value of the network interface, which terminated instances have
// lost.
func ofCard(value func(*networkInterface) []string) func(*instance) []string {
	return func(i *instance) []string {
		if i.card == nil {
			return nil
		}
		return value(i.card)
	}
}

func publicText(n *networkInterface) []string {
	if !n.public.IsValid() {
		return nil
	}
	return []string{n.public.String()}
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
var instanceFilters = filterable[*instance]{
	"instance-id":         one(func(i *instance) string { return i.id }),
	"instance-type":       one(func(i *instance) string { return i.kind.name }),
	"instance-state-name": one(func(i *instance) string { return i.state }),
	"instance-state-code": one(func(i *instance) string { return strconv.Itoa(stateCodes[i.state]) }),
	"image-id":            one(func(i *instance) string { return i.image.id }),
	"architecture":        one(func(i *instance) string { return i.image.architecture }),
	"reservation-id":      one(func(i *instance) string { return i.launch.reservation }),
	"client-token":        one(func(i *instance) string { return i.launch.token }),
	"launch-index":        one(func(i *instance) string { return strconv.Itoa(i.index) }),
	"launch-time":         one(func(i *instance) string { return i.launched.Format(timeForm) }),
	"key-name":            one(func(i *instance) string { return i.launch.keyName }),
	"owner-id":            one(func(i *instance) string { return i.accountID() }),
	"hypervisor":          one(func(*instance) string { return "xen" }),
	"virtualization-type": one(func(*instance) string { return "hvm" }),
	"root-device-type":    one(func(*instance) string { return "ebs" }),
	"root-device-name":    one(func(i *instance) string { return i.rootDevice() }),
	"tenancy":             one(func(i *instance) string { return i.launch.tenancy() }),
	"instance-lifecycle":  one(func(i *instance) string { return i.lifecycle() }),
	"spot-instance-request-id": one(func(i *instance) string {
		return i.spotRequest
	}),
	"capacity-reservation-id": func(i *instance) []string {
		if i.reserved == nil {
			return nil
		}
		return []string{i.reserved.id}
	},
	"placement-group-name": one(func(i *instance) string { return i.placement().Group }),
	"placement-partition-number": one(func(i *instance) string {
		return strconv.Itoa(i.partition())
	}),
	"availability-zone": one(func(i *instance) string { return i.launch.subnet.zone.name }),
	"availability-zone-id": one(func(i *instance) string {
		return i.launch.subnet.zone.id
	}),
	"monitoring-state": one(func(i *instance) string { return onOff(i.monitoring, "enabled", "disabled") }),
	"metadata-options.http-tokens": one(func(i *instance) string {
		return i.metadata.tokens
	}),
	"state-reason-code": func(i *instance) []string {
		if i.reason == nil {
			return nil
		}
		return []string{i.reason.Code}
	},
	"iam-instance-profile.arn": func(i *instance) []string {
		if i.profile == nil {
			return nil
		}
		return []string{i.profile.profile.ARN}
	},
	"block-device-mapping.volume-id":         ofVolumes(func(v *volume) string { return v.id }),
	"subnet-id":                              ofCard(func(n *networkInterface) []string { return []string{n.subnet.id} }),
	"vpc-id":                                 ofCard(func(n *networkInterface) []string { return []string{n.subnet.vpc.id} }),
	"private-ip-address":                     ofCard(func(n *networkInterface) []string { return []string{n.address.String()} }),
	"network-interface.network-interface-id": ofCard(func(n *networkInterface) []string { return []string{n.id} }),
	"network-interface.subnet-id":            ofCard(func(n *networkInterface) []string { return []string{n.subnet.id} }),
	"network-interface.vpc-id":               ofCard(func(n *networkInterface) []string { return []string{n.subnet.vpc.id} }),
	"network-interface.group-id":             ofCard(func(n *networkInterface) []string { return groupIDs(n.groups) }),
	"instance.group-id":                      ofCard(func(n *networkInterface) []string { return groupIDs(n.groups) }),
	"ip-address":                             ofCard(publicText),
	"private-dns-name": ofCard(func(n *networkInterface) []string {
		return []string{n.instance.region.privateDNS(n.address)}
	}),
	"block-device-mapping.device-name": ofVolumes(func(v *volume) string { return v.device }),
	"block-device-mapping.status":      ofVolumes((*volume).attachment),
	"block-device-mapping.delete-on-termination": ofVolumes(func(v *volume) string {
		return strconv.FormatBool(v.deleteOnTermination)
	}),
	"boot-mode":                  one(func(i *instance) string { return i.image.boots() }),
	"current-instance-boot-mode": one((*instance).boots),
	"ena-support":                one(func(*instance) string { return "true" }),
	"platform-details":           one(func(i *instance) string { return i.image.disk.platform().details }),
	"usage-operation":            one(func(i *instance) string { return i.image.disk.platform().usage }),
	"platform":                   func(i *instance) []string { return platformFilter(i.image.disk) },
	"reason":                     one(func(i *instance) string { return i.transition }),
	"state-reason-message": func(i *instance) []string {
		if i.reason == nil {
			return nil
		}
		return []string{i.reason.Message}
	},
	"metadata-options.http-endpoint": one(func(i *instance) string { return i.metadata.endpoint }),
	"metadata-options.http-put-response-hop-limit": one(func(i *instance) string {
		return strconv.Itoa(i.metadata.hops)
	}),
	"metadata-options.instance-metadata-tags": one(func(i *instance) string { return i.metadata.tags }),
	"source-dest-check":                       ofCard(func(n *networkInterface) []string { return []string{strconv.FormatBool(n.sourceDestCheck)} }),
	"network-interface.availability-zone": ofCard(func(n *networkInterface) []string {
		return []string{n.subnet.zone.name}
	}),
	"network-interface.addresses.private-ip-address": ofCard(func(n *networkInterface) []string {
		return []string{n.address.String()}
	}),
	"network-interface.group-name": ofCard(groupNames),
	"instance.group-name":          ofCard(groupNames),
}

// ofVolumes returns a value of each volume.
func ofVolumes(value func(*volume) string) func(*instance) []string {
	return func(i *instance) []string {
		values := make([]string, len(i.volumes))
		for at, v := range i.volumes {
			values[at] = value(v)
		}
		return values
	}
}

func groupNames(n *networkInterface) []string {
	names := make([]string, len(n.groups))
	for at, group := range n.groups {
		names[at] = group.name
	}
	return names
}
