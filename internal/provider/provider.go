package provider

import (
	"context"
	"net/http"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

var _ provider.Provider = (*Provider)(nil)

// Provider is the stamp provider.
type Provider struct {
	version string
	now     func() time.Time
	// client replaces the one that the provider block's proxy and TLS settings make; nil
	// outside of tests.
	client *http.Client
	fleet  func() resource.Resource
}

// Option changes how a provider runs.
type Option func(*Provider)

// WithClock gives the provider another clock than the machine's: images become too old
// by it.
func WithClock(now func() time.Time) Option {
	return func(p *Provider) { p.now = now }
}

// WithHTTPClient sends every request to AWS through the client: a way for tests to a lab in
// their own process. Proxy and TLS settings of the provider block then count for nothing.
func WithHTTPClient(client *http.Client) Option {
	return func(p *Provider) { p.client = client }
}

// New returns a constructor of the provider of that version.
func New(version string, options ...Option) func() provider.Provider {
	return func() provider.Provider {
		made := &Provider{version: version, now: time.Now, fleet: newFleet}
		for _, option := range options {
			option(made)
		}
		return made
	}
}

// Metadata names the provider.
func (p *Provider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "stamp"
	resp.Version = p.version
}

// Schema is the provider block.
func (p *Provider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = providerSchema()
}

// Configure connects to the account. While the provider block depends on values
// that are not known yet, resources plan without reading AWS.
func (p *Provider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	session := &session{now: p.now}
	resp.ResourceData, resp.DataSourceData = session, session
	if !req.Config.Raw.IsFullyKnown() {
		return
	}
	var model providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	config := model.config(&resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	config.ProviderVersion, config.TerraformVersion, config.Log = p.version, req.TerraformVersion, logCall
	config.HTTPClient = p.client
	account, warnings, err := cloud.New(ctx, config)
	appendWarnings(&resp.Diagnostics, warnings)
	if err != nil {
		resp.Diagnostics.AddError("The provider cannot be configured", report.Clean(err.Error()))
		return
	}
	session.account, session.defaultTags = account, model.tags()
	session.progress = openProgress(model.ProgressFile.ValueString(), &resp.Diagnostics)
	session.progress.output = wantsOutput(model.ProgressOutput, &resp.Diagnostics)
}

// Resources lists the resource types.
func (p *Provider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{newGoldenImage, p.fleet}
}

// DataSources lists the data sources.
func (p *Provider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{newGoldenImageSource}
}
