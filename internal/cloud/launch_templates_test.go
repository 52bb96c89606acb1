package cloud

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud/cloudtest"
)

// dated answers every request with one version of a launch template, by a clock of its own.
type dated struct{ now time.Time }

func (d dated) RoundTrip(*http.Request) (*http.Response, error) {
	body := "<DescribeLaunchTemplateVersionsResponse><launchTemplateVersionSet><item><launchTemplateId>lt-1</launchTemplateId><versionNumber>7</versionNumber><createTime>" +
		d.now.Add(-40*time.Second).UTC().Format(time.RFC3339) + "</createTime></item></launchTemplateVersionSet></DescribeLaunchTemplateVersionsResponse>"
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Date": {d.now.UTC().Format(http.TimeFormat)}}, Body: io.NopCloser(strings.NewReader(body)),
	}, nil
}

// How old a version is does not depend on this machine's clock.
func TestLatestVersion_age(t *testing.T) {
	cloudtest.NoEnvironment(t)
	for _, wrong := range []time.Duration{0, -26 * time.Hour, 26 * time.Hour} {
		account, _, err := New(t.Context(), Config{
			Region: "us-east-1", AccessKey: "key", SecretKey: "secret", HTTPClient: &http.Client{Transport: dated{time.Now().Add(wrong)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		region, err := account.Region("")
		if err != nil {
			t.Fatal(err)
		}
		latest, there, err := region.LatestVersion(t.Context(), "any")
		if err != nil || !there || latest.Version != 7 || latest.Age != 40*time.Second {
			t.Errorf("AWS's clock is %s off: %+v, %t, %v, want an age of 40 s", wrong, latest, there, err)
		}
	}
}
