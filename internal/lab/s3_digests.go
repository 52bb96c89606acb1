package lab

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"net/http"
	"strings"
)

// crc64NVME is the header of the checksum that S3 makes when the client makes none.
const crc64NVME = "X-Amz-Checksum-Crc64nvme"

// checksums are the algorithms by which clients vouch for a body, by header.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
var checksums = map[string]func() hash.Hash{
	"X-Amz-Checksum-Crc32":  func() hash.Hash { return crc32.NewIEEE() },
	"X-Amz-Checksum-Crc32c": func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"X-Amz-Checksum-Sha1":   sha1.New,
	"X-Amz-Checksum-Sha256": sha256.New,
	// The polynomial of the NVM Express specification, bits reversed.
	crc64NVME: func() hash.Hash { return crc64.New(crc64.MakeTable(0x9a6c9329ac4bc9b5)) },
}

func digest(algorithm func() hash.Hash, content []byte) string {
	sum := algorithm()
	_, _ = sum.Write(content) // a hash takes every write
	return base64.StdEncoding.EncodeToString(sum.Sum(nil))
}

// checkDigests holds the body against all that the request says of it.
func (q *s3Request) checkDigests() *apiError {
	sum := sha256.Sum256(q.content)
	if want := q.header.Get("X-Amz-Content-Sha256"); len(want) == hex.EncodedLen(len(sum)) && want != hex.EncodeToString(sum[:]) {
		return s3Fail(http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	if want := q.header.Get("Content-Md5"); want != "" {
		raw, err := base64.StdEncoding.DecodeString(want)
		if err != nil || len(raw) != md5.Size {
			return s3Fail(http.StatusBadRequest, "InvalidDigest", "The Content-MD5 you specified was invalid.")
		}
		if digest(md5.New, q.content) != want {
			return s3Fail(http.StatusBadRequest, "BadDigest", "The Content-MD5 you specified did not match what we received.")
		}
	}
	name, want := q.checksum()
	if name == "" || q.method == http.MethodGet || q.method == http.MethodHead {
		return nil
	}
	if digest(checksums[name], q.content) != want {
		algorithm := strings.ToUpper(strings.TrimPrefix(name, "X-Amz-Checksum-"))
		return s3Fail(http.StatusBadRequest, "BadDigest", "The "+algorithm+" you specified did not match the calculated checksum.")
	}
	return nil
}

// checksum is the one that came with the request, if any.
func (q *s3Request) checksum() (name, value string) {
	for name := range checksums {
		if value := q.header.Get(name); value != "" {
			return name, value
		}
	}
	return "", ""
}
