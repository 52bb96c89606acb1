package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/provider/wire"
)

// NewServer returns a constructor of the protocol server of the provider of that version.
func NewServer(version string, options ...Option) func() tfprotov6.ProviderServer {
	working := providerserver.NewProtocol6(New(version, options...)())
	whole := providerserver.NewProtocol6(New(version, asTerraformSees)())
	return func() tfprotov6.ProviderServer {
		return wire.New(working(), whole(), map[string][]wire.Path{"stamp_fleet": fleetFolds})
	}
}

// asTerraformSees gives a provider the schemas that Terraform sees. It has no other use.
func asTerraformSees(p *Provider) { p.fleet = newWholeFleet }
