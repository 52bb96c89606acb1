package lab

import (
	"cmp"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"time"
)

// imdsV2 is the value of an image's ImdsSupport that makes session tokens the
// default of its instances.
const imdsV2 = "v2.0"

// noAddress is the absence of an address.
var noAddress netip.Addr

// metadataOptions decide how an instance's metadata service answers.
type metadataOptions struct {
	tokens, endpoint, ipv6, tags string
	hops                         int
}

// metadataDefaults are what a launch without MetadataOptions gets.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html#instance-metadata-options-order-of-precedence
func (i *image) metadataDefaults() metadataOptions {
	options := metadataOptions{tokens: "optional", endpoint: "enabled", ipv6: "disabled", tags: "disabled", hops: 1}
	if i.imdsSupport == imdsV2 {
		options.tokens, options.hops = "required", 2
	}
	return options
}

// with returns the options with a request's over them.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceMetadataOptionsRequest.html
func (m metadataOptions) with(asked *metadataParam) (metadataOptions, *apiError) {
	if asked == nil {
		return m, nil
	}
	for _, choice := range []struct {
		name, value string
		values      []string
	}{
		{"httpTokens", asked.HttpTokens, []string{"", "optional", "required"}},
		{"httpEndpoint", asked.HttpEndpoint, []string{"", "enabled", "disabled"}},
		{"httpProtocolIpv6", asked.HttpProtocolIpv6, []string{"", "enabled", "disabled"}},
		{"instanceMetadataTags", asked.InstanceMetadataTags, []string{"", "enabled", "disabled"}},
	} {
		if !slices.Contains(choice.values, choice.value) {
			return m, invalid("Value (%s) for parameter %s is invalid.", choice.value, choice.name)
		}
	}
	m.tokens = cmp.Or(asked.HttpTokens, m.tokens)
	m.endpoint = cmp.Or(asked.HttpEndpoint, m.endpoint)
	m.ipv6 = cmp.Or(asked.HttpProtocolIpv6, m.ipv6)
	m.tags = cmp.Or(asked.InstanceMetadataTags, m.tags)
	if hops := asked.HttpPutResponseHopLimit; hops != nil {
		if *hops < 1 || *hops > 64 {
			return m, invalid("Value (%d) for parameter httpPutResponseHopLimit is invalid. It must be between 1 and 64.", *hops)
		}
		m.hops = *hops
	}
	return m, nil
}

// metadataTagKey is what a tag's key must be like for its value to have an address in
// the metadata service.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/work-with-tags-in-IMDS.html
var metadataTagKey = regexp.MustCompile(`^[0-9a-zA-Z\-_+=,.@:]{1,255}$`)

// checkTags refuses tags that cannot be shown, where tags are to be shown.
func (m metadataOptions) checkTags(tags tagMap) *apiError {
	if m.tags != "enabled" {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if !metadataTagKey.MatchString(key) || key == "." || key == ".." || key == "_index" {
			return invalid(`'%s' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{1,255}), `+
				"and must not be a reserved name ('.', '..', '_index')", key)
		}
	}
	return nil
}

func (m metadataOptions) item(state string) metadataItem {
	return metadataItem{
		State: onOff(state == statePending, "pending", "applied"), Tokens: m.tokens, HopLimit: m.hops,
		Endpoint: m.endpoint, IPv6: m.ipv6, Tags: m.tags,
	}
}

type modifyMetadataInput struct {
	InstanceId string
	metadataParam
}

type modifyMetadataOutput struct {
	InstanceID string       `xml:"instanceId"`
	Options    metadataItem `xml:"instanceMetadataOptions"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataOptions.html
func (r *region) modifyInstanceMetadataOptions(in *modifyMetadataInput) (*modifyMetadataOutput, *apiError) {
	found, err := r.liveOne(in.InstanceId)
	if err != nil {
		return nil, err
	}
	changed, err := found.metadata.with(&in.metadataParam)
	if err == nil {
		err = changed.checkTags(found.tags)
	}
	if err != nil {
		return nil, err
	}
	found.metadata = changed
	return &modifyMetadataOutput{InstanceID: found.id, Options: found.metadata.item(statePending)}, nil
}

// liveOne finds one instance that has not been terminated.
func (r *region) liveOne(id string) (*instance, *apiError) {
	if id == "" {
		return nil, missing("InstanceId")
	}
	found, err := r.named([]string{id})
	if err != nil {
		return nil, err
	}
	if !found[0].live() {
		return nil, wrongState(found[0], "modified")
	}
	return found[0], nil
}

// metadataTokens are the session tokens of one instance, with their ends.
type metadataTokens map[string]time.Time
