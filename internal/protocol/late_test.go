package protocol

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/lab/labtest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/rehearsal"
)

// TestLate changes what a replacement depends on to a value that is known in the apply only.
func TestLate(t *testing.T) {
	for typeName, base := range bases {
		for _, value := range []hcl{
			{"region": "us-east-1"},
			{"region": "us-east-1", "tags": hcl{"A": "1"}},
			{"region": "eu-west-1"},
			{"name": "other"},
			{"name": "other", "region": "eu-west-1"},
		} {
			report(t, fmt.Sprintf("%s, late %v", typeName, value), inWorld(t, func(w *world) []string {
				c := w.core(typeName)
				before := w.config(c, base)
				final, first := cloneObject(before), cloneObject(before)
				for name, late := range value {
					final[name], first[name] = late, unknown{}
				}
				if final["region"] == "eu-west-1" && typeName == fleetType {
					final["image_id"], first["image_id"] = w.abroad(), unknown{}
				}
				c.guarded(func() {
					c.turn(before, before)
					c.turn(first, final)
					if !c.turn(final, final) {
						c.fault("the next apply fails: %v", c.said)
					}
					c.end()
				})
				return c.faults
			}))
		}
	}
}

// abroad is a public image of eu-west-1.
func (w *world) abroad() string {
	client := ssm.New(ssm.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(labtest.Endpoint), HTTPClient: w.client,
		Credentials: credentials.NewStaticCredentialsProvider("lab", "lab", ""),
	})
	found, err := client.GetParameter(w.t.Context(), &ssm.GetParameterInput{Name: aws.String(rehearsal.BaseImage)})
	w.must(err)
	return *found.Parameter.Value
}
