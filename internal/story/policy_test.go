package story

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// guides is where the guides are, seen from this package.
const guides = "../../docs/guides"

// policy is an IAM policy, or another document of its language: who may assume a role, or
// what an organization denies.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Principal map[string]words
	Action    words
	Resource  words
	Condition map[string]map[string]words
}

// words are one text or a list.
type words []string

func (w *words) UnmarshalJSON(from []byte) error {
	var one string
	if err := json.Unmarshal(from, &one); err == nil {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(from, (*[]string)(w))
}

// block is a code block of a guide.
type block struct {
	// under is the heading that it stands below.
	under, language, text string
}

var fence = regexp.MustCompile("(?ms)^(#{2,}) ([^\n]+)$|^```(\\w+)\n(.*?)^```$")

// blocksOf are the code blocks of a guide.
func blocksOf(t *testing.T, guide string) []block {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(guides, guide))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []block
	heading := ""
	for _, found := range fence.FindAllStringSubmatch(string(text), -1) {
		if found[1] != "" {
			heading = found[2]
			continue
		}
		blocks = append(blocks, block{heading, found[3], found[4]})
	}
	return blocks
}

// policies are those of the guide on permissions, by the name of their file.
func policies(t *testing.T) map[string]policy {
	t.Helper()
	all := map[string]policy{}
	for _, block := range blocksOf(t, "permissions.md") {
		if block.language != "json" {
			continue
		}
		name, isFile := strings.CutSuffix(block.under, ".json")
		if _, twice := all[name]; twice || !isFile {
			t.Fatalf("the policy below %q is not the only one of a file", block.under)
		}
		var read policy
		decoder := json.NewDecoder(strings.NewReader(block.text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&read); err != nil {
			t.Fatalf("%s.json: %v", name, err)
		}
		all[name] = read
	}
	return all
}

// mostCharacters is how long a managed policy may be, without its white space.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const mostCharacters = 6144

// Each policy is one that IAM would take: its form, its length, and keys and resources that
// AWS knows for each of its actions.
func TestPermissions_wellFormed(t *testing.T) {
	for _, block := range blocksOf(t, "permissions.md") {
		if length := len(strings.Join(strings.Fields(block.text), "")); block.language == "json" && length > mostCharacters {
			t.Errorf("%s has %d characters, want at most %d", block.under, length, mostCharacters)
		}
	}
	known := reference(t)
	for name, policy := range policies(t) {
		if policy.Version != "2012-10-17" || len(policy.Statement) == 0 {
			t.Errorf("%s: version %q, %d statements", name, policy.Version, len(policy.Statement))
		}
		sids := map[string]bool{}
		for _, s := range policy.Statement {
			// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
			if s.Principal == nil && (sids[s.Sid] || !regexp.MustCompile(`^[A-Za-z0-9]+$`).MatchString(s.Sid)) {
				t.Errorf("%s: the statement id %q is there twice, or not of letters and digits", name, s.Sid)
			}
			sids[s.Sid] = true
			for _, complaint := range s.complaints(known) {
				t.Errorf("%s: %s: %s", name, s.Sid, complaint)
			}
		}
	}
}

// complaints says what AWS would not understand in a statement as it is meant.
func (s statement) complaints(known map[string]actionKnows) []string {
	var found []string
	used := map[string]bool{}
	for _, action := range s.Action {
		knows, is := known[action]
		if !is {
			found = append(found, action+" is not in testdata/iam-actions.txt: look it up")
			continue
		}
		if s.Principal != nil {
			continue // what a role's policy of trust is about is the role
		}
		kinds := knows.among(s.Resource)
		if len(kinds) == 0 {
			found = append(found, fmt.Sprintf("%s knows none of %s", action, strings.Join(s.Resource, ", ")))
		}
		for _, kind := range kinds {
			used[kind] = true
			for _, key := range s.keys() {
				if !isGlobal(key) && !knows.has(kind, key) {
					found = append(found, fmt.Sprintf("%s knows no %s on %s", action, key, kind))
				}
			}
		}
	}
	for _, resource := range s.Resource {
		if kind := kindOf(resource); s.Principal == nil && !used[kind] {
			found = append(found, fmt.Sprintf("no action is about %s", resource))
		}
	}
	return found
}

// keys are the condition keys of a statement, without the names of tags.
func (s statement) keys() []string {
	var keys []string
	for _, condition := range s.Condition {
		for key := range condition {
			key, _, _ = strings.Cut(key, "/")
			keys = append(keys, key)
		}
	}
	return keys
}

// isGlobal reports whether a key is there for every action.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func isGlobal(key string) bool { return key == "aws:CalledVia" || key == "aws:PrincipalArn" }

// actionKnows has, by kind of resource, the condition keys of an action.
type actionKnows map[string][]string

// has reports whether the action knows a condition key on a kind of resources.
func (k actionKnows) has(kind, key string) bool {
	if slices.Contains(k["*"], key) || slices.Contains(k[kind], key) {
		return true
	}
	if kind != "*" {
		return false
	}
	for _, keys := range k {
		if slices.Contains(keys, key) {
			return true
		}
	}
	return false
}

// among are the kinds of resources that are the action's; "*" is all of them.
func (k actionKnows) among(resources []string) []string {
	var kinds []string
	for _, resource := range resources {
		kind := kindOf(resource)
		if _, has := k[kind]; has || kind == "*" {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// kindOf is the kind of what an ARN names.
func kindOf(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return arn
	}
	kind, rest, slash := strings.Cut(parts[5], "/")
	switch {
	case parts[2] == "s3" && slash && rest != "":
		return "object"
	case parts[2] == "s3":
		return "bucket"
	}
	return kind
}

// reference reads what AWS knows.
func reference(t *testing.T) map[string]actionKnows {
	t.Helper()
	content, err := os.ReadFile("testdata/iam-actions.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]actionKnows{}
	for line := range bytes.Lines(content) {
		fields := strings.Fields(string(line))
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		knows := actionKnows{}
		for _, field := range fields[1:] {
			kind, keys, _ := strings.Cut(field, "=")
			knows[kind] = strings.Split(keys, ",")
		}
		known[fields[0]] = knows
	}
	return known
}

// untied are the changing actions that a statement may allow without our tag, and why.
var untied = map[string]string{
	"ec2:CopyImage":    "AWS checks it on the source image, too, which has no tags of the request",
	"ec2:RunInstances": "what an instance is launched from and into is other people's; the instance itself is tied",

	"ec2:CreateReplaceRootVolumeTask": "images, snapshots and the volume carry no tags of the request; instance and task are tied",
	"ec2:ModifyInstanceAttribute":     "security groups are other people's; the instance is tied",

	"elasticloadbalancing:DeregisterTargets": "the target group is the user's, and named",
	"elasticloadbalancing:RegisterTargets":   "the target group is the user's, and named",

	"iam:CreateServiceLinkedRole": "the one role is named",
	"iam:PassRole":                "the role is the user's, and named",
	"kms:CreateGrant":             "the key is the user's, and named",
	"s3:DeleteObject":             "the bucket is the user's; keys begin with stamp/",
	"s3:PutObject":                "the bucket is the user's; keys begin with stamp/",
	"ssm:AddTagsToResource":       "the parameter is named",
	"ssm:PutParameter":            "AWS has no key for the tags of a parameter that is there; it is named",
	"ssm:SendCommand":             "the two documents are AWS's; the instance is tied",
}

// changing finds actions that change something.
var changing = regexp.MustCompile(`^(ec2|elasticloadbalancing|iam|s3|ssm|kms):(Add|Associate|Copy|Create|Delete|Deregister|Disable|` +
	`Disassociate|Enable|Modify|Monitor|Pass|Put|Register|Replace|Run|Send|Start|Stop|Terminate|Unmonitor)`)

// What changes something is tied to the provider's tag, or there is a reason why not.
func TestPermissions_tiedToTags(t *testing.T) {
	needed := map[string]bool{}
	for name, policy := range policies(t) {
		for _, s := range policy.Statement {
			tied := slices.ContainsFunc([]string{"aws:RequestTag", "aws:ResourceTag", "ec2:CreateAction"}, func(key string) bool { return slices.Contains(s.keys(), key) })
			for _, action := range s.Action {
				if s.Effect != "Allow" || tied || !changing.MatchString(action) {
					continue
				}
				needed[action] = true
				if untied[action] == "" {
					t.Errorf("%s: %s: %s is allowed on what does not have the provider's tag", name, s.Sid, action)
				}
			}
		}
	}
	for action := range untied {
		if !needed[action] {
			t.Errorf("%s is tied everywhere by now: its reason can go", action)
		}
	}
}

// TestPermissions_complaints holds the checker itself.
func TestPermissions_complaints(t *testing.T) {
	known := reference(t)
	tag := map[string]map[string]words{"StringEquals": {"aws:ResourceTag/stamp:managed-by": {"x"}}}
	for name, test := range map[string]struct {
		statement statement
		want      string
	}{
		"an unknown action":  {statement{Action: words{"ec2:StopInstance"}, Resource: words{"*"}}, "look it up"},
		"a foreign resource": {statement{Action: words{"ec2:TerminateInstances"}, Resource: words{"arn:aws:ec2:*::image/*"}}, "knows none of"},
		"a foreign key":      {statement{Action: words{"ec2:CopyImage"}, Resource: words{"arn:aws:ec2:*::image/*"}, Condition: tag}, "knows no aws:ResourceTag on image"},
		"a resource too many": {
			statement{Action: words{"ec2:TerminateInstances"}, Resource: words{"arn:aws:ec2:*:*:instance/*", "arn:aws:ec2:*:*:volume/*"}, Condition: tag}, "no action is about",
		},
		"nothing": {statement{Action: words{"ec2:TerminateInstances"}, Resource: words{"arn:aws:ec2:*:*:instance/*"}, Condition: tag}, ""},
	} {
		if got := strings.Join(test.statement.complaints(known), "; "); test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
