package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

// checkTransport refuses what only Run Command can carry, under the other transport. What
// is not known yet is looked at in the plan that knows it.
func checkTransport(bake types.Object, diags *diag.Diagnostics) {
	if bake.IsNull() || bake.IsUnknown() {
		return
	}
	attributes := bake.Attributes()
	transport, ok := attributes["transport"].(types.String)
	if !ok || transport.IsUnknown() || transport.ValueString() == image.TransportSSM {
		return
	}
	at := path.Root("bake")
	if secrets := attributes["secrets_wo"]; secrets != nil && !secrets.IsNull() {
		attributeError(diags, at.AtName("secrets_wo"), "Secrets need the transport ssm",
			"User data can be read by whoever may describe the instance. Set bake.transport = \"ssm\", which seals secrets for the builder alone.")
	}
	if userData := attributes["user_data"]; userData != nil && !userData.IsNull() {
		attributeError(diags, at.AtName("user_data"), "User data of the builder needs the transport ssm",
			"With the transport user_data, the steps themselves are the builder's user data. Put this into the first step, or set bake.transport = \"ssm\".")
	}
	if steps, ok := attributes["steps"].(types.List); ok {
		checkLocalSteps(steps, at.AtName("steps"), diags)
	}
}

func checkLocalSteps(steps types.List, at path.Path, diags *diag.Diagnostics) {
	for i, element := range steps.Elements() {
		step, ok := element.(types.Object)
		if !ok || step.IsNull() || step.IsUnknown() {
			continue
		}
		if local := step.Attributes()["local"]; local != nil && !local.IsNull() {
			attributeError(diags, at.AtListIndex(i).AtName("local"), "A local step needs the transport ssm",
				"With user data the builder works by itself and waits for nobody. Set bake.transport = \"ssm\".")
		}
	}
}

// namedWell refuses names of variables that would change how the machine works.
func namedWell(what string, check func(name string) error) validator.String {
	return stringRule{description: what, summary: "Reserved variable", wrong: func(value string) string {
		if err := check(value); err != nil {
			return err.Error() + "."
		}
		return ""
	}}
}

// checkSecrets refuses to send secrets where others could put their key in the builder's
// place.
func (p *goldenImagePlanner) checkSecrets(region *cloud.Region, spec image.Spec) {
	if spec.Bake.SecretsVersion == "" {
		return // which secrets_wo needs, and which unlike it is in the plan
	}
	if err := region.Confidential(); err != nil {
		attributeError(p.diags, path.Root("bake").AtName("secrets_wo"), "Secrets are not safe on this way", err.Error())
	}
}

// stagingBucket is what state says.
func (m *goldenImageModel) stagingBucket() string {
	bucket, ok := m.Bake.Attributes()["staging_bucket"].(types.String)
	if !ok {
		return ""
	}
	return bucket.ValueString()
}

// stepParts refuses attributes that mean nothing for a step of that kind.
type stepParts struct{}

// Description says what is demanded.
func (stepParts) Description(context.Context) string {
	return "only what has a meaning for this kind of step"
}

// MarkdownDescription says what is demanded.
func (r stepParts) MarkdownDescription(ctx context.Context) string { return r.Description(ctx) }

// meaningless are the attributes, by kind of step, that would be ignored.
var meaningless = map[string][]string{
	"upload": {"environment", "user", "timeout", "retries", "exit_codes"},
	"reboot": {"environment", "user", "timeout", "retries", "exit_codes"},
	"local":  {"user"},
}

// ValidateObject names what would be ignored.
func (stepParts) ValidateObject(_ context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	attributes := req.ConfigValue.Attributes()
	given := func(value attr.Value) bool { return value != nil && !value.IsNull() && !value.IsUnknown() }
	for kind, names := range meaningless {
		if !given(attributes[kind]) {
			continue
		}
		for _, name := range names {
			if given(attributes[name]) {
				attributeError(&resp.Diagnostics, req.Path.AtName(name), "Without effect on a step of this kind",
					fmt.Sprintf("A step with %s has no use for %s. Remove it, or give it to a step with script.", kind, name))
			}
		}
	}
}

func userName() validator.String {
	return formatRule(userFormat, "Not a user's name", "the name of a user, like \"ec2-user\"")
}
