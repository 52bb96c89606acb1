package lab

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// States of a key that the lab knows.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
const (
	keyEnabled         = "Enabled"
	keyPendingDeletion = "PendingDeletion"
)

// kmsKey is one symmetric key: the account's, or one that AWS manages for a service.
// There is nothing in it; the lab encrypts nothing.
type kmsKey struct {
	object
	arn, description string
	policy           string
	managed          bool
	state            string
	created          time.Time
	deletion         time.Time
}

// kmsAlias is a name of a key.
type kmsAlias struct {
	name   string
	target *kmsKey
	made   time.Time
}

var kmsActions = jsonUnion(kmsKeyActions, kmsPolicyActions)

var kmsKeyActions = map[string]jsonAction{
	"CreateKey":           asJSON((*region).createKey),
	"DescribeKey":         asJSON((*region).describeKey),
	"ScheduleKeyDeletion": asJSON((*region).scheduleKeyDeletion),
	"CreateAlias":         asJSON((*region).createAlias),
	"DeleteAlias":         asJSON((*region).deleteAlias),
	"ListAliases":         asJSON((*region).listAliases),
}

func doKMS(_ *Lab, r *region, c *call) (any, *apiError) { return doJSON(kmsActions, r, c) }

// managedKeys are the keys that AWS manages for the services that clients of the lab
// use. AWS makes one when it is first needed; in the lab they are there.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key
var managedKeys = []struct{ alias, description string }{
	{"alias/aws/ebs", "Default key that protects my EBS volumes when no other key is defined"},
	{"alias/aws/s3", "Default key that protects my S3 objects when no other key is defined"},
	{"alias/aws/ssm", "Default key that protects my SSM parameters when no other key is defined"},
}

// furnishKeys puts in the keys that AWS manages. Their ids are made from their names,
// so that they are always the same.
func (r *region) furnishKeys() {
	for _, managed := range managedKeys {
		id := newIDs(0, r.account.idSpace(strings.TrimPrefix(managed.alias, "alias/")+" "+r.name)).uuid()
		made := &kmsKey{
			object: object{id: id, home: r}, arn: r.arn("kms", "key/"+id), description: managed.description,
			managed: true, state: keyEnabled, created: r.now(), policy: r.account.defaultKeyPolicy(),
		}
		r.keysOfKMS.put(made)
		r.aliases = append(r.aliases, &kmsAlias{name: managed.alias, target: made, made: made.created})
	}
}

// findKey finds a key by its id or ARN, or by an alias or its ARN; nil without one.
// https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#key-id
func (r *region) findKey(asked string) *kmsKey {
	name := strings.TrimPrefix(asked, r.arn("kms", ""))
	if strings.HasPrefix(name, "alias/") {
		if alias := r.findAlias(name); alias != nil {
			return alias.target
		}
		return nil
	}
	return r.keysOfKMS.get(strings.TrimPrefix(name, "key/"))
}

func (r *region) findAlias(name string) *kmsAlias {
	at := slices.IndexFunc(r.aliases, func(a *kmsAlias) bool { return a.name == name })
	if at < 0 {
		return nil
	}
	return r.aliases[at]
}

// namedKey is findKey with KMS's own errors.
func (r *region) namedKey(asked string) (*kmsKey, *apiError) {
	found := r.findKey(asked)
	switch {
	case found != nil:
		return found, nil
	case strings.Contains(asked, "alias/"):
		return nil, fail("NotFoundException", "Alias %s is not found.", r.kmsName(asked))
	}
	return nil, fail("NotFoundException", "Key '%s' does not exist", r.kmsName(asked))
}

// kmsName is the ARN that an error names.
func (r *region) kmsName(asked string) string {
	switch {
	case strings.HasPrefix(asked, "arn:"):
		return asked
	case strings.HasPrefix(asked, "alias/"):
		return r.arn("kms", asked)
	}
	return r.arn("kms", "key/"+asked)
}

type kmsTag struct {
	TagKey   string `must:"required,length 1 128"`
	TagValue string `must:"length 0 256"`
}

