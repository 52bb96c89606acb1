package lab

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Limits of the Parameter Store.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
// https://docs.aws.amazon.com/general/latest/gr/ssm.html
const (
	maxStandardValue      = 4096
	maxAdvancedValue      = 8192
	maxStandardParameters = 10000
	// maxVersions is how many versions a parameter keeps.
	// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
	maxVersions = 100
)

// Types, tiers and data types of a parameter.
const (
	secureString    = "SecureString"
	tierStandard    = "Standard"
	tierAdvanced    = "Advanced"
	tierIntelligent = "Intelligent-Tiering"
	dataText        = "text"
	dataImage       = "aws:ec2:image"
)

// parameter is one parameter of the Parameter Store: AWS's own, which is public and
// read only, or the account's.
type parameter struct {
	name, arn string
	public    bool
	tags      tagMap
	// versions are in order; the last one is what the parameter is now.
	versions []*parameterVersion
}

// parameterVersion is what a parameter was from one PutParameter to the next.
type parameterVersion struct {
	number         int
	kind, value    string
	dataType, tier string
	description    string
	allowedPattern string
	keyID          string
	modified       time.Time
	modifiedBy     string
	labels         []string
}

func (p *parameter) latest() *parameterVersion { return p.versions[len(p.versions)-1] }

// parameterItem is one parameter in an answer.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_Parameter.html
type parameterItem struct {
	ARN              string
	DataType         string
	LastModifiedDate float64
	Name             string
	Selector         string `json:",omitempty"`
	Type             string
	Value            string
	Version          int
}

func (p *parameter) item(of *parameterVersion, selector string, decrypted bool) parameterItem {
	return parameterItem{
		ARN: p.arn, DataType: of.dataType, LastModifiedDate: epoch(of.modified), Name: p.name,
		Selector: selector, Type: of.kind, Value: of.shown(decrypted), Version: of.number,
	}
}

