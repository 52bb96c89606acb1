//go:build !linux

package guests

import (
	"context"
	"fmt"
	"runtime"
)

// NewReal explains that real guests need Linux.
func NewReal(_ context.Context, dir string) (Host, error) {
	return nil, fmt.Errorf("real guests need Linux's namespaces; this is %s", runtime.GOOS)
}
