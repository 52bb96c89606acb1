package story

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// feature is something that one can do with the provider, and the policies that the guide
// says are needed for it.
type feature struct {
	policies []string
	// prepared is a configuration that somebody else has applied, who may do all.
	prepared string
	// steps are configurations that are applied one after the other, and destroyed. One with
	// the step "broken" must fail. Without any, what was prepared is planned.
	steps []string
}

// services are those of the actions that are not EC2's.
var services = map[string]string{
	"GetCallerIdentity": "sts",

	"AddTagsToResource": "ssm", "DeleteParameter": "ssm", "DescribeInstanceInformation": "ssm", "GetCommandInvocation": "ssm", "GetParameter": "ssm",
	"ListTagsForResource": "ssm", "PutParameter": "ssm", "SendCommand": "ssm",

	"DeleteObject": "s3", "GetObject": "s3", "ListBucket": "s3", "PutObject": "s3",

	"DeregisterTargets": "elasticloadbalancing", "DescribeTargetHealth": "elasticloadbalancing", "RegisterTargets": "elasticloadbalancing",
}

// names are the IAM actions of requests that are called otherwise.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
var names = map[string]string{"ListObjectsV2": "ListBucket"}

// iamAction is the action that AWS asks a policy for.
func iamAction(request string) string {
	if name := names[request]; name != "" {
		request = name
	}
	if service := services[request]; service != "" {
		return service + ":" + request
	}
	return "ec2:" + request
}

// unseen are actions that are needed and that the lab does not see, or not in what is
// played here.
var unseen = map[string]string{
	"iam:CreateServiceLinkedRole":         "EC2 asks IAM for it once in the life of an account",
	"iam:PassRole":                        "EC2 checks it when it is given an instance profile; the lab has no IAM",
	"imagebuilder:GetContainerRecipe":     "EC2 calls it for DescribeImageReferences",
	"imagebuilder:ListContainerRecipes":   "EC2 calls it for DescribeImageReferences",
	"imagebuilder:ListImageRecipes":       "EC2 calls it for DescribeImageReferences",
	"kms:CreateGrant":                     "EC2 calls KMS for the caller",
	"kms:Decrypt":                         "EC2 calls KMS for the caller",
	"kms:DescribeKey":                     "EC2 calls KMS for the caller",
	"kms:GenerateDataKeyWithoutPlaintext": "EC2 calls KMS for the caller",
	"kms:ReEncryptFrom":                   "EC2 calls KMS for the caller",
	"kms:ReEncryptTo":                     "EC2 calls KMS for the caller",
	"ssm:AddTagsToResource":               "SSM checks it when PutParameter gives tags; it is called itself to take a parameter over",
	"ssm:ListTagsForResource":             "a plan asks only of a parameter that its state does not know",
	"ssm:DescribeParameters":              "EC2 calls it for DescribeImageReferences",
	"ssm:GetParameters":                   "EC2 calls it for DescribeImageReferences",
	"sts:DecodeAuthorizationMessage":      "it is called after a refusal",

	"ec2:CreateLaunchTemplateVersion":    "an apply calls it each minute; these take seconds",
	"ec2:DescribeLaunchTemplateVersions": "it is called when there is a lease of another apply, and by EC2 for DescribeImageReferences",

	"ec2:DeleteSnapshot":   "EC2 checks it when DeregisterImage deletes the snapshots as well",
	"ec2:GetConsoleOutput": "of a fleet it is read only when a server does not become ready",
}

