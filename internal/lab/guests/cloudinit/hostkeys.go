package cloudinit

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
)

// hostKey is one SSH host key as its two files hold it.
type hostKey struct{ kind, private, public string }

// newHostKeys makes the keys that Amazon Linux 2023 makes: Ed25519 and ECDSA. They
// are written here, since not every host that lends its programs has ssh-keygen.
func newHostKeys(comment string) ([]hostKey, error) {
	edwards, err := newEd25519Key(comment)
	if err != nil {
		return nil, err
	}
	nist, err := newECDSAKey(comment)
	if err != nil {
		return nil, err
	}
	return []hostKey{nist, edwards}, nil
}

func newEd25519Key(comment string) (hostKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return hostKey{}, err
	}
	const kind = "ssh-ed25519"
	blob := sshStrings(kind, string(public))

	// The format is OpenSSH's PROTOCOL.key; without a passphrase the two equal check
	// numbers and the padding 1, 2, 3 … to the block size of 8 are formality.
	secret := binary.BigEndian.AppendUint32(nil, 0x5a5a5a5a)
	secret = binary.BigEndian.AppendUint32(secret, 0x5a5a5a5a)
	secret = append(secret, sshStrings(kind, string(public), string(private), comment)...)
	for pad := byte(1); len(secret)%8 != 0; pad++ {
		secret = append(secret, pad)
	}
	body := append([]byte("openssh-key-v1\x00"), sshStrings("none", "none", "")...)
	body = binary.BigEndian.AppendUint32(body, 1)
	body = append(body, sshStrings(string(blob), string(secret))...)
	return hostKey{
		kind:    "ed25519",
		private: string(pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: body})),
		public:  publicLine(kind, blob, comment),
	}, nil
}

func newECDSAKey(comment string) (hostKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return hostKey{}, err
	}
	private, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return hostKey{}, err
	}
	point, err := key.PublicKey.Bytes()
	if err != nil {
		return hostKey{}, err
	}
	const kind = "ecdsa-sha2-nistp256"
	blob := sshStrings(kind, "nistp256", string(point))
	return hostKey{
		kind:    "ecdsa",
		private: string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: private})),
		public:  publicLine(kind, blob, comment),
	}, nil
}

func publicLine(kind string, blob []byte, comment string) string {
	return kind + " " + base64.StdEncoding.EncodeToString(blob) + " " + comment + "\n"
}

// sshStrings writes strings with their lengths before them (RFC 4251, section 5).
func sshStrings(values ...string) []byte {
	var out []byte
	for _, value := range values {
		out = binary.BigEndian.AppendUint32(out, uint32(len(value)))
		out = append(out, value...)
	}
	return out
}
