package provider

import (
	"bytes"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/stamp-pattern/terraform-provider-stamp/internal/cloud"
)

// A call is one line at DEBUG, for the eyes and, in fields, for machines.
func TestLogCall(t *testing.T) {
	for name, test := range map[string]struct {
		call   cloud.Call
		text   string
		fields map[string]any
	}{
		"well": {
			cloud.Call{Service: "EC2", Action: "RunInstances", Region: "us-east-1", RequestID: "r-1", Attempt: 1, Took: 12 * time.Millisecond, Status: 200},
			"AWS call EC2 RunInstances in us-east-1: 200 after 12 ms",
			map[string]any{"request_id": "r-1", "attempt": 1.0, "ms": 12.0, "status": 200.0, "code": nil},
		},
		"throttled, again": {
			cloud.Call{Service: "SSM", Action: "SendCommand", Region: "us-east-1", RequestID: "r-2", Attempt: 2, Status: 400, Code: "ThrottlingException"},
			"AWS call SSM SendCommand in us-east-1: 400 ThrottlingException after 0 ms, attempt 2",
			map[string]any{"code": "ThrottlingException", "attempt": 2.0, "error": nil},
		},
		"no answer": {
			cloud.Call{Service: "S3", Action: "PutObject", Region: "us-east-1", Attempt: 1, Took: time.Second, Err: "connection refused"},
			"AWS call S3 PutObject in us-east-1: no answer after 1000 ms",
			map[string]any{"error": "connection refused", "status": nil, "request_id": nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			logCall(tflogtest.RootLogger(t.Context(), &out), test.call)
			lines, err := tflogtest.MultilineJSONDecode(&out)
			if err != nil || len(lines) != 1 {
				t.Fatalf("got %v, %v, want one line", lines, err)
			}
			if lines[0]["@level"] != "debug" || lines[0]["@message"] != test.text {
				t.Errorf("got %v, want %q", lines[0], test.text)
			}
			for field, want := range test.fields {
				if got := lines[0][field]; got != want {
					t.Errorf("%s is %v, want %v", field, got, want)
				}
			}
		})
	}
}

// The output of steps belongs into the log at DEBUG, whichever variable asks for it; the
// nearest to the provider decides.
func TestDebugging(t *testing.T) {
	for name, test := range map[string]struct {
		all, providers, stamp string
		want                  bool
	}{
		"nobody":              {},
		"info":                {all: "INFO"},
		"debug":               {all: "debug", want: true},
		"json":                {all: "JSON", want: true},
		"providers":           {providers: "TRACE", want: true},
		"not the providers'":  {all: "TRACE", providers: "WARN"},
		"this provider alone": {all: "WARN", providers: "WARN", stamp: "DEBUG", want: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TF_LOG", test.all)
			t.Setenv("TF_LOG_PROVIDER", test.providers)
			t.Setenv("TF_LOG_PROVIDER_STAMP", test.stamp)
			if got := debugging(); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestWantsOutput(t *testing.T) {
	for name, test := range map[string]struct {
		attribute types.Bool
		variable  string
		want      bool
		warnings  int
	}{
		"neither":   {types.BoolNull(), "", false, 0},
		"attribute": {types.BoolValue(true), "false", true, 0},
		"not":       {types.BoolValue(false), "true", false, 0},
		"variable":  {types.BoolNull(), "1", true, 0},
		"nonsense":  {types.BoolNull(), "output", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(outputVariable, test.variable)
			var diags diag.Diagnostics
			if got := wantsOutput(test.attribute, &diags); got != test.want || len(diags) != test.warnings || diags.HasError() {
				t.Errorf("got %t and %v", got, diags)
			}
		})
	}
}
