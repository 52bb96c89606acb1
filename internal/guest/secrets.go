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
	public, err := sealingKey(key)
	if err != nil {
		return c, err
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

// Limits of the key that a machine tells. The guest makes one of 3,072 bits; a source image
// may come with an openssl that does otherwise, and what is sealed is kept for thirty days.
// The upper limit keeps a key that somebody has made up from taking minutes.
const (
	minKeyBits = 2048
	maxKeyBits = 8192
	// usualExponent is the only one that is taken: RFC 8017 allows others, some of them
	// unsafe, and openssl makes none.
	usualExponent = 65537
)

// sealingKey reads the key that a machine has told, and takes only one that seals.
func sealingKey(key string) (*rsa.PublicKey, error) {
	der, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return nil, fmt.Errorf("the machine's key is not readable: %w", err)
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("the machine's key is not readable: %w", err)
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the machine's key is a %T, not an RSA key", parsed)
	}
	if bits := public.N.BitLen(); bits < minKeyBits || bits > maxKeyBits || public.E != usualExponent {
		return nil, fmt.Errorf("the machine's key is an RSA key of %d bits with the exponent %d, and nothing was sent to it: secrets are sealed "+
			"for keys of %d to %d bits with the exponent %d. Its openssl was asked for 3072 bits: look at openssl and its configuration in the source image",
			bits, public.E, minKeyBits, maxKeyBits, usualExponent)
	}
	return public, nil
}