type createKeyInput struct {
	Description                    string `must:"length 0 8192"`
	KeyUsage                       string `must:"enum ENCRYPT_DECRYPT"`
	KeySpec                        string `must:"enum SYMMETRIC_DEFAULT"`
	CustomerMasterKeySpec          string `must:"enum SYMMETRIC_DEFAULT"`
	Origin                         string `must:"enum AWS_KMS"`
	Policy                         string `must:"length 1 131072"`
	BypassPolicyLockoutSafetyCheck bool
	Tags                           []kmsTag
}

// keyMetadata is one key in an answer.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html
type keyMetadata struct {
	AWSAccountId, KeyId, Arn       string
	CreationDate                   float64
	DeletionDate                   float64 `json:",omitempty"`
	Enabled, MultiRegion           bool
	Description                    string
	KeyUsage, KeyState, Origin     string
	KeyManager                     string
	CustomerMasterKeySpec, KeySpec string
	EncryptionAlgorithms           []string
}

func (k *kmsKey) metadata() keyMetadata {
	data := keyMetadata{
		AWSAccountId: k.accountID(), KeyId: k.id, Arn: k.arn, CreationDate: epoch(k.created), Enabled: k.state == keyEnabled,
		Description: k.description, KeyUsage: "ENCRYPT_DECRYPT", KeyState: k.state, Origin: "AWS_KMS",
		KeyManager: onOff(k.managed, "AWS", "CUSTOMER"), CustomerMasterKeySpec: "SYMMETRIC_DEFAULT", KeySpec: "SYMMETRIC_DEFAULT",
		EncryptionAlgorithms: []string{"SYMMETRIC_DEFAULT"},
	}
	if k.state == keyPendingDeletion {
		data.DeletionDate = epoch(k.deletion)
	}
	return data
}

type keyOutput struct{ KeyMetadata keyMetadata }

// createKey makes a symmetric key. In its own account nobody is kept from anything;
// its policy says which other accounts may use it.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
func (r *region) createKey(in *createKeyInput) (*keyOutput, *apiError) {
	tags := tagMap{}
	for _, tag := range in.Tags {
		if _, twice := tags[tag.TagKey]; twice || strings.HasPrefix(strings.ToLower(tag.TagKey), "aws:") {
			return nil, fail("TagException", "The tag key %s is reserved or is there twice.", tag.TagKey)
		}
		tags[tag.TagKey] = tag.TagValue
	}
	policy := r.account.defaultKeyPolicy()
	if in.Policy != "" {
		if err := checkPolicy(in.Policy); err != nil {
			return nil, err
		}
		policy = in.Policy
	}
	made := &kmsKey{object: r.object("key", tags), description: in.Description, policy: policy, state: keyEnabled, created: r.now()}
	made.id = r.ids.uuid()
	made.arn = r.arn("kms", "key/"+made.id)
	r.keysOfKMS.put(made)
	return &keyOutput{made.metadata()}, nil
}

