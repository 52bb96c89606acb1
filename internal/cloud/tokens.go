package cloud

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// tokenPrefix makes our tokens recognizable in CloudTrail.
const tokenPrefix = "stamp-"

// Token derives a client token from what is being done, so that doing the same again
// is the same request: to a retry, to a second apply, after a crash. Different parts
// give different tokens, also when they read the same one after the other. It has 62
// ASCII characters; EC2 takes 64.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
func Token(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		hash.Write(length[:])
		hash.Write([]byte(part))
	}
	// 28 of the 32 bytes: more than enough to be unique, and what fits.
	return tokenPrefix + hex.EncodeToString(hash.Sum(nil)[:28])
}
