package lab

import (
	"encoding/json"
	"strings"
	"time"
)

// A role's credentials last for six hours, and new ones are there before the old ones
// end: at least five minutes, here an hour.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
const (
	roleCredentialsLast  = 6 * time.Hour
	roleCredentialsRenew = 5 * time.Hour
)

// roleCredentials are what an instance's role can sign with.
type roleCredentials struct {
	role, keyID, secret, token string
	issued                     time.Time
}

// roleName is the role in the instance's profile. The lab has no IAM; its profiles
// hold the role of their own name, as those that the console makes.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2_instance-profiles.html
func (i *instance) roleName() string {
	arn := i.profile.profile.ARN
	return arn[strings.LastIndexByte(arn, '/')+1:]
}

// roleMetadata is what an instance with a profile finds below iam/.
func (i *instance) roleMetadata(values map[string]string) {
	since := i.profile.since.Format(time.RFC3339)
	values["meta-data/iam/info"] = document(map[string]any{
		"Code": "Success", "LastUpdated": since,
		"InstanceProfileArn": i.profile.profile.ARN, "InstanceProfileId": i.profile.profile.ID,
	})
	signs := i.currentCredentials()
	values["meta-data/iam/security-credentials/"+signs.role] = document(map[string]any{
		"Code": "Success", "LastUpdated": signs.issued.Format(time.RFC3339), "Type": "AWS-HMAC",
		"AccessKeyId": signs.keyID, "SecretAccessKey": signs.secret, "Token": signs.token,
		"Expiration": signs.issued.Add(roleCredentialsLast).Format(time.RFC3339),
	})
}

// currentCredentials are those of the instance's present role.
func (i *instance) currentCredentials() *roleCredentials {
	now := i.region.now()
	if had := i.credentials; had != nil && had.role == i.roleName() && now.Sub(had.issued) < roleCredentialsRenew {
		return had
	}
	issued := now.Truncate(time.Second)
	i.credentials = &roleCredentials{
		role: i.roleName(), keyID: "ASIA" + keyLetters(i.secrets)[:16], secret: keyLetters(i.secrets) + keyLetters(i.secrets)[:8],
		token: keyLetters(i.secrets) + keyLetters(i.secrets), issued: issued,
	}
	// The session is called like the instance.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
	i.region.lab.sessions[i.credentials.keyID] = &session{
		account: i.accountID(),
		arn:     "arn:aws:sts::" + i.accountID() + ":assumed-role/" + i.credentials.role + "/" + i.id,
		userID:  "AROA" + keyLetters(newIDs(0, i.region.account.idSpace("role "+i.credentials.role)))[:17] + ":" + i.id,
		expires: issued.Add(roleCredentialsLast),
	}
	return i.credentials
}

// document writes a value as the metadata service does: JSON on several lines.
func document(value any) string {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return ""
	}
	return string(text)
}
