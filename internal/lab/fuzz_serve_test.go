package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// fuzzWorld is what every fuzzed request finds: the ids are always the same, so that
// the corpus can name them.
type fuzzWorld struct {
	*Lab
	// names replaces the words that seeds use for ids.
	names *strings.Replacer
}

func newFuzzWorld(t testing.TB) fuzzWorld {
	t.Helper()
	l, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	home, refused := l.account(homeID).region("us-east-1")
	if refused != nil {
		t.Fatal(refused)
	}
	base := home.place.images.all()[0]
	world := fuzzWorld{Lab: l}
	world.must(t, "RunInstances", "MinCount=2&MaxCount=2&InstanceType=t3.small&IamInstanceProfile.Name=p&ImageId="+base.id)
	found := home.instances.all()[0]
	world.must(t, "CreateImage", "Name=golden&InstanceId="+found.id)
	own := home.place.images.all()[len(home.place.images.all())-1]
	world.names = strings.NewReplacer(
		"INSTANCE", found.id, "BASE", base.id, "IMAGE", own.id, "VOLUME", found.volumes[0].id, "SUBNET", found.card.subnet.id,
		"VPC", found.card.subnet.vpc.id, "GROUP", found.card.groups[0].id, "CARD", found.card.id,
		"SNAPSHOT", own.mappings[0].snapshotID, "PROFILE", found.profile.id,
	)
	return world
}

func (w fuzzWorld) must(t testing.TB, action, form string) {
	t.Helper()
	if answer := w.ask("ec2", action, form); answer.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", action, answer.Code, answer.Body)
	}
}

// ask sends a request with a credential scope, as the service is spoken: a form, JSON,
// or for S3, whose actions are methods and paths, any content.
func (w fuzzWorld) ask(service, action, content string) *httptest.ResponseRecorder {
	method, target := http.MethodPost, "/"
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	switch service {
	case "s3":
		method, target, _ = strings.Cut(action, " ")
	case "ssm", "kms":
		header["X-Amz-Target"] = []string{"Lab." + action}
	case "elasticloadbalancing":
		content = "Version=" + elbVersion + "&Action=" + url.QueryEscape(action) + "&" + content
	default:
		content = "Action=" + url.QueryEscape(action) + "&" + content
	}
	answer := httptest.NewRecorder()
	request, err := http.NewRequestWithContext(context.Background(), method, "http://127.0.0.1"+target, strings.NewReader(content))
	if err != nil {
		answer.WriteHeader(http.StatusNotImplemented) // no client could have sent it
		return answer
	}
	request.Header = header
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=lab/20260101/us-east-1/"+service+"/aws4_request, Signature=0")
	w.ServeHTTP(answer, request)
	return answer
}

// fuzzForms are requests of every noun, with words for ids.
var fuzzForms = map[string][]string{
	"RunInstances": {
		"ImageId=IMAGE&MinCount=1&MaxCount=3&InstanceType=t3.micro&ClientToken=t&SubnetId=SUBNET&SecurityGroupId.1=GROUP&UserData=IyEvYmluL3No" +
			"&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v" +
			"&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fxvda&BlockDeviceMapping.1.Ebs.VolumeSize=20&MetadataOptions.HttpTokens=required&Monitoring.Enabled=true",
		"ImageId=BASE&MinCount=1&MaxCount=1&NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.SubnetId=SUBNET&NetworkInterface.1.SecurityGroupId.1=GROUP&DryRun=true",
	},
	"DescribeInstances":                {"Filter.1.Name=tag%3Ak&Filter.1.Value.1=v*&MaxResults=5", "InstanceId.1=INSTANCE", "MaxResults=5&NextToken=YWZ0ZXI6MQ"},
	"DescribeInstanceStatus":           {"IncludeAllInstances=true&InstanceId.1=INSTANCE"},
	"TerminateInstances":               {"InstanceId.1=INSTANCE"},
	"StopInstances":                    {"InstanceId.1=INSTANCE&Force=true"},
	"StartInstances":                   {"InstanceId.1=INSTANCE"},
	"RebootInstances":                  {"InstanceId.1=INSTANCE"},
	"GetConsoleOutput":                 {"InstanceId=INSTANCE&Latest=true"},
	"DescribeInstanceAttribute":        {"InstanceId=INSTANCE&Attribute=userData"},
	"ModifyInstanceAttribute":          {"InstanceId=INSTANCE&DisableApiTermination.Value=true", "InstanceId=INSTANCE&GroupId.1=GROUP"},
	"ModifyInstanceMetadataOptions":    {"InstanceId=INSTANCE&HttpTokens=required&HttpPutResponseHopLimit=2"},
	"CreateImage":                      {"InstanceId=INSTANCE&Name=web-v1&NoReboot=true&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsdf&BlockDeviceMapping.1.Ebs.VolumeSize=1"},
	"DescribeImages":                   {"Owner.1=self&ImageId.1=IMAGE&Filter.1.Name=name&Filter.1.Value.1=g%3Fld*"},
	"DeregisterImage":                  {"ImageId=IMAGE&DeleteAssociatedSnapshots=true"},
	"ModifyImageAttribute":             {"ImageId=IMAGE&LaunchPermission.Add.1.UserId=111122223333", "ImageId=IMAGE&Attribute=launchPermission&OperationType=add&UserGroup.1=all"},
	"DescribeImageAttribute":           {"ImageId=IMAGE&Attribute=launchPermission"},
	"DescribeSnapshots":                {"SnapshotId.1=SNAPSHOT&Owner.1=self"},
	"DeleteSnapshot":                   {"SnapshotId=SNAPSHOT"},
	"DescribeVolumes":                  {"VolumeId.1=VOLUME"},
	"DescribeNetworkInterfaces":        {"NetworkInterfaceId.1=CARD"},
	"DescribeSubnets":                  {"SubnetId.1=SUBNET&Filter.1.Name=default-for-az&Filter.1.Value.1=true"},
	"DescribeSecurityGroups":           {"GroupId.1=GROUP"},
	"CreateSecurityGroup":              {"GroupName=g&GroupDescription=d&VpcId=VPC"},
	"DeleteSecurityGroup":              {"GroupId=GROUP"},
	"CreateTags":                       {"ResourceId.1=INSTANCE&ResourceId.2=VOLUME&Tag.1.Key=a&Tag.1.Value=b"},
	"DeleteTags":                       {"ResourceId.1=INSTANCE&Tag.1.Key=a"},
	"ImportKeyPair":                    {"KeyName=k&PublicKeyMaterial=c3NoLWVkMjU1MTkgQUFBQQ%3D%3D"},
	"AssociateIamInstanceProfile":      {"InstanceId=INSTANCE&IamInstanceProfile.Name=p"},
	"DisassociateIamInstanceProfile":   {"AssociationId=PROFILE"},
	"DescribeInstanceTypes":            {"InstanceType.1=t3.micro"},
	"DescribeAvailabilityZones":        {"AllAvailabilityZones=true"},
	"DescribeRegions":                  {"RegionName.1=us-east-1&AllRegions=true"},
	"ThereIsNothingLikeThis<&\x01\xff": {"a=b"},
}

