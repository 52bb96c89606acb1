package provider

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
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
	fleet   func() resource.Resource
}

// Option changes how a provider runs.
type Option func(*Provider)

// WithClock gives the provider another clock than the machine's: images become too old
// by it.
func WithClock(now func() time.Time) Option {
	return func(p *Provider) { p.now = now }
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
	config.ProviderVersion, config.TerraformVersion = p.version, req.TerraformVersion
	account, warnings, err := cloud.New(ctx, config)
	appendWarnings(&resp.Diagnostics, warnings)
	if err != nil {
		resp.Diagnostics.AddError("The provider cannot be configured", report.Clean(err.Error()))
		return
	}
	file := model.ProgressFile.ValueString()
	if file == "" {
		file = os.Getenv("STAMP_PROGRESS")
	}
	session.account, session.defaultTags, session.progress = account, model.tags(), &progressFile{path: file}
	if err := session.progress.check(); err != nil {
		attributeError(&resp.Diagnostics, path.Root("progress_file"), "The progress file cannot be written",
			fmt.Sprintf("%v\n\nGive progress_file (or STAMP_PROGRESS) the path of a file that may be appended to.", err))
	}
}

// Resources lists the resource types.
func (p *Provider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{newGoldenImage, p.fleet}
}

// DataSources lists the data sources.
func (p *Provider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{newGoldenImageSource}
}
