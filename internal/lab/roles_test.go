package lab_test

import (
	"encoding/base64"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
)

const bakeRole = "arn:aws:iam::123456789012:role/deploy/bake"

// inBubble runs a test in a bubble, with what clients of its lab need.
func inBubble(t *testing.T, test func(t *testing.T, shared aws.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		inside, err := lab.New(lab.Options{})
		if err != nil {
			t.Fatal(err)
		}
		test(t, config(labtest.Endpoint, "us-east-1", labtest.InBubble(t, inside)))
	})
}

// as is what clients of a role's session need.
func as(shared aws.Config, given *types.Credentials) aws.Config {
	shared.Credentials = credentials.NewStaticCredentialsProvider(*given.AccessKeyId, *given.SecretAccessKey, *given.SessionToken)
	return shared
}

func whoAmI(t *testing.T, shared aws.Config) (*sts.GetCallerIdentityOutput, error) {
	t.Helper()
	return sts.NewFromConfig(shared).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
}

func TestRole_isWhoItsKeySays(t *testing.T) {
	inBubble(t, func(t *testing.T, shared aws.Config) {
		out, err := sts.NewFromConfig(shared).AssumeRole(t.Context(), &sts.AssumeRoleInput{
			RoleArn: aws.String(bakeRole), RoleSessionName: aws.String("ci"), DurationSeconds: aws.Int32(900), ExternalId: aws.String("a:b"),
		})
		if err != nil {
			t.Fatal(err)
		}
		who, err := whoAmI(t, as(shared, out.Credentials))
		if err != nil {
			t.Fatal(err)
		}
		const want = "arn:aws:sts::123456789012:assumed-role/bake/ci"
		if *who.Arn != want || *out.AssumedRoleUser.Arn != want || *who.UserId != *out.AssumedRoleUser.AssumedRoleId {
			t.Errorf("it is %s (%s), want %s", *who.Arn, *who.UserId, want)
		}
		if left := time.Until(*out.Credentials.Expiration); left < 14*time.Minute || left > 15*time.Minute {
			t.Errorf("the session lasts %s, want 15 minutes", left)
		}
		if who, err := whoAmI(t, shared); err != nil || *who.Arn != "arn:aws:iam::123456789012:user/lab" {
			t.Errorf("the administrator is %+v, %v", who, err)
		}
	})
}

func TestRole_sessionsEnd(t *testing.T) {
	inBubble(t, func(t *testing.T, shared aws.Config) {
		out, err := sts.NewFromConfig(shared).AssumeRole(t.Context(), &sts.AssumeRoleInput{
			RoleArn: aws.String(bakeRole), RoleSessionName: aws.String("ci"), DurationSeconds: aws.Int32(900),
		})
		if err != nil {
			t.Fatal(err)
		}
		role := as(shared, out.Credentials)
		<-time.After(15 * time.Minute)
		_, err = whoAmI(t, role)
		if got := code(t, err); got != "ExpiredToken" {
			t.Errorf("STS: %q", got)
		}
		_, err = ec2.NewFromConfig(role).DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
		if got := code(t, err); got != "RequestExpired" {
			t.Errorf("EC2: %q", got)
		}
		_, err = ssm.NewFromConfig(role).DescribeParameters(t.Context(), &ssm.DescribeParametersInput{})
		if got := code(t, err); got != "ExpiredTokenException" {
			t.Errorf("SSM: %q", got)
		}
	})
}

func TestRole_refusals(t *testing.T) {
	inBubble(t, func(t *testing.T, shared aws.Config) {
		for _, test := range []struct {
			role, name, external string
			duration             int32
			want                 string
		}{
			{"arn:aws:iam::123456789012:user/somebody", "ci", "", 0, "ValidationError"},
			{"bake", "ci", "", 0, "ValidationError"},
			{"arn:aws:iam::137112412989:role/bake", "ci", "", 0, "AccessDenied"},
			{bakeRole, "c", "", 0, "ValidationError"},
			{bakeRole, "c i", "", 0, "ValidationError"},
			{bakeRole, "ci", "x", 0, "ValidationError"},
			{bakeRole, "ci", "", 899, "ValidationError"},
			{bakeRole, "ci", "", 43201, "ValidationError"},
		} {
			in := &sts.AssumeRoleInput{RoleArn: &test.role, RoleSessionName: &test.name}
			if test.duration != 0 {
				in.DurationSeconds = &test.duration
			}
			if test.external != "" {
				in.ExternalId = &test.external
			}
			_, err := sts.NewFromConfig(shared).AssumeRole(t.Context(), in)
			if got := code(t, err); got != test.want {
				t.Errorf("%+v: %q (%v)", test, got, err)
			}
		}
		first, err := sts.NewFromConfig(shared).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(bakeRole), RoleSessionName: aws.String("ci")})
		if err != nil {
			t.Fatal(err)
		}
		_, err = sts.NewFromConfig(as(shared, first.Credentials)).AssumeRole(t.Context(), &sts.AssumeRoleInput{
			RoleArn: aws.String(bakeRole), RoleSessionName: aws.String("ci"), DurationSeconds: aws.Int32(3601),
		})
		if got := code(t, err); got != "ValidationError" {
			t.Errorf("a long session of a chained role: %q", got)
		}
	})
}

func TestRole_withAnothersToken(t *testing.T) {
	inBubble(t, func(t *testing.T, shared aws.Config) {
		token := func(expires time.Time) string {
			part := base64.RawURLEncoding.EncodeToString
			claims := fmt.Sprintf(`{"iss": "https://ci.example", "sub": "repo:web", "aud": "sts.amazonaws.com", "exp": %d}`, expires.Unix())
			return part([]byte(`{"alg": "none"}`)) + "." + part([]byte(claims)) + "." + part([]byte("signature"))
		}
		shared.Credentials = aws.AnonymousCredentials{}
		ask := func(token string) (*sts.AssumeRoleWithWebIdentityOutput, error) {
			return sts.NewFromConfig(shared).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: aws.String(bakeRole), RoleSessionName: aws.String("ci"), WebIdentityToken: &token,
			})
		}
		out, err := ask(token(time.Now().Add(time.Hour)))
		if err != nil {
			t.Fatal(err)
		}
		if *out.SubjectFromWebIdentityToken != "repo:web" || *out.Provider != "ci.example" || *out.Audience != "sts.amazonaws.com" {
			t.Errorf("it is %s of %s for %s", *out.SubjectFromWebIdentityToken, *out.Provider, *out.Audience)
		}
		if who, err := whoAmI(t, as(shared, out.Credentials)); err != nil || *who.Arn != *out.AssumedRoleUser.Arn {
			t.Errorf("its key is %+v, %v", who, err)
		}
		_, err = ask(token(time.Now().Add(-time.Minute)))
		if got := code(t, err); got != "ExpiredTokenException" {
			t.Errorf("an expired token: %q", got)
		}
		_, err = ask("not a token")
		if got := code(t, err); got != "InvalidIdentityToken" {
			t.Errorf("no token: %q", got)
		}
		_, err = whoAmI(t, shared)
		if got := code(t, err); got != "AuthFailure" {
			t.Errorf("another unsigned request: %q", got)
		}
	})
}