// FuzzServeHTTP sends two requests, one after the other, to a lab with a little in it.
// Whatever they say, the lab answers, and in the form that the service's clients read.
func FuzzServeHTTP(f *testing.F) {
	for _, action := range slices.Sorted(maps.Keys(fuzzForms)) {
		for _, form := range fuzzForms[action] {
			f.Add("ec2", action, form, "DescribeInstances", "InstanceId.1=INSTANCE")
		}
	}
	for action := range ec2Actions {
		f.Add("ec2", action, "", action, "MaxResults=5")
	}
	for action := range ssmActions {
		f.Add("ssm", action, `{"Name": "/a"}`, "GetParametersByPath", `{"Path": "/aws", "Recursive": true, "MaxResults": 3}`)
	}
	for action := range kmsActions {
		f.Add("kms", action, `{"KeyId": "alias/aws/ebs"}`, action, `{"KeyId": ""}`)
	}
	for action := range elbActions {
		f.Add("elasticloadbalancing", action, "Name=web&Protocol=HTTP&Port=80&VpcId=VPC&TargetType=instance", action, "Targets.member.1.Id=INSTANCE")
	}
	for _, object := range []string{"/a-bucket/key", "/a-bucket/../x", "/a-bucket//%00?acl", "/a-bucket?list-type=2&max-keys=x", "/?location", "/A"} {
		for _, method := range []string{"PUT", "GET", "HEAD", "DELETE", "POST"} {
			f.Add("s3", "PUT /a-bucket", "", method+" "+object, "content")
		}
	}
	for service := range services {
		f.Add(service, "GetCallerIdentity", "", "", "]")
	}
	f.Add("no-such-service", "Do", "a=%zz", "Do", "{")
	f.Fuzz(func(t *testing.T, service, action, form, nextAction, nextForm string) {
		synctest.Test(t, func(t *testing.T) {
			world := newFuzzWorld(t)
			for _, asked := range [][2]string{{action, form}, {nextAction, nextForm}} {
				answer := world.ask(service, asked[0], world.names.Replace(asked[1]))
				if complaint := complain(service, answer); complaint != nil {
					t.Fatalf("%s %s %s: %v\n%d %s", service, asked[0], asked[1], complaint, answer.Code, answer.Body)
				}
			}
			if err := world.Close(); err != nil {
				t.Fatal(err)
			}
		})
	})
}

// complain says what is wrong with an answer's form.
func complain(service string, answer *httptest.ResponseRecorder) error {
	body := answer.Body.Bytes()
	// S3 answers what it does not do with 501, a success with whatever an object is, and
	// HEAD with nothing.
	s3 := service == "s3" && (answer.Code < 300 || answer.Code == http.StatusNotImplemented || len(body) == 0)
	switch {
	case s3:
		return nil
	case answer.Code >= 500 && answer.Code != http.StatusServiceUnavailable:
		return errors.New("an error of the server's")
	case answer.Header().Get("Content-Type") == jsonKind:
		return complainJSON(answer.Code, body)
	}
	var refused struct {
		EC2 string `xml:"Errors>Error>Code"`
		STS string `xml:"Error>Code"`
		S3  string `xml:"Code"`
	}
	if err := xml.Unmarshal(body, &refused); err != nil {
		return err
	}
	decoder := xml.NewDecoder(bytes.NewReader(body))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	if failed := refused.EC2+refused.STS+refused.S3 != ""; failed != (answer.Code >= 300) {
		return errors.New("status and body disagree")
	}
	return nil
}

func complainJSON(status int, body []byte) error {
	var refused struct {
		Type string `json:"__type"`
	}
	if err := json.Unmarshal(body, &refused); err != nil {
		return err
	}
	if failed := refused.Type != ""; failed != (status >= 300) {
		return errors.New("status and body disagree")
	}
	return nil
}
