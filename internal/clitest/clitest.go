package clitest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// module is ours; the provider is its root.
const module = "github.com/stamp-pattern/terraform-provider-stamp"

// builtIn is where built has put the program; empty before that.
var builtIn string

// built is the directory of the provider's program, built once for all tests.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "p")
	if err != nil {
		return "", err
	}
	builtIn = dir
	program := filepath.Join(dir, "terraform-provider-stamp")
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	output, err := exec.CommandContext(context.Background(), "go", "build", "-o", program, module).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the provider: %w\n%s", err, output)
	}
	return dir, nil
})

// Program is the path of the CLI that is to be tested. The test is skipped unless one is
// named; make testacc always names one.
func Program(t testing.TB) string {
	t.Helper()
	program := os.Getenv("TF_ACC_TERRAFORM_PATH")
	if program == "" {
		t.Skip("an acceptance test: make testacc runs it, or TF_ACC_TERRAFORM_PATH=$(which terraform)")
	}
	return program
}

// Environ is an environment in which the CLI finds the provider, which is built for that,
// and nothing that leads to a real account; with further variables.
func Environ(t testing.TB, further ...string) []string {
	t.Helper()
	provider, err := built()
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "cli.tfrc")
	override := fmt.Sprintf("provider_installation {\n  dev_overrides { \"stamp-pattern/stamp\" = %q }\n  direct {}\n}\n", provider)
	if err := os.WriteFile(config, []byte(override), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{
		"TF_CLI_CONFIG_FILE=" + config, "CHECKPOINT_DISABLE=1", "TF_IN_AUTOMATION=1", "TF_INPUT=0", "AWS_EC2_METADATA_DISABLED=true",
		"XDG_CACHE_HOME=" + t.TempDir(),
	}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AWS_") && !strings.HasPrefix(variable, "TF_") && !strings.HasPrefix(variable, "STAMP_") {
			environ = append(environ, variable)
		}
	}
	return append(environ, further...)
}

// Cleanup removes what was built, when all tests have ended.
func Cleanup() {
	if builtIn != "" {
		_ = os.RemoveAll(builtIn)
	}
}
