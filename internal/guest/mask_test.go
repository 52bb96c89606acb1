package guest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMask(t *testing.T) {
	for name, test := range map[string]struct {
		secrets    map[string]string
		text, want string
	}{
		"none":                            {nil, "a text", "a text"},
		"one that begins with another":    {map[string]string{"A": "hunter2", "B": "hunter2-and-the-rest"}, "B is hunter2-and-the-rest", "B is ***"},
		"two that overlap":                {map[string]string{"A": "abcdef", "B": "defghi"}, "x abcdefghi y", "x *** y"},
		"one that overlaps itself":        {map[string]string{"A": "aba"}, "ababa b", "*** b"},
		"made on Windows":                 {map[string]string{"C": "line1secret\r\nline2secret\r\n"}, "line1secret|line2secret\r\n", "***|***\n"},
		"printed with carriage returns":   {map[string]string{"C": "line1secret\nline2secret"}, "line1secret\r\nline2secret\r", "***\n***"},
		"control characters inside":       {map[string]string{"D": "ctrlsecretvalue"}, "ctrl\x01secret\x1b\u009b\u202evalue", "***"},
		"one that has control characters": {map[string]string{"D": "ctrl\x01secret\u202evalue"}, "ctrl\x01secret\u202evalue and ctrlsecretvalue", "*** and ***"},
		"too short to be one":             {map[string]string{"E": "ab\nc\n"}, "ab c", "ab c"},
		"not ASCII":                       {map[string]string{"F": "geheimnüß"}, "ü geheimnüß ß", "ü *** ß"},
		"one of stars":                    {map[string]string{"G": "****"}, "a ***** b", "a *** b"},
	} {
		if got := Mask(test.text, test.secrets); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// What is left of a text whose beginning is missing shows no end of a secret.
func TestMaskEnd(t *testing.T) {
	secrets := map[string]string{"A": "abcdefghij", "B": "xyz"}
	for text, want := range map[string]string{
		"fghij\nabcdefghij shown":   "*** shown",
		"fghij, and more than that": "d more than that",
		"fghij":                     "",
		"bcdefghijabcdefghij.":      "***.",
		"":                          "",
	} {
		if got := MaskEnd(text, secrets); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	if got := MaskEnd("half a line\na line", nil); got != "a line" {
		t.Errorf("without secrets: %q", got)
	}
}

// Whatever is printed, no line of a secret is left in it.
func TestMask_leavesNoLineOfASecret(t *testing.T) {
	letters := rapid.StringOfN(rapid.SampledFrom([]rune("ab\x01\r\n\u202eü.")), 0, 24, -1)
	rapid.Check(t, func(t *rapid.T) {
		secrets := map[string]string{}
		for _, name := range []string{"A", "B", "C"} {
			secrets[name] = letters.Draw(t, name)
		}
		parts := []string{"", " "}
		for _, secret := range secrets {
			parts = append(parts, secret, strings.ReplaceAll(secret, "\n", "\r\n"), strings.Join(strings.Split(secret, ""), "\x1b"))
		}
		text := strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(parts), letters), 0, 6).Draw(t, "text"), "")
		leavesNothing(t, text, secrets)
	})
}

type fataler interface {
	Context() context.Context
	Fatalf(format string, arguments ...any)
}

func leavesNothing(t fataler, text string, secrets map[string]string) {
	for _, got := range []string{Mask(text, secrets), MaskEnd(text, secrets)} {
		for _, line := range hiddenLines(secrets) {
			// What stands for a secret may be a part of another one.
			if !strings.Contains(line, "*") && strings.Contains(got, line) {
				t.Fatalf("%q is left in %q, made of %q", line, got, text)
			}
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add("B is hunter2-and-the-rest", "hunter2", "hunter2-and-the-rest")
	f.Add("ctrl\x01secret\x9bvalue\r\n", "ctrlsecretvalue", "line1\r\nline2")
	f.Add("aaaaaaaa", "aaa", "aaaa\xff")
	f.Fuzz(func(t *testing.T, text, first, second string) {
		leavesNothing(t, text, map[string]string{"A": first, "B": second})
	})
}

func publicKey(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

// rawKey is a public key of any modulus and exponent, whatever Go thinks of it.
func rawKey(t testing.TB, modulus, exponent *big.Int) string {
	t.Helper()
	inner, err := asn1.Marshal(struct{ N, E *big.Int }{modulus, exponent})
	if err != nil {
		t.Fatal(err)
	}
	type algorithm struct {
		OID  asn1.ObjectIdentifier
		Null asn1.RawValue
	}
	der, err := asn1.Marshal(struct {
		Algorithm algorithm
		Key       asn1.BitString
	}{algorithm{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, asn1.NullRawValue}, asn1.BitString{Bytes: inner, BitLength: 8 * len(inner)}})
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(der)
}

func modulus(bits uint) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return n.Add(n, big.NewInt(12345))
}

// sealing is a command that takes secrets.
var sealing = Command{Secret: true, Script: []byte("\n" + secretsHere + "\n")}

// The source image makes the key: one that is no good is an error of ours and no panic.
func TestSeal_takesOnlyAKeyThatSeals(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	usual := big.NewInt(usualExponent)
	for name, test := range map[string]struct{ key, says string }{
		"no base64":       {"*", "not readable"},
		"nothing":         {"", "not readable"},
		"no key":          {"AAAA", "not readable"},
		"another kind":    {publicKey(t, &curve.PublicKey), "not an RSA key"},
		"512 bits":        {rawKey(t, modulus(512), usual), "512 bits"},
		"528 bits":        {rawKey(t, modulus(528), usual), "528 bits"},
		"1024 bits":       {rawKey(t, modulus(1024), usual), "1024 bits"},
		"2047 bits":       {rawKey(t, modulus(2047), usual), "2047 bits"},
		"16384 bits":      {rawKey(t, modulus(16384), usual), "16384 bits"},
		"exponent 3":      {rawKey(t, modulus(3072), big.NewInt(3)), "exponent 3"},
		"exponent 1":      {rawKey(t, modulus(3072), big.NewInt(1)), ""},
		"an even modulus": {rawKey(t, new(big.Int).Add(modulus(3072), big.NewInt(1)), usual), ""},
	} {
		got, err := sealing.Seal(test.key, map[string]string{"TOKEN": "hunter2"})
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want something of %q", name, err, test.says)
		}
		if string(got.Script) != string(sealing.Script) {
			t.Errorf("%s: something was sealed", name)
		}
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := sealing.Seal(publicKey(t, &key.PublicKey), map[string]string{"TOKEN": strings.Repeat("hunter2", 100)})
	if err != nil || !strings.Contains(string(sealed.Script), "stamp_secret TOKEN '") {
		t.Errorf("2048 bits: %v\n%s", err, sealed.Script)
	}
}

func FuzzSeal(f *testing.F) {
	usual := big.NewInt(usualExponent)
	for _, bits := range []uint{8, 512, 528, 1024, 2048, 3072} {
		f.Add(rawKey(f, modulus(bits), usual), "hunter2")
	}
	f.Add(rawKey(f, new(big.Int).Lsh(big.NewInt(1), 3071), usual), "")
	f.Fuzz(func(t *testing.T, key, secret string) {
		sealed, err := sealing.Seal(key, map[string]string{"TOKEN": secret})
		if err == nil && len(secret) > 8 && strings.Contains(string(sealed.Script), secret) {
			t.Errorf("the secret is not sealed: %s", sealed.Script)
		}
	})
}