// TestPermissions plays each feature: what was called must be allowed by the policies that
// the guide gives for it, and what these allow must have been called.
func TestPermissions(t *testing.T) {
	all := policies(t)
	var mu sync.Mutex
	excused, played := map[string]bool{}, 0
	t.Run("features", func(t *testing.T) {
		for name, feature := range features() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				var given []policy
				allowed := map[string]bool{}
				for _, file := range feature.policies {
					given = append(given, all[file])
					for _, s := range all[file].Statement {
						for _, action := range s.Action {
							allowed[action] = true
						}
					}
				}
				called, refused := feature.play(t, given)
				for _, question := range refused {
					t.Errorf("%s is refused by %s", question, strings.Join(feature.policies, ", "))
				}
				for action := range called {
					if !allowed[action] {
						t.Errorf("%s is called, and not allowed by %s", action, strings.Join(feature.policies, ", "))
					}
				}
				mu.Lock()
				defer mu.Unlock()
				played++
				for action := range allowed {
					if called[action] {
						continue
					}
					if unseen[action] == "" {
						t.Errorf("%s is allowed by %s, and not called", action, strings.Join(feature.policies, ", "))
					}
					excused[action] = true
				}
			})
		}
	})
	if played < len(features()) {
		return // -run has chosen some
	}
	for action := range unseen {
		if !excused[action] {
			t.Errorf("%s is called wherever it is allowed: its reason can go", action)
		}
	}
}

// TestPermissions_features: each policy of the provider's role is played.
func TestPermissions_features(t *testing.T) {
	played := map[string]bool{
		// These are not the role's: who may assume it, the builders' own, and what is denied to others.
		"builder": true, "scp": true, "trust-ec2": true, "trust-github": true,
	}
	all := policies(t)
	for name, feature := range features() {
		for _, file := range feature.policies {
			if _, is := all[file]; !is {
				t.Errorf("%s: the guide has no %s.json", name, file)
			}
			played[file] = true
		}
	}
	for _, file := range slices.Sorted(maps.Keys(all)) {
		if !played[file] {
			t.Errorf("%s.json is played by no feature", file)
		}
	}
}

// play applies and destroys a feature in an account of its own, with these policies. It
// returns the actions that were called, and what the policies refuse.
func (f feature) play(t *testing.T, given []policy) (called map[string]bool, refused []string) {
	account := newAccountWhere(t, whereBrokenFails(t))
	account.furnish()
	asked, endpoint := newIAM(t, account.Server, given...)
	environ := []string{"AWS_ACCESS_KEY_ID=lab", "AWS_SECRET_ACCESS_KEY=lab", "AWS_REGION=us-east-1"}
	terraform := newCLI(t, t.TempDir(), append(environ, "AWS_ENDPOINT_URL="+endpoint)...)
	if f.prepared != "" {
		owner := *terraform
		owner.environ = append(slices.Clone(terraform.environ), "AWS_ENDPOINT_URL="+account.URL)
		if len(f.steps) > 0 {
			owner.dir = t.TempDir()
		}
		account.write(owner.dir, f.prepared)
		owner.run("apply", "-no-color", "-auto-approve")
	}
	account.Lab.ResetBooks()
	if len(f.steps) == 0 {
		terraform.run("plan", "-no-color")
		return account.called(), asked.refusals()
	}
	for _, config := range f.steps {
		account.write(terraform.dir, config)
		if strings.Contains(config, `"broken"`) {
			terraform.refuse("apply", "-no-color", "-auto-approve")
			continue
		}
		terraform.run("apply", "-no-color", "-auto-approve")
		terraform.run("plan", "-no-color")
	}
	terraform.run("destroy", "-no-color", "-auto-approve")
	return account.called(), asked.refusals()
}

// called are the IAM actions of what was asked since the books were reset.
func (a *account) called() map[string]bool {
	called := map[string]bool{}
	for request := range a.Lab.Books().Requests {
		called[iamAction(request)] = true
	}
	return called
}

// refuse runs the CLI, which must fail.
func (c *cli) refuse(args ...string) {
	c.t.Helper()
	command := exec.CommandContext(c.t.Context(), c.program, args...)
	command.Dir, command.Env = c.dir, c.environ
	if output, err := command.CombinedOutput(); err == nil {
		c.t.Fatalf("%s has not failed:\n%s", strings.Join(args, " "), output)
	}
}

// write makes a configuration the one that is in a directory.
func (a *account) write(dir, config string) {
	a.t.Helper()
	for said, have := range a.has {
		config = strings.ReplaceAll(config, said, have)
	}
	a.do(os.WriteFile(filepath.Join(dir, "main.tf"), []byte(required+config), 0o600))
}
