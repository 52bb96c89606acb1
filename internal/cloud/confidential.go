package cloud

import (
	"errors"
	"fmt"
	"net"
	"net/url"
)

// Confidential says why Systems Manager's answers cannot be trusted with secrets, if they
// cannot. The builder tells the key that secrets are sealed with through one of them, so
// whoever can answer in AWS's place chooses the key, and reads the secrets.
func (r *Region) Confidential() error {
	if r.insecure {
		return errors.New("the provider has insecure = true, so anybody on the way could answer in the place of Systems Manager, hand over a key of his own and read the secrets: " +
			"leave insecure out (custom_ca_bundle takes the certificate of a proxy)")
	}
	if r.ssm.endpoint == "" {
		return nil
	}
	endpoint, err := url.Parse(r.ssm.endpoint)
	if err != nil {
		return fmt.Errorf("the endpoint of Systems Manager cannot be read: %w", err)
	}
	if endpoint.Scheme == "https" || loopback(endpoint.Hostname()) {
		return nil
	}
	return fmt.Errorf("the endpoint of Systems Manager is %s, without TLS and not on this machine: "+
		"anybody on the way could hand over a key of his own and read the secrets. Use https", endpoint.Redacted())
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}
