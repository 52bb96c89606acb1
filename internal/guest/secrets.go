package guest

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Seal puts the secrets into a command that takes them, readable by the machine alone that
// has told this key (Report.Key). Neither what is sent nor what is kept of it holds them.
func (c Command) Seal(key string, secrets map[string]string) (Command, error) {
	if !c.Secret {
		return c, nil
	}
	der, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return c, fmt.Errorf("the machine's key is not readable: %w", err)
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return c, fmt.Errorf("the machine's key is not readable: %w", err)
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return c, fmt.Errorf("the machine's key is a %T, not an RSA key", parsed)
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		words := []string{"stamp_secret", name}
		// RFC 8017, 7.1.1: what fits into one message.
		for chunk := range slices.Chunk([]byte(secrets[name]), public.Size()-2*sha256.Size-2) {
			sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, chunk, nil)
			if err != nil {
				return c, fmt.Errorf("sealing %s: %w", name, err)
			}
			words = append(words, quote(base64.StdEncoding.EncodeToString(sealed)))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	c.Script = bytes.Replace(c.Script, []byte("\n"+secretsHere+"\n"), []byte("\n"+strings.Join(lines, "\n")+"\n"), 1)
	return c, nil
}

// Mask hides the secrets in a text, line by line, as the guest does.
func Mask(text string, secrets map[string]string) string {
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		for line := range strings.Lines(secrets[name]) {
			if line = strings.TrimRight(line, "\n"); len(line) >= 3 {
				text = strings.ReplaceAll(text, line, "***")
			}
		}
	}
	return text
}
