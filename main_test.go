package main

import (
	"os"
	"testing"
)

// The framework is quiet, unless somebody asks for its log or for that of all libraries.
func TestQuietFramework(t *testing.T) {
	for name, test := range map[string]struct{ framework, all, want string }{
		"by default":              {"", "", "OFF"},
		"asked for":               {"TRACE", "", "TRACE"},
		"all libraries asked for": {"", "DEBUG", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TF_LOG_SDK_FRAMEWORK", test.framework)
			t.Setenv("TF_LOG_SDK", test.all)
			if quietFramework(); os.Getenv("TF_LOG_SDK_FRAMEWORK") != test.want {
				t.Errorf("got %q, want %q", os.Getenv("TF_LOG_SDK_FRAMEWORK"), test.want)
			}
		})
	}
}
