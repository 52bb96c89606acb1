package provider

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
	"github.com/stamp-pattern/terraform-provider-stamp/internal/report"
)

// session is what the configured provider hands to its resources.
type session struct {
	// account is nil while the provider block is not wholly known.
	account     *cloud.Account
	defaultTags cloud.Tags
	progress    *progressFile
}

// ready reports whether AWS can be read.
func (s *session) ready() bool { return s != nil && s.account != nil }

// region returns the region, by name or the default one.
func (s *session) region(name string, diags *diag.Diagnostics) *cloud.Region {
	if !s.ready() {
		diags.AddError("The provider is not configured",
			"The provider block depends on values that are not known, even now. Give it values that are known before apply.")
		return nil
	}
	region, err := s.account.Region(name)
	if err != nil {
		attributeError(diags, path.Root("region"), "The region cannot be used", err.Error())
		return nil
	}
	return region
}

// report returns a progress that writes to Terraform's log and to the progress
// file, under the resource's name.
func (s *session) report(ctx context.Context, resource string) report.Progress {
	return func(line string) {
		tflog.Info(ctx, line, map[string]any{"stamp_resource": resource})
		s.progress.write(resource, line)
	}
}

// progressFile appends lines to a file or terminal; without a path it is silent.
type progressFile struct {
	path string
	mu   sync.Mutex
}

func (p *progressFile) open() (*os.File, error) {
	return os.OpenFile(p.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

// check says at once whether the file can be written.
func (p *progressFile) check() error {
	if p.path == "" {
		return nil
	}
	file, err := p.open()
	if err != nil {
		return err
	}
	return file.Close()
}

func (p *progressFile) write(resource, line string) {
	if p == nil || p.path == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	file, err := p.open()
	if err != nil {
		return // progress is for the eyes; it must not stop the work
	}
	defer func() { _ = file.Close() }()
	_, _ = fmt.Fprintf(file, "%s %s: %s\n", time.Now().Format(time.TimeOnly), resource, line)
}
