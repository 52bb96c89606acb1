// Terraform-provider-stamp bakes golden images and stamps fleets of identical
// servers from them.
package main

import (
	"context"
	"flag"
	"log"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/provider"
)

// version is set by the release build.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger such as delve")
	flag.Parse()
	quietFramework()
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

// quietFramework keeps the plugin framework from logging, unless the user asks for its
// log: it tells each attribute of each server several times, and the time that takes grows
// with the square of their number.
func quietFramework() {
	const framework, all = "TF_LOG_SDK_FRAMEWORK", "TF_LOG_SDK"
	if os.Getenv(framework) == "" && os.Getenv(all) == "" {
		_ = os.Setenv(framework, "OFF") // fails for no name or value like these
	}
}
