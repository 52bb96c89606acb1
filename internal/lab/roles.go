package lab

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// How long a role's session lasts, in seconds.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const (
	defaultSession = 3600
	// maxChained is the longest session of a role that a role assumes.
	maxChained = 3600
)

// session is a role that somebody has assumed. The lab has no IAM: every well-formed
// role is there, in the account that its ARN names, and lets everyone in.
type session struct {
	account, arn, userID string
	expires              time.Time
}

var roleActions = map[string]action{
	"AssumeRole":                asCaller((*Lab).assumeRole),
	"AssumeRoleWithWebIdentity": asCaller((*Lab).assumeRoleWithWebIdentity),
}

var roleForm = regexp.MustCompile(`^arn:aws:iam::([0-9]{12}):role/(?:[\x21-\x7E]+/)?([\w+=,.@-]{1,64})$`)

// roleInput is what both ways to a role take. A session policy could only take
// rights away, which nobody has less of in the lab.
type roleInput struct {
	RoleArn         string `must:"required,length 20 2048"`
	RoleSessionName string `must:"required,length 2 64" pattern:"[\\w+=,.@-]*"`
	DurationSeconds *int   `must:"value 900 43200"`
	Policy          string `must:"length 1 2048"`
}

type assumeRoleInput struct {
	roleInput
	ExternalId     string `must:"length 2 1224" pattern:"[\\w+=,.@:/-]*"`
	SourceIdentity string `must:"length 2 64" pattern:"[\\w+=,.@-]*"`
}

type credentialsItem struct {
	AccessKeyID     string    `xml:"AccessKeyId"`
	SecretAccessKey string    `xml:"SecretAccessKey"`
	SessionToken    string    `xml:"SessionToken"`
	Expiration      time.Time `xml:"Expiration"`
}

type assumedRoleItem struct {
	ID  string `xml:"AssumedRoleId"`
	ARN string `xml:"Arn"`
}

type assumeRoleOutput struct {
	Credentials    credentialsItem `xml:"Credentials"`
	Role           assumedRoleItem `xml:"AssumedRoleUser"`
	SourceIdentity string          `xml:"SourceIdentity,omitempty"`
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (l *Lab) assumeRole(c *call, in *assumeRoleInput) (*assumeRoleOutput, *apiError) {
	caller, _ := l.getCallerIdentity(c, nil)
	if l.sessions[c.keyID] != nil && in.DurationSeconds != nil && *in.DurationSeconds > maxChained {
		return nil, fail("ValidationError",
			"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	credentials, role, err := l.enter(&in.roleInput, "User: "+caller.ARN+" is not authorized to perform: sts:AssumeRole on resource: "+in.RoleArn)
	if err != nil {
		return nil, err
	}
	return &assumeRoleOutput{Credentials: credentials, Role: role, SourceIdentity: in.SourceIdentity}, nil
}

// enter begins a session of a role.
func (l *Lab) enter(in *roleInput, denial string) (credentials credentialsItem, role assumedRoleItem, err *apiError) {
	parts := roleForm.FindStringSubmatch(in.RoleArn)
	if parts == nil {
		return credentials, role, fail("ValidationError", "%s is invalid", in.RoleArn)
	}
	if in.Policy != "" && !json.Valid([]byte(in.Policy)) {
		return credentials, role, fail("MalformedPolicyDocument", "Syntax errors in policy.")
	}
	if !enterable(parts[1]) {
		return credentials, role, &apiError{status: http.StatusForbidden, code: "AccessDenied", message: denial}
	}
	seconds := defaultSession
	if in.DurationSeconds != nil {
		seconds = *in.DurationSeconds
	}
	role = assumedRoleItem{
		ID:  "AROA" + keyLetters(newIDs(0, l.account(parts[1]).idSpace("role "+parts[2])))[:17] + ":" + in.RoleSessionName,
		ARN: "arn:aws:sts::" + parts[1] + ":assumed-role/" + parts[2] + "/" + in.RoleSessionName,
	}
	credentials = credentialsItem{
		AccessKeyID:     "ASIA" + keyLetters(l.ids)[:16],
		SecretAccessKey: keyLetters(l.ids) + keyLetters(l.ids)[:8],
		SessionToken:    "FwoGZXIvYXdzE" + base64.StdEncoding.EncodeToString([]byte(keyLetters(l.ids)+keyLetters(l.ids))),
		Expiration:      l.clock.now().Add(time.Duration(seconds) * time.Second).Truncate(time.Second),
	}
	l.sessions[credentials.AccessKeyID] = &session{account: parts[1], arn: role.ARN, userID: role.ID, expires: credentials.Expiration}
	return credentials, role, nil
}

// keyLetters are 32 characters of those that keys are made of.
func keyLetters(from ids) string {
	return strings.ToUpper(strings.ReplaceAll(from.uuid(), "-", ""))
}

// checkSession refuses a key whose session is over.
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
func (l *Lab) checkSession(c *call, now time.Time) *apiError {
	found := l.sessions[c.keyID]
	if found == nil || now.Before(found.expires) {
		return nil
	}
	codes := map[string]string{"ec2": "RequestExpired", "sts": "ExpiredToken", "s3": "ExpiredToken"}
	code := codes[c.service]
	if code == "" {
		code = "ExpiredTokenException"
	}
	return fail(code, "The security token included in the request is expired")
}

type webIdentityInput struct {
	roleInput
	WebIdentityToken string `must:"required,length 4 20000"`
	ProviderId       string `must:"length 4 2048"`
}

type webIdentityOutput struct {
	Subject     string          `xml:"SubjectFromWebIdentityToken"`
	Audience    string          `xml:"Audience"`
	Role        assumedRoleItem `xml:"AssumedRoleUser"`
	Credentials credentialsItem `xml:"Credentials"`
	Provider    string          `xml:"Provider"`
}

// webClaims are what the lab reads of an OpenID Connect token. It trusts every
// issuer, and does not look at signatures.
type webClaims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience any    `json:"aud"`
	Expires  int64  `json:"exp"`
}

// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
func (l *Lab) assumeRoleWithWebIdentity(_ *call, in *webIdentityInput) (*webIdentityOutput, *apiError) {
	claims, err := webTokenClaims(in.WebIdentityToken)
	if err != nil {
		return nil, err
	}
	if now := l.clock.now(); !now.Before(l.clock.at(time.Unix(claims.Expires, 0))) {
		return nil, fail("ExpiredTokenException", "Token expired: current date/time %d must be before the expiration date/time%d", now.Unix(), claims.Expires)
	}
	credentials, role, err := l.enter(&in.roleInput, "Not authorized to perform sts:AssumeRoleWithWebIdentity")
	if err != nil {
		return nil, err
	}
	audience := claims.Audience
	if several, ok := audience.([]any); ok && len(several) > 0 {
		audience = several[0]
	}
	name, _ := audience.(string)
	return &webIdentityOutput{
		Subject: claims.Subject, Audience: name, Role: role, Credentials: credentials,
		Provider: strings.TrimPrefix(claims.Issuer, "https://"),
	}, nil
}

// webTokenClaims reads the claims of a JSON Web Token (RFC 7519).
func webTokenClaims(token string) (*webClaims, *apiError) {
	refused := fail("InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, refused
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	claims := &webClaims{}
	if err != nil || json.Unmarshal(text, claims) != nil || claims.Issuer == "" || claims.Subject == "" {
		return nil, refused
	}
	return claims, nil
}
