package lab

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
)

var kmsPolicyActions = map[string]jsonAction{
	"GetKeyPolicy": asJSON((*region).getKeyPolicy),
	"PutKeyPolicy": asJSON((*region).putKeyPolicy),
}

// defaultKeyPolicy is what a key has that was made without a policy: all rights are
// its own account's.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
func (a *account) defaultKeyPolicy() string {
	return `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::` + a.id + `:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`
}

// texts is one text or several in a policy.
type texts []string

// UnmarshalJSON reads either form.
func (t *texts) UnmarshalJSON(content []byte) error {
	var one string
	if json.Unmarshal(content, &one) == nil {
		*t = texts{one}
		return nil
	}
	var several []string
	err := json.Unmarshal(content, &several)
	*t = several
	return err
}

// principals are everybody, written as a star, or what each kind of principal lists.
type principals map[string]texts

// UnmarshalJSON takes the star for everybody of AWS's kind.
func (p *principals) UnmarshalJSON(content []byte) error {
	if string(content) == `"*"` {
		*p = principals{"AWS": {"*"}}
		return nil
	}
	return json.Unmarshal(content, (*map[string]texts)(p))
}

type policyStatement struct {
	Effect    string
	Principal principals
	Action    texts
	Condition map[string]map[string]texts
}

type policyDocument struct{ Statement []policyStatement }

// names tells whether a statement is about an account's administrator. Of conditions,
// those are judged that tell accounts apart; the others are about how a key is used,
// and taken as met.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (s policyStatement) names(a *account) bool {
	is := map[string]string{
		"aws:principalaccount": a.id, "kms:calleraccount": a.id,
		"aws:principalorgid": a.organization[strings.LastIndexByte(a.organization, '/')+1:],
	}
	for key, wanted := range s.Condition["StringEquals"] {
		if value, judged := is[strings.ToLower(key)]; judged && !slices.Contains(wanted, value) {
			return false
		}
	}
	return slices.ContainsFunc(s.Principal["AWS"], func(principal string) bool {
		return slices.Contains([]string{"*", a.id, "arn:aws:iam::" + a.id + ":root", a.administrator()}, principal)
	})
}

// allows tells whether a policy lets an account do something. What is denied is, even
// if it is also allowed.
func (d policyDocument) allows(a *account, action string) bool {
	allowed := false
	for _, s := range d.Statement {
		about := slices.ContainsFunc(s.Action, func(pattern string) bool {
			match, err := path.Match(strings.ToLower(pattern), strings.ToLower(action))
			return err == nil && match
		})
		switch {
		case !about || !s.names(a):
		case s.Effect == "Deny":
			return false
		default:
			allowed = true
		}
	}
	return allowed
}

// keyUses are what a key must allow whoever uses what EBS has encrypted with it.
// https://docs.aws.amazon.com/ebs/latest/userguide/share-kms-key.html
var keyUses = []string{
	"kms:DescribeKey", "kms:CreateGrant", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:Decrypt",
}

// lets tells whether another account may use the key for EBS. Nobody in the lab has
// less rights than their account, so the key's policy decides alone.
func (k *kmsKey) lets(a *account) bool {
	var policy policyDocument
	if k.managed || json.Unmarshal([]byte(k.policy), &policy) != nil {
		return false
	}
	return !slices.ContainsFunc(keyUses, func(use string) bool { return !policy.allows(a, use) })
}

// usableKey finds a key of the account, or one of another account that it may use,
// which only an ARN can name; nil without one.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
func (r *region) usableKey(asked string) *kmsKey {
	parts := strings.Split(asked, ":")
	if len(parts) != 6 || parts[3] != r.name || parts[4] == r.account.id || r.lab.accounts[parts[4]] == nil {
		return r.findKey(asked)
	}
	from := r.lab.accounts[parts[4]].regions[r.name]
	if from == nil {
		return nil
	}
	if found := from.findKey(asked); found != nil && found.lets(r.account) {
		return found
	}
	return nil
}

// checkPolicy refuses what is no policy. That nobody locks themselves out is not
// checked: everybody is the administrator.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
func checkPolicy(text string) *apiError {
	var policy policyDocument
	if json.Unmarshal([]byte(text), &policy) != nil || len(policy.Statement) == 0 {
		return fail("MalformedPolicyDocumentException", "The specified policy is not syntactically or semantically correct.")
	}
	return nil
}

type getKeyPolicyInput struct {
	KeyId      string `must:"required,length 1 2048"`
	PolicyName string `must:"enum default"`
}

type keyPolicyOutput struct{ Policy, PolicyName string }

// https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html
func (r *region) getKeyPolicy(in *getKeyPolicyInput) (*keyPolicyOutput, *apiError) {
	found, err := r.namedKey(in.KeyId)
	if err != nil {
		return nil, err
	}
	return &keyPolicyOutput{Policy: found.policy, PolicyName: "default"}, nil
}

type putKeyPolicyInput struct {
	KeyId                          string `must:"required,length 1 2048"`
	PolicyName                     string `must:"enum default"`
	Policy                         string `must:"required,length 1 131072"`
	BypassPolicyLockoutSafetyCheck bool
}

// https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
func (r *region) putKeyPolicy(in *putKeyPolicyInput) (*nothing, *apiError) {
	found, err := r.namedKey(in.KeyId)
	if err != nil {
		return nil, err
	}
	if found.managed {
		return nil, fail("AccessDeniedException", "The policies of AWS managed keys can't be changed.")
	}
	if err := checkPolicy(in.Policy); err != nil {
		return nil, err
	}
	found.policy = in.Policy
	return &nothing{}, nil
}
