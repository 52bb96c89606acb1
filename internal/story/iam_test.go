package story

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

// question is one that AWS asks a caller's policies before it does what is requested: may he
// do this, to that.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
type question struct {
	action, arn string
	// keys are the condition keys that hold for it.
	keys map[string]string
}

func (q question) String() string { return fmt.Sprintf("%s on %s %v", q.action, q.arn, q.keys) }

// iam stands before a lab and asks the policies; what they refuse is written down, and goes
// through all the same.
type iam struct {
	lab      *labtest.Server
	policies []policy

	mu      sync.Mutex
	refused map[string]bool
}

// newIAM returns it with its endpoint.
func newIAM(t *testing.T, lab *labtest.Server, policies ...policy) (asked *iam, endpoint string) {
	t.Helper()
	asked = &iam{lab: lab, policies: policies, refused: map[string]bool{}}
	server := httptest.NewServer(asked)
	t.Cleanup(server.Close)
	return asked, server.URL
}

func (i *iam) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, question := range i.questions(request, body) {
		if !slices.ContainsFunc(i.policies, question.allowedBy) {
			i.mu.Lock()
			i.refused[question.String()] = true
			i.mu.Unlock()
		}
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	i.lab.Lab.ServeHTTP(w, request)
}

// refusals are what was refused.
func (i *iam) refusals() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Sorted(maps.Keys(i.refused))
}

// allowedBy reports whether a policy allows it.
func (q question) allowedBy(p policy) bool {
	return slices.ContainsFunc(p.Statement, func(s statement) bool {
		return s.Effect == "Allow" && slices.Contains(s.Action, q.action) &&
			slices.ContainsFunc(s.Resource, func(pattern string) bool { return like(pattern, q.arn) }) && q.fulfils(s)
	})
}

// fulfils reports whether the conditions of a statement hold. Only those are understood that
// the provider's own calls can fulfil.
func (q question) fulfils(s statement) bool {
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			have, has := q.keys[key]
			equal := slices.ContainsFunc(wanted, func(want string) bool {
				return operator == "StringEquals" && want == have || operator == "StringLike" && like(want, have)
			})
			if !has || !equal {
				return false
			}
		}
	}
	return true
}

// like matches a text with a pattern of IAM's.
func like(pattern, text string) bool {
	return regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `$`).MatchString(text)
}

var scope = regexp.MustCompile(`Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request`)

// questions are what AWS would ask for a request.
func (i *iam) questions(request *http.Request, body []byte) []question {
	service := ""
	if found := scope.FindStringSubmatch(request.Header.Get("Authorization")); found != nil {
		service = found[1]
	}
	form, _ := url.ParseQuery(string(body)) // of JSON, nothing that is looked at
	switch service {
	case "ec2":
		return i.ec2Questions(form)
	case "ssm":
		return i.ssmQuestions(request, body)
	case "elasticloadbalancing":
		arn := "*"
		if !strings.HasPrefix(form.Get("Action"), "Describe") {
			// The guide calls the user's own target group so.
			arn = "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/web/0123456789abcdef"
		}
		return []question{{action: service + ":" + form.Get("Action"), arn: arn}}
	case "sts":
		return []question{{action: service + ":" + form.Get("Action"), arn: "*"}}
	}
	return s3Questions(request)
}

// s3Questions are about an object, or about what is in a bucket. A request without a header
// is of a URL that the caller has signed.
func s3Questions(request *http.Request) []question {
	path := strings.Trim(request.URL.Path, "/")
	if _, _, object := strings.Cut(path, "/"); !object {
		return []question{{"s3:ListBucket", "arn:aws:s3:::" + path, map[string]string{"s3:prefix": request.URL.Query().Get("prefix")}}}
	}
	verb := map[string]string{http.MethodGet: "Get", http.MethodPut: "Put", http.MethodDelete: "Delete"}[request.Method]
	return []question{{action: "s3:" + verb + "Object", arn: "arn:aws:s3:::" + path}}
}