type keyInput struct {
	KeyId string `must:"required,length 1 2048"`
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html
func (r *region) describeKey(in *keyInput) (*keyOutput, *apiError) {
	if foreign := r.usableKey(in.KeyId); foreign != nil {
		return &keyOutput{foreign.metadata()}, nil
	}
	found, err := r.namedKey(in.KeyId)
	if err != nil {
		return nil, err
	}
	return &keyOutput{found.metadata()}, nil
}

type endKeyInput struct {
	KeyId               string `must:"required,length 1 2048"`
	PendingWindowInDays *int   `must:"value 7 30"`
}

type endKeyOutput struct {
	KeyId, KeyState     string
	DeletionDate        float64
	PendingWindowInDays int
}

// scheduleKeyDeletion deletes a key, and its aliases, in thirty days or in as many as
// are asked for.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html
func (r *region) scheduleKeyDeletion(in *endKeyInput) (*endKeyOutput, *apiError) {
	found, err := r.namedKey(in.KeyId)
	if err != nil {
		return nil, err
	}
	switch {
	case strings.Contains(in.KeyId, "alias/"):
		return nil, fail("NotFoundException", "Invalid keyId %s", in.KeyId)
	case found.managed:
		return nil, &apiError{status: 400, code: "AccessDeniedException", message: "AWS managed keys can't be deleted."}
	case found.state == keyPendingDeletion:
		return nil, fail("KMSInvalidStateException", "%s is pending deletion.", found.arn)
	}
	days := 30
	if in.PendingWindowInDays != nil {
		days = *in.PendingWindowInDays
	}
	found.state, found.deletion = keyPendingDeletion, r.now().AddDate(0, 0, days)
	r.lab.agenda.add(found.deletion, func(time.Time) {
		r.keysOfKMS.remove(found.id)
		r.aliases = slices.DeleteFunc(r.aliases, func(a *kmsAlias) bool { return a.target == found })
	})
	return &endKeyOutput{KeyId: found.arn, KeyState: found.state, DeletionDate: epoch(found.deletion), PendingWindowInDays: days}, nil
}

type createAliasInput struct {
	AliasName   string `must:"required,length 1 256" pattern:"[a-zA-Z0-9:/_-]+"`
	TargetKeyId string `must:"required,length 1 2048"`
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html
func (r *region) createAlias(in *createAliasInput) (*nothing, *apiError) {
	name, ok := strings.CutPrefix(in.AliasName, "alias/")
	switch {
	case !ok || name == "":
		return nil, fail("ValidationException", "Invalid identifier")
	case strings.HasPrefix(name, "aws/"):
		return nil, fail("NotAuthorizedException", "")
	case strings.Contains(name, ":"):
		return nil, fail("ValidationException", "%s contains invalid characters for an alias", in.AliasName)
	case strings.Contains(in.TargetKeyId, "alias/"):
		return nil, fail("ValidationException", "Aliases must refer to keys. Not aliases")
	case r.findAlias(in.AliasName) != nil:
		return nil, fail("AlreadyExistsException", "An alias with the name %s already exists", r.arn("kms", in.AliasName))
	}
	target, err := r.namedKey(in.TargetKeyId)
	if err != nil {
		return nil, err
	}
	if target.state == keyPendingDeletion {
		return nil, fail("KMSInvalidStateException", "%s is pending deletion.", target.arn)
	}
	r.aliases = append(r.aliases, &kmsAlias{name: in.AliasName, target: target, made: r.now()})
	return &nothing{}, nil
}

type deleteAliasInput struct {
	AliasName string `must:"required,length 1 256"`
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteAlias.html
func (r *region) deleteAlias(in *deleteAliasInput) (*nothing, *apiError) {
	found := r.findAlias(in.AliasName)
	if found == nil || found.target.managed {
		return nil, fail("NotFoundException", "Alias %s is not found.", r.kmsName(in.AliasName))
	}
	r.aliases = slices.DeleteFunc(r.aliases, func(a *kmsAlias) bool { return a == found })
	return &nothing{}, nil
}

type listAliasesInput struct {
	KeyId  string `must:"length 1 2048"`
	Limit  *int   `must:"value 1 1000"`
	Marker string
}

type aliasItem struct {
	AliasArn, AliasName, TargetKeyId string
	CreationDate, LastUpdatedDate    float64
}

type listAliasesOutput struct {
	Aliases    []aliasItem
	NextMarker string `json:",omitempty"`
	Truncated  bool
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html
func (r *region) listAliases(in *listAliasesInput) (*listAliasesOutput, *apiError) {
	listed := slices.Clone(r.aliases)
	if in.KeyId != "" {
		target, err := r.namedKey(in.KeyId)
		if err != nil {
			return nil, err
		}
		listed = slices.DeleteFunc(listed, func(a *kmsAlias) bool { return a.target != target })
	}
	slices.SortFunc(listed, func(a, b *kmsAlias) int { return cmp.Compare(a.name, b.name) })
	limit := 50
	if in.Limit != nil {
		limit = *in.Limit
	}
	some, next, err := window(listed, func(a *kmsAlias) string { return a.name }, &limit, limit, in.Marker)
	if err != nil {
		return nil, fail("InvalidMarkerException", "The marker isn't valid.")
	}
	out := &listAliasesOutput{Aliases: []aliasItem{}, NextMarker: next, Truncated: next != ""}
	for _, a := range some {
		out.Aliases = append(out.Aliases, aliasItem{
			AliasArn: r.arn("kms", a.name), AliasName: a.name, TargetKeyId: a.target.id,
			CreationDate: epoch(a.made), LastUpdatedDate: epoch(a.made),
		})
	}
	return out, nil
}
