package arch

import (
	"encoding/json"
	"os/exec"
	"testing"
)

// wanted are the modules that the provider requires itself, with what each is for. A
// new one is a decision: it ends up in what users install, or in what contributors
// must trust.
var wanted = map[string]string{
	"github.com/aws/aws-sdk-go-v2":                                "the SDK's core: configuration, retries",
	"github.com/aws/aws-sdk-go-v2/credentials":                    "static credentials in the lab's tests",
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds":               "whether the metadata service is asked for credentials",
	"github.com/aws/smithy-go":                                    "the SDK's errors and middleware",
	"github.com/aws/aws-sdk-go-v2/service/autoscaling":            "the lab's Auto Scaling groups, in tests",
	"github.com/aws/aws-sdk-go-v2/service/ec2":                    "instances, images, snapshots",
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2": "target groups of fleets",
	"github.com/aws/aws-sdk-go-v2/service/s3":                     "staging of scripts that user data is too small for",
	"github.com/aws/aws-sdk-go-v2/service/ssm":                    "public parameters as image sources, Run Command",
	"github.com/aws/aws-sdk-go-v2/service/sts":                    "the account that credentials belong to",
	"github.com/google/go-cmp":                                    "differences in tests",
	"github.com/hashicorp/aws-sdk-go-base/v2":                     "credentials with the AWS provider's names and precedence",
	"github.com/hashicorp/terraform-plugin-framework":             "the face",
	"github.com/hashicorp/terraform-plugin-framework-timeouts":    "timeouts = {}",
	"github.com/hashicorp/terraform-plugin-framework-validators":  "stock validators",
	"github.com/hashicorp/terraform-plugin-go":                    "the protocol's messages, which the provider folds before the framework sees them",
	"github.com/hashicorp/terraform-plugin-log":                   "logs where Terraform expects them",
	"github.com/hashicorp/terraform-plugin-testing":               "acceptance tests",
	"github.com/vmihailenco/msgpack/v5":                           "parts of the protocol's messages, which plugin-go only reads whole",
	"go.uber.org/goleak":                                          "goroutines that tests leave",
	"golang.org/x/sync":                                           "bounded fan-out",
	"golang.org/x/sys":                                            "namespaces of the lab's guests",
	"golang.org/x/time":                                           "token buckets",
	"pgregory.net/rapid":                                          "properties of the planners",
}

func TestModules(t *testing.T) {
	output, err := exec.CommandContext(t.Context(), "go", "mod", "edit", "-json", repository(t)+"/go.mod").Output()
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []struct{ Old struct{ Path string } }
	}
	if err := json.Unmarshal(output, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Require) == 0 {
		t.Fatal("go mod edit names no module")
	}
	for _, required := range file.Require {
		if _, ok := wanted[required.Path]; !ok && !required.Indirect {
			t.Errorf("%s is required and not in the list: say what for, or do without it", required.Path)
		}
	}
	// go install of the provider refuses a module that replaces others.
	for _, replaced := range file.Replace {
		t.Errorf("%s is replaced: a provider is built from published modules only", replaced.Old.Path)
	}
}