func (i *iam) ssmQuestions(request *http.Request, body []byte) []question {
	_, action, _ := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
	action = "ssm:" + action
	var asked struct {
		Name, ResourceID, DocumentName string
		InstanceIDs                    []string
	}
	_ = json.Unmarshal(body, &asked) // what is not understood is about everything
	switch name := asked.Name + asked.ResourceID; {
	case action == "ssm:SendCommand":
		questions := []question{{action: action, arn: "arn:aws:ssm:us-east-1:111122223333:document/" + asked.DocumentName}}
		for _, id := range asked.InstanceIDs {
			questions = append(questions, question{action, arnOf("instance", id), i.tagsOf(id)})
		}
		return questions
	case name != "":
		return []question{{action, "arn:aws:ssm:us-east-1:111122223333:parameter/" + strings.TrimPrefix(name, "/"), i.tagsOf(name)}}
	}
	return []question{{action: action, arn: "*"}}
}

// made are the kinds of things that a call makes.
var made = map[string][]string{
	"RunInstances": {"instance", "volume", "network-interface"}, "CreateImage": {"image", "snapshot"}, "CopyImage": {"image", "snapshot"},
	"CreateLaunchTemplate": {"launch-template"}, "CreateReplaceRootVolumeTask": {"replace-root-volume-task", "volume"},
}

// named finds the parameters that name things.
var named = regexp.MustCompile(`(^|\.)(InstanceId|ImageId|SourceImageId|SnapshotId|LaunchTemplateId|ResourceId|SubnetId|GroupId|SecurityGroupId)(\.\d+)?$`)

// kinds are those of things, by the beginning of their ids.
var kinds = map[string]string{
	"i": "instance", "ami": "image", "snap": "snapshot", "vol": "volume", "lt": "launch-template", "sg": "security-group", "subnet": "subnet",
}

func (i *iam) ec2Questions(form url.Values) []question {
	name := form.Get("Action")
	action := "ec2:" + name
	if strings.HasPrefix(name, "Describe") {
		return []question{{action: action, arn: "*"}}
	}
	tags := tagsIn(form)
	var questions []question
	for _, kind := range made[name] {
		questions = append(questions, question{action, arnOf(kind, "new"), tags[kind]})
	}
	for kind, given := range tags {
		keys := maps.Clone(given)
		keys["ec2:CreateAction"] = name
		questions = append(questions, question{"ec2:CreateTags", arnOf(kind, "new"), keys})
	}
	if form.Get("InstanceMarketOptions.MarketType") == "spot" {
		questions = append(questions, question{action: action, arn: arnOf("spot-instances-request", "new")})
	}
	for parameter, values := range form {
		if prefix, _, _ := strings.Cut(values[0], "-"); named.MatchString(parameter) && kinds[prefix] != "" {
			questions = append(questions, question{action, arnOf(kinds[prefix], values[0]), i.tagsOf(values[0])})
		}
	}
	if id := form.Get("AssociationId"); id != "" {
		questions = append(questions, question{action, arnOf("instance", "of-"+id), map[string]string{resourceTag + ours: owner}})
	}
	return questions
}

const (
	requestTag, resourceTag = "aws:RequestTag/", "aws:ResourceTag/"
	// An association of a profile is not among what the lab lists; it goes with an instance.
	ours, owner = "stamp:managed-by", "terraform-provider-stamp"
)

// tagsIn are the tags that a request gives, by kind of thing, as condition keys.
func tagsIn(form url.Values) map[string]map[string]string {
	tags := map[string]map[string]string{}
	for n := 1; ; n++ {
		specification := fmt.Sprintf("TagSpecification.%d.", n)
		kind := form.Get(specification + "ResourceType")
		if kind == "" {
			return tags
		}
		tags[kind] = map[string]string{}
		for m := 1; form.Has(fmt.Sprintf("%sTag.%d.Key", specification, m)); m++ {
			tag := fmt.Sprintf("%sTag.%d.", specification, m)
			tags[kind][requestTag+form.Get(tag+"Key")] = form.Get(tag + "Value")
		}
	}
}

// tagsOf are the tags that a thing has, as condition keys.
func (i *iam) tagsOf(id string) map[string]string {
	keys := map[string]string{}
	for _, thing := range i.lab.Lab.Books().Leftovers {
		if thing.ID == id {
			for key, value := range thing.Tags {
				keys[resourceTag+key] = value
			}
		}
	}
	return keys
}

// arnOf is the name of a thing of EC2's.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html#amazonec2-resources-for-iam-policies
func arnOf(kind, id string) string {
	account := "111122223333"
	if kind == "image" || kind == "snapshot" {
		account = ""
	}
	return "arn:aws:ec2:us-east-1:" + account + ":" + kind + "/" + id
}
