package cloud

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud/cloudtest"
)

const identity = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>` +
	`<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`

// answerAll answers what the tests of this file ask.
func answerAll(r request) (int, string) {
	switch r.action {
	case "GetCallerIdentity":
		return http.StatusOK, identity
	case "AssumeRole":
		return http.StatusOK, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>` +
			`<AccessKeyId>ASSUMED-` + r.form.Get("RoleArn") + `</AccessKeyId><SecretAccessKey>s</SecretAccessKey>` +
			`<SessionToken>t</SessionToken><Expiration>2126-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`
	}
	return ok(r.action, "")
}

func yes() *bool { value := true; return &value }
func no() *bool  { value := false; return &value }

// TestNew_precedence holds what aws-sdk-go-base decides, as it is seen on the wire.
func TestNew_precedence(t *testing.T) {
	const (
		shared = "[profile one]\nregion = eu-west-1\n[profile two]\nregion = eu-west-2\nendpoint_url = http://profile.test\n" +
			"[profile chained]\nregion = eu-west-3\nrole_arn = arn:chained\nsource_profile = one\n"
		credentials = "[one]\naws_access_key_id = KEY-ONE\naws_secret_access_key = s\n" +
			"[two]\naws_access_key_id = KEY-TWO\naws_secret_access_key = s\n"
		awsEC2 = "https://ec2.%s.amazonaws.com"
	)
	type env = map[string]string
	keys := env{"AWS_ACCESS_KEY_ID": "KEY-ENV", "AWS_SECRET_ACCESS_KEY": "s"}
	with := func(more ...string) env {
		all := env{}
		for name, value := range keys {
			all[name] = value
		}
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	static := Config{AccessKey: "KEY-BLOCK", SecretKey: "s"}
	block := func(change func(*Config)) Config {
		config := static
		change(&config)
		return config
	}
	type want struct{ key, region, url string }
	tests := map[string]struct {
		env    env
		config Config
		want   want
	}{
		"environment": {env: with("AWS_REGION", "eu-north-1"), want: want{key: "KEY-ENV", region: "eu-north-1"}},
		"AWS_DEFAULT_REGION": {
			env: with("AWS_DEFAULT_REGION", "eu-north-1"), want: want{key: "KEY-ENV", region: "eu-north-1"},
		},
		"AWS_REGION before AWS_DEFAULT_REGION": {
			env: with("AWS_REGION", "eu-north-1", "AWS_DEFAULT_REGION", "us-east-2"), want: want{key: "KEY-ENV", region: "eu-north-1"},
		},
		"block before environment": {
			env: with("AWS_REGION", "eu-north-1"), config: block(func(c *Config) { c.Region = "us-west-2" }),
			want: want{key: "KEY-BLOCK", region: "us-west-2"},
		},
		"AWS_PROFILE": {env: env{"AWS_PROFILE": "one"}, want: want{key: "KEY-ONE", region: "eu-west-1"}},
		"keys of the environment before AWS_PROFILE": {
			env: with("AWS_PROFILE", "one"), want: want{key: "KEY-ENV", region: "eu-west-1"},
		},
		"profile of the block before AWS_PROFILE": {
			env: env{"AWS_PROFILE": "one"}, config: Config{Profile: "two"},
			want: want{key: "KEY-TWO", region: "eu-west-2", url: "http://profile.test"},
		},
		"profile of the block before keys of the environment": {
			env: keys, config: Config{Profile: "one"}, want: want{key: "KEY-ONE", region: "eu-west-1"},
		},
		"region of the environment before the profile's": {
			env: env{"AWS_REGION": "eu-north-1"}, config: Config{Profile: "one"}, want: want{key: "KEY-ONE", region: "eu-north-1"},
		},
		"profile that assumes a role": {
			config: Config{Profile: "chained"}, want: want{key: "ASSUMED-arn:chained", region: "eu-west-3"},
		},
		"roles of the block, one from the other": {
			config: block(func(c *Config) {
				c.Region, c.AssumeRole = "us-east-1", []AssumeRole{{RoleARN: "arn:first"}, {RoleARN: "arn:second"}}
			}),
			want: want{key: "ASSUMED-arn:second", region: "us-east-1"},
		},
		"AWS_ENDPOINT_URL": {
			env:  with("AWS_REGION", "us-east-1", "AWS_ENDPOINT_URL", "http://all.test"),
			want: want{key: "KEY-ENV", region: "us-east-1", url: "http://all.test"},
		},
		"AWS_ENDPOINT_URL before the profile's": {
			env: env{"AWS_ENDPOINT_URL": "http://all.test"}, config: Config{Profile: "two"},
			want: want{key: "KEY-TWO", region: "eu-west-2", url: "http://all.test"},
		},
		"AWS_ENDPOINT_URL_EC2 before AWS_ENDPOINT_URL": {
			env:  with("AWS_REGION", "us-east-1", "AWS_ENDPOINT_URL", "http://all.test", "AWS_ENDPOINT_URL_EC2", "http://ec2.test"),
			want: want{key: "KEY-ENV", region: "us-east-1", url: "http://ec2.test"},
		},
		"endpoint of the block before all": {
			env:    with("AWS_REGION", "us-east-1", "AWS_ENDPOINT_URL_EC2", "http://ec2.test"),
			config: Config{Endpoints: map[string]string{"ec2": "http://block.test", "s3": "http://unused.test"}},
			want:   want{key: "KEY-ENV", region: "us-east-1", url: "http://block.test"},
		},
		"FIPS": {
			env: with("AWS_REGION", "us-east-1"), config: Config{UseFIPSEndpoint: true},
			want: want{key: "KEY-ENV", region: "us-east-1", url: "https://ec2-fips.us-east-1.amazonaws.com"},
		},
		"dual stack": {
			env: with("AWS_REGION", "us-east-1"), config: Config{UseDualStackEndpoint: true},
			want: want{key: "KEY-ENV", region: "us-east-1", url: "https://ec2.us-east-1.api.aws"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cloudtest.NoEnvironment(t)
			dir := t.TempDir()
			for file, content := range map[string]string{"config": shared, "credentials": credentials} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			w := &wire{answer: answerAll}
			config := test.config
			config.HTTPClient = &http.Client{Transport: w}
			config.SharedConfigFiles = []string{filepath.Join(dir, "config")}
			config.SharedCredentialsFiles = []string{filepath.Join(dir, "credentials")}

			account, _, err := New(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			region, err := account.Region("")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := region.Instances(t.Context(), InstanceQuery{}); err != nil {
				t.Fatal(err)
			}

			wanted := test.want
			if wanted.url == "" {
				wanted.url = strings.ReplaceAll(awsEC2, "%s", wanted.region)
			}
			got := w.sent("DescribeInstances")[0]
			if diff := cmp.Diff(wanted, want{got.accessKey, got.region, got.url}, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("what arrived (-want +got):\n%s", diff)
			}
			if account.DefaultRegion() != wanted.region {
				t.Errorf("the default region is %s, want %s", account.DefaultRegion(), wanted.region)
			}
			if asked := w.sent("GetCallerIdentity"); len(asked) != 0 {
				t.Errorf("STS was asked %d times whose credentials these are, want never", len(asked))
			}
		})
	}
}

func TestNew_account(t *testing.T) {
	tests := map[string]struct {
		config  Config
		asked   int
		wantErr string
	}{
		"nobody asks":           {},
		"validation skipped":    {config: Config{SkipCredentialsValidation: yes()}},
		"validation asked for":  {config: Config{SkipCredentialsValidation: no()}, asked: 1},
		"allowed":               {config: Config{AllowedAccountIDs: []string{"123456789012"}}, asked: 1},
		"not allowed":           {config: Config{AllowedAccountIDs: []string{"210987654321"}}, asked: 1, wantErr: "belong to account 123456789012"},
		"forbidden":             {config: Config{ForbiddenAccountIDs: []string{"123456789012"}}, asked: 1, wantErr: "belong to account 123456789012"},
		"allowed, and both ask": {config: Config{AllowedAccountIDs: []string{"123456789012"}, SkipCredentialsValidation: no()}, asked: 1},
		"allowed, may not ask": {
			config: Config{AllowedAccountIDs: []string{"1"}, SkipRequestingAccountID: true}, wantErr: "skip_requesting_account_id",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cloudtest.NoEnvironment(t)
			w := &wire{answer: answerAll}
			config := test.config
			config.Region, config.AccessKey, config.SecretKey = "us-east-1", "AKID", "s"
			config.HTTPClient = &http.Client{Transport: w}

			_, _, err := New(t.Context(), config)

			if got := textOf(err); !strings.Contains(got, test.wantErr) || (test.wantErr == "") != (got == "") {
				t.Errorf("got error %q, want %q", got, test.wantErr)
			}
			if got := len(w.sent("GetCallerIdentity")); got != test.asked {
				t.Errorf("STS was asked %d times, want %d", got, test.asked)
			}
		})
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAccount_ID(t *testing.T) {
	cloudtest.NoEnvironment(t)
	w := &wire{answer: answerAll}
	config := Config{
		Region: "us-east-1", AccessKey: "AKID", SecretKey: "s", HTTPClient: &http.Client{Transport: w},
		STSRegion: "eu-west-1", TerraformVersion: "1.11.4", ProviderVersion: "0.1.0", UserAgent: []string{"team/7"},
	}
	account, _, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if id, err := account.ID(t.Context()); id != "123456789012" || err != nil {
			t.Errorf("got %q, %v, want 123456789012", id, err)
		}
	}
	asked := w.sent("GetCallerIdentity")
	if len(asked) != 1 || asked[0].region != "eu-west-1" {
		t.Fatalf("STS was asked %+v, want once, in eu-west-1", asked)
	}
	for _, product := range []string{"Terraform/1.11.4", "terraform-provider-stamp/0.1.0", "team/7"} {
		if !strings.Contains(asked[0].userAgent, product) {
			t.Errorf("the user agent %q lacks %s", asked[0].userAgent, product)
		}
	}

	config.SkipRequestingAccountID = true
	account, _, err = New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := account.ID(t.Context()); err == nil {
		t.Error("got an id that must not be asked for")
	}
}

func TestNew_noRegion(t *testing.T) {
	tests := map[string]Config{
		"static keys": {},
		"a role":      {AssumeRole: []AssumeRole{{RoleARN: "arn:role"}}},
	}
	for name, config := range tests {
		t.Run(name, func(t *testing.T) {
			cloudtest.NoEnvironment(t)
			config.AccessKey, config.SecretKey = "AKID", "s"
			config.HTTPClient = &http.Client{Transport: &wire{answer: answerAll}}
			if _, _, err := New(t.Context(), config); !errors.Is(err, ErrNoRegion) {
				t.Errorf("got %v, want ErrNoRegion", err)
			}
		})
	}
}

func TestNew_noCredentials(t *testing.T) {
	cloudtest.NoEnvironment(t)
	_, _, err := New(t.Context(), Config{Region: "us-east-1", HTTPClient: &http.Client{Transport: &wire{answer: answerAll}}})
	if got := textOf(err); !strings.Contains(got, "No valid credential sources found") {
		t.Errorf("got %q, want that there are no credentials", got)
	}
}

func TestNew_warnings(t *testing.T) {
	cloudtest.NoEnvironment(t)
	proxy := "http://proxy.test:3128"
	_, warnings, err := New(t.Context(), Config{
		Region: "us-east-1", AccessKey: "AKID", SecretKey: "s", HTTPProxy: &proxy,
		HTTPClient: &http.Client{Transport: &wire{answer: answerAll}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 1 || warnings[0].Summary != "Missing HTTPS Proxy" || warnings[0].Detail == "" {
		t.Errorf("got %+v, want one about the HTTPS proxy", warnings)
	}
}

func TestAccount_Region(t *testing.T) {
	cloudtest.NoEnvironment(t)
	config := Config{Region: "us-east-1", AccessKey: "AKID", SecretKey: "s", HTTPClient: &http.Client{Transport: &wire{answer: answerAll}}}
	account, _, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := account.Region("")
	again, _ := account.Region("us-east-1")
	other, err := account.Region("eu-west-1")
	if err != nil || first != again || first == other || other.Name() != "eu-west-1" {
		t.Errorf("got %p, %p, %p, %v, want one region for each name", first, again, other, err)
	}
	if _, err := account.Region("eu-wset-1"); err == nil || !strings.Contains(err.Error(), "skip_region_validation") {
		t.Errorf("got %v for a region that is none, want what to set if it is one", err)
	}

	config.SkipRegionValidation = true
	account, _, err = New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := account.Region("eu-future-1"); err != nil {
		t.Errorf("got %v with validation skipped", err)
	}
}

// TestNew_attempts counts how often a server that is never ready is asked.
func TestNew_attempts(t *testing.T) {
	tests := map[string]struct {
		env  map[string]string
		max  int
		want int
	}{
		"default":                  {want: 25},
		"AWS_MAX_ATTEMPTS":         {env: map[string]string{"AWS_MAX_ATTEMPTS": "4"}, want: 4},
		"block before environment": {env: map[string]string{"AWS_MAX_ATTEMPTS": "4"}, max: 2, want: 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cloudtest.NoEnvironment(t)
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			synctest.Test(t, func(t *testing.T) {
				w := &wire{answer: func(request) (int, string) { return refusal(503, "Unavailable", "later") }}
				account, _, err := New(t.Context(), Config{
					Region: "us-east-1", AccessKey: "AKID", SecretKey: "s", MaxRetries: test.max, HTTPClient: &http.Client{Transport: w},
				})
				if err != nil {
					t.Fatal(err)
				}
				region, _ := account.Region("")
				if _, err := region.DefaultSubnets(t.Context()); ClassOf(err) != Unclear {
					t.Errorf("got %v, want an unclear answer", err)
				}
				if got := len(w.sent("DescribeSubnets")); got != test.want {
					t.Errorf("asked %d times, want %d", got, test.want)
				}
			})
		})
	}
}
