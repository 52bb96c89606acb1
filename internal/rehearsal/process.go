package rehearsal

import (
	"net/http"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// Process is what a Terraform process of its own knows of AWS when it starts. Its requests
// go through what the test puts between it and the lab, and to nothing else: DieAt is for
// the stage's process alone.
func (s *Stage) Process(through func(http.RoundTripper) http.RoundTripper) *cloud.Account {
	s.t.Helper()
	return s.enter("lab", &http.Client{Transport: through(s.client.Transport)})
}
