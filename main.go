// Terraform-provider-stamp bakes golden images and stamps fleets of identical
// servers from them.
package main

import (
	"context"
	"flag"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/provider"
)

// version is set by the release build.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger such as delve")
	flag.Parse()
	if !*debug { // a debugger's process is nobody's child
		go provider.EndWithTerraform(context.Background())
	}
	err := providerserver.Serve(context.Background(), provider.New(version), providerserver.ServeOpts{
		Address: "registry.terraform.io/stamp-pattern/stamp",
		Debug:   *debug,
	})
	if err != nil {
		log.Fatal(err)
	}
}