// shown is the value; that of a secure string is encrypted unless it is asked for in
// the clear. The lab's cipher text only looks like one: nothing can decrypt it.
func (v *parameterVersion) shown(decrypted bool) string {
	if v.kind != secureString || decrypted {
		return v.value
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s", v.keyID, v.number, v.value))
	return "AQICAH" + base64.StdEncoding.EncodeToString(sum[:])
}

var parameterActions = map[string]jsonAction{
	"PutParameter":            asJSON((*region).putParameter),
	"GetParameter":            asJSON((*region).getParameter),
	"GetParameters":           asJSON((*region).getParameters),
	"GetParametersByPath":     asJSON((*region).getParametersByPath),
	"GetParameterHistory":     asJSON((*region).getParameterHistory),
	"DescribeParameters":      asJSON((*region).describeParameters),
	"DeleteParameter":         asJSON((*region).deleteParameter),
	"DeleteParameters":        asJSON((*region).deleteParameters),
	"LabelParameterVersion":   asJSON((*region).labelParameterVersion),
	"UnlabelParameterVersion": asJSON((*region).unlabelParameterVersion),
}

// publishParameter makes the next version of a public parameter.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters.html
func (r *region) publishParameter(name, value string, at time.Time) {
	found := r.parameters[name]
	if found == nil {
		found = &parameter{name: name, public: true, arn: strings.Join([]string{"arn:aws:ssm", r.name, "", "parameter" + name}, ":")}
		r.parameters[name] = found
	}
	found.versions = append(found.versions, &parameterVersion{
		number: len(found.versions) + 1, kind: "String", value: value, dataType: dataText, tier: tierStandard, modified: at,
	})
}

type ssmTag struct {
	Key   string `must:"required,length 1 128" pattern:"[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*"`
	Value string `must:"length 0 256" pattern:"[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*"`
}

type putParameterInput struct {
	Name           string  `must:"required,length 1 2048"`
	Value          string  `must:"required,length 1 65536"`
	Description    *string `must:"length 0 1024"`
	Type           string  `must:"enum String|StringList|SecureString"`
	KeyId          string  `must:"length 1 256" pattern:"[a-zA-Z0-9:/_-]+"`
	Overwrite      bool
	AllowedPattern *string `must:"length 0 1024"`
	Tags           []ssmTag
	Tier           string `must:"enum Standard|Advanced|Intelligent-Tiering"`
	DataType       string `must:"length 0 128"`
}

type putParameterOutput struct {
	Version int
	Tier    string
}

// putParameter makes a parameter or, with Overwrite, its next version. The id of an
// image is looked up afterwards: an invalid one is answered with success and leaves
// no trace.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
func (r *region) putParameter(in *putParameterInput) (*putParameterOutput, *apiError) {
	in.Name = strings.Trim(in.Name, " ")
	if in.Overwrite && len(in.Tags) > 0 {
		return nil, fail("ValidationException", "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, "+
			"please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.")
	}
	if err := r.checkParameterName(in.Name); err != nil {
		return nil, err
	}
	before := r.parameters[in.Name]
	if before != nil && !in.Overwrite {
		return nil, fail("ParameterAlreadyExists",
			"The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	}
	next, err := r.nextVersion(before, in)
	if err != nil {
		return nil, err
	}
	tags, err := ssmTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	if next.dataType == dataImage {
		// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html
		r.lab.agenda.add(next.modified, func(time.Time) {
			if found := r.place.images.get(next.value); found != nil && found.state == imageAvailable && found.usableBy(r.account) {
				r.keepVersion(in.Name, tags, next)
			}
		})
	} else {
		r.keepVersion(in.Name, tags, next)
	}
	return &putParameterOutput{Version: next.number, Tier: next.tier}, nil
}

// keepVersion adds a version to a parameter, and makes the parameter if it is not
// there. The oldest version beyond the limit goes.
func (r *region) keepVersion(name string, tags tagMap, next *parameterVersion) {
	found := r.parameters[name]
	if found == nil {
		found = &parameter{name: name, arn: r.arn("ssm", "parameter/"+strings.TrimPrefix(name, "/")), tags: tags}
		r.parameters[name] = found
	}
	found.versions = append(found.versions, next)
	found.versions = found.versions[max(0, len(found.versions)-maxVersions):]
}

// nextVersion checks a PutParameter and makes what it asks for. What an update does
// not name stays.
func (r *region) nextVersion(before *parameter, in *putParameterInput) (*parameterVersion, *apiError) {
	next := &parameterVersion{
		number: 1, kind: in.Type, value: in.Value, dataType: cmp.Or(in.DataType, dataText), tier: in.Tier,
		modified: r.now(), modifiedBy: r.account.administrator(), keyID: in.KeyId,
	}
	if before != nil {
		now := before.latest()
		next.number, next.kind = now.number+1, cmp.Or(in.Type, now.kind)
		next.description, next.allowedPattern = now.description, now.allowedPattern
		next.dataType = cmp.Or(in.DataType, now.dataType)
		if next.kind == secureString && next.keyID == "" {
			next.keyID = now.keyID
		}
		if err := roomForVersion(before); err != nil {
			return nil, err
		}
	}
	if next.kind == "" {
		return nil, fail("ValidationException", "A parameter type is required when you create a parameter.")
	}
	if in.Description != nil {
		next.description = *in.Description
	}
	if in.AllowedPattern != nil {
		next.allowedPattern = *in.AllowedPattern
	}
	for _, check := range []func(*parameter, *parameterVersion) *apiError{
		r.checkTier, r.checkParameterKey, checkDataType, checkPattern,
	} {
		if err := check(before, next); err != nil {
			return nil, err
		}
	}
	return next, nil
}

// roomForVersion refuses to push out a version that has a label.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html
func roomForVersion(of *parameter) *apiError {
	oldest := of.versions[0]
	if len(of.versions) < maxVersions || len(oldest.labels) == 0 {
		return nil
	}
	return fail("ParameterMaxVersionLimitExceeded",
		"You attempted to create a new version of %s by calling the PutParameter API with the overwrite flag. Version %d, the oldest version, "+
			"can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.",
		of.name, oldest.number)
}

// checkTier decides the tier, and holds value and number of parameters against it.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
func (r *region) checkTier(before *parameter, next *parameterVersion) *apiError {
	long := len(next.value) > maxStandardValue
	advanced := before != nil && before.latest().tier == tierAdvanced
	switch {
	case next.tier == tierStandard && advanced:
		return fail("ValidationException", "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the "+
			"advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.")
	case advanced || next.tier == tierIntelligent && long:
		next.tier = tierAdvanced
	case next.tier != tierAdvanced:
		next.tier = tierStandard
	}
	if next.tier == tierStandard && long {
		return fail("ValidationException", "Standard tier parameters support a maximum parameter value of %d characters. To create a larger "+
			"parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see "+
			"https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html", maxStandardValue)
	}
	if len(next.value) > maxAdvancedValue {
		return fail("ValidationException", "Advanced tier parameters support a maximum parameter value of %d characters.", maxAdvancedValue)
	}
	if before == nil && next.tier == tierStandard && len(r.ownParameters()) >= maxStandardParameters {
		return fail("ParameterLimitExceeded", "You have exceeded the number of parameters for this Amazon Web Services account.")
	}
	return nil
}

// checkParameterKey resolves the key of a secure string; other types have none.
func (r *region) checkParameterKey(_ *parameter, next *parameterVersion) *apiError {
	if next.kind != secureString {
		if next.keyID != "" {
			return fail("ValidationException", "KeyId is required for SecureString type parameter only.")
		}
		return nil
	}
	next.keyID = cmp.Or(next.keyID, "alias/aws/ssm")
	if r.usableKey(next.keyID) == nil {
		return fail("InvalidKeyId", "Invalid keyId %s", next.keyID)
	}
	return nil
}

func checkDataType(_ *parameter, next *parameterVersion) *apiError {
	if next.dataType != dataText && next.dataType != dataImage {
		return fail("ValidationException", "The following data type is not supported: %s (Data type names are all lowercase.)", next.dataType)
	}
	if next.dataType == dataImage && next.kind != "String" {
		return fail("ValidationException", "The data type %s is supported for parameters of type String only.", dataImage)
	}
	if strings.Contains(next.value, "{{") && strings.Contains(next.value, "}}") {
		return fail("ValidationException", "Parameter value can't nest another parameter. Do not use \"{{}}\" in the value.")
	}
	return nil
}

func checkPattern(_ *parameter, next *parameterVersion) *apiError {
	if next.allowedPattern == "" {
		return nil
	}
	form, err := regexp.Compile(next.allowedPattern)
	if err != nil {
		return fail("InvalidAllowedPatternException", "The request does not meet the regular expression requirement: %s", next.allowedPattern)
	}
	if !form.MatchString(next.value) {
		return fail("ParameterPatternMismatchException", "Parameter value, cannot be validated against allowedPattern: %s", next.allowedPattern)
	}
	return nil
}

// ownParameters are the account's parameters, by name.
func (r *region) ownParameters() []*parameter {
	var own []*parameter
	for _, name := range slices.Sorted(maps.Keys(r.parameters)) {
		if found := r.parameters[name]; !found.public {
			own = append(own, found)
		}
	}
	return own
}
