package guests

import "context"

// Auto returns real guests with their disks in dir where the machine can have them,
// and otherwise None with the reason.
func Auto(ctx context.Context, dir string) Host {
	host, err := NewReal(ctx, dir)
	if err != nil {
		return None(err.Error())
	}
	return host
}
