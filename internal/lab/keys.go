package lab

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
	"time"
)

// keyPair is one imported key pair.
type keyPair struct {
	object
	name, kind, fingerprint, public string
	created                         time.Time
}

// key finds a key pair by name.
func (r *region) key(name string) *keyPair {
	for _, k := range r.keys.all() {
		if k.name == name {
			return k
		}
	}
	return nil
}

// publicKey is what EC2 gives to the instance of its key pair: as it was at the launch;
// a pair that is deleted later stays where it was put.
func (i *instance) publicKey() string { return i.launch.publicKey }

type importKeyInput struct {
	KeyName           string
	PublicKeyMaterial []byte
	TagSpecification  []tagSpecification
}

type importKeyOutput struct {
	Name        string    `xml:"keyName"`
	Fingerprint string    `xml:"keyFingerprint"`
	ID          string    `xml:"keyPairId"`
	Tags        []tagItem `xml:"tagSet"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ImportKeyPair.html
func (r *region) importKeyPair(in *importKeyInput) (*importKeyOutput, *apiError) {
	if in.KeyName == "" {
		return nil, missing("KeyName")
	}
	if r.key(in.KeyName) != nil {
		return nil, fail("InvalidKeyPair.Duplicate", "The keypair already exists")
	}
	fields := strings.Fields(string(in.PublicKeyMaterial))
	if len(fields) < 2 || !slices.Contains([]string{"ssh-rsa", "ssh-ed25519"}, fields[0]) {
		return nil, fail("InvalidKey.Format", "Key is not in valid OpenSSH public key format")
	}
	blob, bad := base64.StdEncoding.DecodeString(fields[1])
	if bad != nil {
		return nil, fail("InvalidKey.Format", "Key is not in valid OpenSSH public key format")
	}
	tags, err := specifiedTags(in.TagSpecification, "key-pair")
	if err != nil {
		return nil, err
	}
	// The fingerprint is that of ED25519 keys; for RSA keys AWS takes MD5.
	// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-keys.html
	digest := sha256.Sum256(blob)
	made := &keyPair{
		object: r.object("key", tagMap{}.with(tags["key-pair"])), name: in.KeyName, created: r.now(),
		kind: strings.TrimPrefix(fields[0], "ssh-"), public: string(in.PublicKeyMaterial),
		fingerprint: base64.StdEncoding.EncodeToString(digest[:]),
	}
	r.keys.put(made)
	return &importKeyOutput{Name: made.name, Fingerprint: made.fingerprint, ID: made.id, Tags: made.seenTags().items()}, nil
}

type describeKeysInput struct {
	KeyName, KeyPairId []string
	IncludePublicKey   *bool
	Filter             []filterParam
}

type keyItem struct {
	ID          string    `xml:"keyPairId"`
	Name        string    `xml:"keyName"`
	Type        string    `xml:"keyType"`
	Fingerprint string    `xml:"keyFingerprint"`
	Created     time.Time `xml:"createTime"`
	Public      string    `xml:"publicKey,omitempty"`
	Tags        []tagItem `xml:"tagSet"`
}

type describeKeysOutput struct {
	Keys []keyItem `xml:"keySet"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeKeyPairs.html
var keyFilters = filterable[*keyPair]{
	"key-name":    one(func(k *keyPair) string { return k.name }),
	"key-pair-id": one(func(k *keyPair) string { return k.id }),
	"fingerprint": one(func(k *keyPair) string { return k.fingerprint }),
}

func (r *region) describeKeyPairs(in *describeKeysInput) (*describeKeysOutput, *apiError) {
	for _, name := range in.KeyName {
		if r.key(name) == nil {
			return nil, noKey([]string{name})
		}
	}
	found, _, err := list(&r.keys, listing[*keyPair]{
		ids: in.KeyPairId, absent: noKey, filters: in.Filter, fields: keyFilters,
		also: func(k *keyPair) bool { return len(in.KeyName) == 0 || slices.Contains(in.KeyName, k.name) },
	})
	if err != nil {
		return nil, err
	}
	out := &describeKeysOutput{}
	for _, k := range found {
		item := keyItem{ID: k.id, Name: k.name, Type: k.kind, Fingerprint: k.fingerprint, Created: k.created, Tags: k.seenTags().items()}
		if isTrue(in.IncludePublicKey) {
			item.Public = k.public
		}
		out.Keys = append(out.Keys, item)
	}
	return out, nil
}

func noKey(names []string) *apiError {
	return fail("InvalidKeyPair.NotFound", "The key pair '%s' does not exist", names[0])
}

type deleteKeyInput struct{ KeyName, KeyPairId string }

type deleteKeyOutput struct {
	Return bool   `xml:"return"`
	ID     string `xml:"keyPairId,omitempty"`
}

// deleteKeyPair also succeeds when there is no such key pair.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteKeyPair.html
func (r *region) deleteKeyPair(in *deleteKeyInput) (*deleteKeyOutput, *apiError) {
	out := &deleteKeyOutput{Return: true}
	for _, k := range r.keys.all() {
		if k.id == in.KeyPairId || in.KeyName != "" && k.name == in.KeyName {
			out.ID = k.id
		}
	}
	r.keys.remove(out.ID)
	return out, nil
}
