package lab

import (
	"regexp"
	"strings"
	"time"
)

// profile is an IAM instance profile. The lab has no IAM: every well-formed name of
// the account is one, and its id is made from its name.
type profile struct{ profileItem }

// profileAssociation ties a profile to an instance.
type profileAssociation struct {
	object
	instance *instance
	profile  *profile
	since    time.Time
}

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateInstanceProfile.html
var (
	profileName = regexp.MustCompile(`^[\w+=,.@-]{1,128}$`)
	profileARN  = regexp.MustCompile(`^arn:aws:iam::([0-9]{12}):instance-profile/(?:[\w+=,.@/-]+/)?([\w+=,.@-]{1,128})$`)
)

func (r *region) findProfile(asked *profileParam) (*profile, *apiError) {
	if asked == nil || asked.Arn == "" && asked.Name == "" {
		return nil, missing("IamInstanceProfile")
	}
	if asked.Arn != "" && asked.Name != "" {
		return nil, combination("The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'")
	}
	name, arn := asked.Name, asked.Arn
	if arn == "" {
		arn = "arn:aws:iam::" + r.account.id + ":instance-profile/" + name
	}
	parts := profileARN.FindStringSubmatch(arn)
	if parts == nil || parts[1] != r.account.id || asked.Name != "" && !profileName.MatchString(name) {
		which, value := "name", name
		if asked.Arn != "" {
			which, value = "arn", arn
		}
		return nil, invalid("Value (%s) for parameter iamInstanceProfile.%s is invalid. Invalid IAM Instance Profile %s", value, which, which)
	}
	digits := strings.ToUpper(strings.ReplaceAll(newIDs(0, r.account.idSpace(parts[2])).uuid(), "-", ""))
	return &profile{profileItem{ARN: arn, ID: "AIPA" + digits[:17]}}, nil
}

func (r *region) associate(with *instance, found *profile, now time.Time) *profileAssociation {
	made := &profileAssociation{object: r.object("iip-assoc", nil), instance: with, profile: found, since: now}
	with.profile = made
	r.profiles.put(made)
	with.agentLater(now)
	return made
}

type associationOutputItem struct {
	ID         string      `xml:"associationId"`
	InstanceID string      `xml:"instanceId"`
	Profile    profileItem `xml:"iamInstanceProfile"`
	State      string      `xml:"state"`
	Timestamp  time.Time   `xml:"timestamp"`
}

type profileAssociationOutput struct {
	Association associationOutputItem `xml:"iamInstanceProfileAssociation"`
}

func (p *profileAssociation) item(state string) associationOutputItem {
	return associationOutputItem{
		ID: p.id, InstanceID: p.instance.id, Profile: p.profile.profileItem, State: state, Timestamp: p.since,
	}
}

type associateProfileInput struct {
	InstanceId         string
	IamInstanceProfile *profileParam
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateIamInstanceProfile.html
func (r *region) associateProfile(in *associateProfileInput) (*profileAssociationOutput, *apiError) {
	found, err := r.findProfile(in.IamInstanceProfile)
	if err != nil {
		return nil, err
	}
	with, err := r.liveOne(in.InstanceId)
	if err != nil {
		return nil, err
	}
	if with.profile != nil {
		return nil, fail("IncorrectState", "There is an existing association for instance %s", with.id)
	}
	return &profileAssociationOutput{r.associate(with, found, r.now()).item("associating")}, nil
}

type associationInput struct {
	AssociationId      string
	IamInstanceProfile *profileParam
}

func (r *region) association(id string) (*profileAssociation, *apiError) {
	found := r.profiles.get(id)
	if found == nil {
		return nil, noAssociation([]string{id})
	}
	return found, nil
}

func noAssociation(ids []string) *apiError {
	return fail("InvalidAssociationID.NotFound", "An invalid association-id of '%s' was given", ids[0])
}

// replaceProfileAssociation ends one association and makes another, with a new id.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceIamInstanceProfileAssociation.html
func (r *region) replaceProfileAssociation(in *associationInput) (*profileAssociationOutput, *apiError) {
	found, err := r.findProfile(in.IamInstanceProfile)
	if err != nil {
		return nil, err
	}
	before, err := r.association(in.AssociationId)
	if err != nil {
		return nil, err
	}
	r.profiles.remove(before.id)
	return &profileAssociationOutput{r.associate(before.instance, found, r.now()).item("associating")}, nil
}

type disassociateInput struct{ AssociationId string }

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisassociateIamInstanceProfile.html
func (r *region) disassociateProfile(in *disassociateInput) (*profileAssociationOutput, *apiError) {
	before, err := r.association(in.AssociationId)
	if err != nil {
		return nil, err
	}
	r.profiles.remove(before.id)
	before.instance.profile = nil
	return &profileAssociationOutput{before.item("disassociating")}, nil
}

type describeAssociationsInput struct {
	AssociationId []string
	Filter        []filterParam
	pageParams
}

type describeAssociationsOutput struct {
	Associations []associationOutputItem `xml:"iamInstanceProfileAssociationSet"`
	NextToken    string                  `xml:"nextToken,omitempty"`
}

// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeIamInstanceProfileAssociations.html
func (r *region) describeProfileAssociations(in *describeAssociationsInput) (*describeAssociationsOutput, *apiError) {
	fields := filterable[*profileAssociation]{
		"instance-id": one(func(p *profileAssociation) string { return p.instance.id }),
		"state":       one(func(*profileAssociation) string { return "associated" }),
	}
	found, next, err := list(&r.profiles, listing[*profileAssociation]{
		ids: in.AssociationId, absent: noAssociation, filters: in.Filter, fields: fields,
		page: in.pageParams, limits: pageLimits{least: 5, most: 1000},
	})
	if err != nil {
		return nil, err
	}
	out := &describeAssociationsOutput{NextToken: next}
	for _, p := range found {
		out.Associations = append(out.Associations, p.item("associated"))
	}
	return out, nil
}
