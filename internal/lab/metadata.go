package lab

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxTokenTTL is six hours, in seconds.
const maxTokenTTL = 21600

const tokenTTLHeader = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"

// metadataHandler is the instance metadata service of one instance, for use inside
// its guest.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
func (i *instance) metadataHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		status, body := i.answerMetadata(w.Header(), request)
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Server", "EC2ws")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the guest may have gone
	})
}

func (i *instance) answerMetadata(header http.Header, request *http.Request) (status int, body string) {
	l := i.region.lab
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.now()
	l.agenda.settle(now)
	if i.metadata.endpoint == "disabled" {
		return http.StatusForbidden, ""
	}
	if request.Method == http.MethodPut && request.URL.Path == "/latest/api/token" {
		return i.newMetadataToken(header, request, now)
	}
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		return http.StatusMethodNotAllowed, ""
	}
	token := request.Header.Get("X-Aws-Ec2-Metadata-Token")
	if token == "" && i.metadata.tokens == "required" || token != "" && !now.Before(i.tokens[token]) {
		return http.StatusUnauthorized, ""
	}
	body, found := i.metadataAt(request.URL.Path)
	if !found {
		return http.StatusNotFound, ""
	}
	return http.StatusOK, body
}

// newMetadataToken opens a session. Requests that came through a proxy get none.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-v2-how-it-works.html
func (i *instance) newMetadataToken(header http.Header, request *http.Request, now time.Time) (status int, body string) {
	if request.Header.Get("X-Forwarded-For") != "" {
		return http.StatusForbidden, ""
	}
	ttl, err := strconv.Atoi(request.Header.Get(tokenTTLHeader))
	if err != nil || ttl < 1 || ttl > maxTokenTTL {
		return http.StatusBadRequest, ""
	}
	token := i.secrets.make("token")
	if i.tokens == nil {
		i.tokens = metadataTokens{}
	}
	i.tokens[token] = now.Add(time.Duration(ttl) * time.Second)
	header.Set(tokenTTLHeader, strconv.Itoa(ttl))
	return http.StatusOK, token
}

// metadataAt answers a path: a value, or the names below it, one a line.
func (i *instance) metadataAt(path string) (string, bool) {
	path = strings.Trim(path, "/")
	// Every version of the service that clients still ask for has the same answers here.
	version, rest, _ := strings.Cut(path, "/")
	if version != "latest" && !isDate(version) {
		return "latest", version == ""
	}
	if key := i.launch.keyName; key != "" && rest == "meta-data/public-keys" {
		return "0=" + key, true // an index and a name, unlike all other lists
	}
	values := i.metadataValues()
	if value, ok := values[rest]; ok {
		return value, true
	}
	var names []string
	for name := range values {
		below, ok := strings.CutPrefix(name, rest+"/")
		if rest == "" {
			below, ok = name, true
		}
		if first, _, deeper := strings.Cut(below, "/"); ok {
			names = append(names, first+onOff(deeper, "/", ""))
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), "\n"), len(names) > 0
}

func isDate(version string) bool {
	_, err := time.Parse(time.DateOnly, version)
	return err == nil
}

// metadataValues is everything below /latest/.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html#instancedata-data-categories
func (i *instance) metadataValues() map[string]string {
	values := map[string]string{
		"meta-data/ami-id":                         i.image.id,
		"meta-data/ami-launch-index":               strconv.Itoa(i.index),
		"meta-data/ami-manifest-path":              "(unknown)",
		"meta-data/instance-action":                "none",
		"meta-data/instance-id":                    i.id,
		"meta-data/instance-life-cycle":            cmp.Or(i.lifecycle(), "on-demand"),
		"meta-data/instance-type":                  i.kind.name,
		"meta-data/reservation-id":                 i.launch.reservation,
		"meta-data/profile":                        "default-hvm",
		"meta-data/placement/availability-zone":    i.launch.subnet.zone.name,
		"meta-data/placement/availability-zone-id": i.launch.subnet.zone.id,
		"meta-data/placement/region":               i.region.name,
		"meta-data/services/domain":                "amazonaws.com",
		"meta-data/services/partition":             "aws",
		"dynamic/instance-identity/document":       i.identityDocument(),
	}
	for at, v := range i.volumes {
		name := fmt.Sprintf("ebs%d", at)
		if v.device == i.rootDevice() {
			values["meta-data/block-device-mapping/root"], name = v.device, "ami"
		}
		values["meta-data/block-device-mapping/"+name] = v.device
	}
	if group := i.launch.group; group != nil {
		values["meta-data/placement/group-name"] = group.name
		if group.partitions > 0 {
			values["meta-data/placement/partition-number"] = strconv.Itoa(i.partition())
		}
	}
	if i.launch.publicKey != "" {
		values["meta-data/public-keys/0/openssh-key"] = i.launch.publicKey + "\n"
	}
	if len(i.userData) > 0 {
		values["user-data"] = string(i.userData)
	}
	if i.metadata.tags == "enabled" {
		for key, value := range i.tags {
			values["meta-data/tags/instance/"+key] = value
		}
	}
	if i.card != nil {
		i.networkMetadata(values)
	}
	if i.profile != nil {
		i.roleMetadata(values)
	}
	return values
}

func (i *instance) networkMetadata(values map[string]string) {
	card := i.card
	dns := i.region.privateDNS(card.address)
	var names []string
	for _, group := range card.groups {
		names = append(names, group.name)
	}
	here := "meta-data/network/interfaces/macs/" + card.mac + "/"
	for name, value := range map[string]string{
		"meta-data/hostname": dns, "meta-data/local-hostname": dns, "meta-data/local-ipv4": card.address.String(),
		"meta-data/mac": card.mac, "meta-data/security-groups": strings.Join(names, "\n"),
		here + "device-number": "0", here + "interface-id": card.id, here + "mac": card.mac,
		here + "owner-id": i.accountID(), here + "local-hostname": dns, here + "local-ipv4s": card.address.String(),
		here + "subnet-id": card.subnet.id, here + "subnet-ipv4-cidr-block": card.subnet.cidr.String(),
		here + "vpc-id": card.subnet.vpc.id, here + "vpc-ipv4-cidr-block": card.subnet.vpc.cidr.String(),
		here + "security-group-ids": strings.Join(groupIDs(card.groups), "\n"),
	} {
		values[name] = value
	}
	if card.public.IsValid() {
		values["meta-data/public-ipv4"] = card.public.String()
		values["meta-data/public-hostname"] = i.region.publicDNS(card.public)
	}
}

// identityDocument is the instance identity document. The lab has no key to sign it
// with, so its signatures are not there.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html
func (i *instance) identityDocument() string {
	address := ""
	if i.card != nil {
		address = i.card.address.String()
	}
	return document(map[string]any{
		"accountId": i.accountID(), "architecture": i.image.architecture, "availabilityZone": i.launch.subnet.zone.name,
		"billingProducts": nil, "devpayProductCodes": nil, "marketplaceProductCodes": nil, "imageId": i.image.id,
		"instanceId": i.id, "instanceType": i.kind.name, "kernelId": nil, "pendingTime": i.launched.Format(time.RFC3339),
		"privateIp": address, "ramdiskId": nil, "region": i.region.name, "version": "2017-09-30",
	})
}
