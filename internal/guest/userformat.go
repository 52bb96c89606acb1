package guest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"io"
	"slices"
	"strings"
)

// UserFormat is who reads a user data.
type UserFormat int

// Formats of user data.
const (
	// UserOther is what nobody here knows: it may be an appliance's.
	UserOther UserFormat = iota
	// UserCloudInit is a script, cloud-config or a MIME message.
	UserCloudInit
	// UserCompressed is gzip, which cloud-init unpacks.
	UserCompressed
	// UserWindows is a script between tags, or EC2Launch's tasks.
	UserWindows
	// UserIgnition is the JSON of Flatcar and Fedora CoreOS.
	UserIgnition
)

// beginnings tell formats apart. cloud-init looks at them in lower case; its own are
// those of INCLUSION_TYPES_MAP in cloudinit/handlers/__init__.py, and of a MIME message.
// https://docs.cloud-init.io/en/latest/explanation/format.html
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html
// https://bottlerocket.dev/en/os/latest/#/api/settings/
var beginnings = []struct {
	format UserFormat
	with   []string
}{
	{UserCloudInit, []string{"#!", "#cloud-", "#include", "#part-handler", "## template:", "content-type:", "mime-version:"}},
	{UserWindows, []string{"<powershell>", "<script>", "version: 1."}},
	{UserOther, []string{"[settings"}},
}

// FormatOf tells who reads a user data, and whether it is known at all.
func FormatOf(user []byte) (format UserFormat, known bool) {
	if bytes.HasPrefix(user, []byte{0x1f, 0x8b}) {
		return UserCompressed, true
	}
	text := bytes.TrimSpace(bytes.TrimPrefix(user, []byte(byteOrderMark)))
	head := strings.ToLower(string(text[:min(len(text), 64)]))
	for _, each := range beginnings {
		if slices.ContainsFunc(each.with, func(prefix string) bool { return strings.HasPrefix(head, prefix) }) {
			return each.format, true
		}
	}
	var document struct {
		Ignition json.RawMessage `json:"ignition"`
	}
	if strings.HasPrefix(head, "{") && json.Unmarshal(text, &document) == nil && document.Ignition != nil {
		return UserIgnition, true
	}
	return UserOther, false
}

// byteOrderMark is what some editors begin a file of UTF-8 with.
const byteOrderMark = "\ufeff"

// Unwrap returns user data as a server should find it: decoded, where it is the base64 of
// a known format, as aws_launch_template demands it and base64gzip and cloudinit_config
// give it; and beginning with what cloud-init knows it by. It counts a blank line before
// "#!" as nothing, but the kernel runs no such script, and a byte order mark it does not
// know.
func Unwrap(user []byte) []byte {
	if decoded, ok := decodeUser(user); ok {
		user = decoded
	}
	if format, known := FormatOf(user); known && format == UserCloudInit {
		return bytes.TrimLeft(bytes.TrimPrefix(user, []byte(byteOrderMark)), " \t\r\n")
	}
	return user
}

func decodeUser(user []byte) ([]byte, bool) {
	text := strings.Join(strings.Fields(string(user)), "")
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(decoded) == 0 {
		return nil, false
	}
	_, known := FormatOf(decoded)
	return decoded, known
}

// maxUnpacked bounds what compressed user data may become.
const maxUnpacked = 16 << 20

// unpackUser undoes gzip, and what is inside of it. What cannot be unpacked is left to
// cloud-init.
func unpackUser(user []byte) []byte {
	if !bytes.HasPrefix(user, []byte{0x1f, 0x8b}) {
		return user
	}
	reader, err := gzip.NewReader(bytes.NewReader(user))
	if err != nil {
		return user
	}
	unpacked, err := io.ReadAll(io.LimitReader(reader, maxUnpacked))
	if err != nil || len(unpacked) == maxUnpacked {
		return user
	}
	return Unwrap(unpacked)
}

// unixLines makes line breaks those of Unix where the first one is not: as cloud-init does
// (dos2unix in cloudinit/util.py), and for the same reason: no kernel finds "/bin/sh\r". A
// script of Unix that holds other line breaks further down stays as it is.
func unixLines(script string) string {
	if first, _, found := strings.Cut(script, "\n"); found && strings.HasSuffix(first, "\r") {
		return strings.ReplaceAll(script, "\r\n", "\n")
	}
	return script
}

// UserData is what servers without slots are launched with: the user's own, unwrapped, and
// compressed where it must be and cloud-init reads it. The error is a *TooLargeError.
func UserData(user []byte) ([]byte, error) {
	user = Unwrap(user)
	format, _ := FormatOf(user)
	if len(user) <= UserDataLimit {
		return user, nil
	}
	why := "only cloud-init is known to read it compressed, and this is no format of cloud-init's"
	switch format {
	case UserCloudInit:
		return Encode(user)
	case UserCompressed:
		why = "it is compressed already"
	case UserWindows:
		why = "Windows reads no compressed user data"
	case UserIgnition:
		why = "Ignition reads no compressed user data"
	case UserOther:
	}
	return nil, &TooLargeError{Size: int64(len(user)), Why: why}
}
