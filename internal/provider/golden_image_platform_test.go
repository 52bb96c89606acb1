package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/guest"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/image"
)

func TestCheckWindows_namesTheAttribute(t *testing.T) {
	upload := func(change func(*guest.Upload)) image.Spec {
		to := &guest.Upload{Destination: `C:\app.txt`, Files: []guest.File{{Mode: "0644"}}}
		change(to)
		return image.Spec{Bake: image.Bake{Steps: []guest.Step{{Name: "first", Script: "exit 0"}, {Name: "app", Upload: to}}}}
	}
	for want, spec := range map[string]image.Spec{
		"bake.transport":                   {Bake: image.Bake{Transport: image.TransportUserData}},
		`bake.steps[0].user`:               {Bake: image.Bake{Steps: []guest.Step{{Name: "s", Script: "exit 0", User: "Administrator"}}}},
		`bake.steps[0].script`:             {Bake: image.Bake{Steps: []guest.Step{{Name: "s", Script: "#!/bin/sh\nexit 0"}}}},
		`bake.steps[1].upload.mode`:        upload(func(u *guest.Upload) { u.Mode = "0600" }),
		`bake.steps[1].upload.owner`:       upload(func(u *guest.Upload) { u.Owner = "SYSTEM" }),
		`bake.steps[1].upload.destination`: upload(func(u *guest.Upload) { u.Destination = "/opt/app.txt" }),
		`verify.checks[0].script`:          {Verify: image.Verify{Checks: []guest.Check{{Name: "c", Script: "#!/bin/sh\nexit 0"}}}},
		"":                                 upload(func(*guest.Upload) {}),
	} {
		t.Run(want, func(t *testing.T) {
			if spec.Bake.Transport == "" {
				spec.Bake.Transport = image.TransportSSM
			}
			for _, platform := range []string{"", image.PlatformWindows} {
				spec.Platform = platform
				var diags diag.Diagnostics
				checkWindows(spec, spec.CheckWork("f"), &diags)
				found := ""
				for _, each := range diags {
					at, ok := each.(diag.DiagnosticWithPath)
					name, _, named := strings.Cut(each.Detail(), ": ")
					if !ok || !named || !strings.HasPrefix(name, at.Path().String()) {
						t.Errorf("points at nothing: %v", each)
					}
					found += name
				}
				if platform == "" && found != "" || platform != "" && found != want {
					t.Errorf("on %q refused at %q", platform, found)
				}
			}
		})
	}
}

// A destination is one of either system: which, is known once the source is.
func TestDestination(t *testing.T) {
	for destination, ok := range map[string]bool{
		"/opt/app": true, `C:\app\app.zip`: true, "c:/app": true, "opt/app": false, "/opt/": false, `C:\app\`: false, `C:`: false, `C:app`: false, `\\host\share`: false,
	} {
		if got := destinationFormat.MatchString(destination); got != ok {
			t.Errorf("%s: %v", destination, got)
		}
	}
}
