package guest

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the shell part
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/textproto"
	"slices"
	"strings"
)

//go:embed preamble.sh
var preambleShell string

// metadataService is where the instance metadata service answers.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
const metadataService = "http://169.254.169.254"

// InUserData is what an *InputError calls the user's own part.
const InUserData = "the user data"

// hostnameConfig keeps cloud-init from setting another host name, and from rewriting
// /etc/hosts, which some images want of it. It comes last: a later part's keys go before
// those of an earlier one.
// https://docs.cloud-init.io/en/latest/reference/merging.html
const hostnameConfig = "#cloud-config\npreserve_hostname: true\nmanage_etc_hosts: false\n"

// UserData puts the user's own after a part that tells the server its slot. The
// parts are a boot hook, which runs before everything else and writes
// /etc/stamp/slot.env and the host name, the user's data, and cloud-config that keeps
// cloud-init from setting another host name. A script sees the slot's variables in its
// environment, other formats go in as they are. Errors are *InputError and
// *TooLargeError.
func (p Preamble) UserData(user []byte) ([]byte, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	user = unpackUser(Unwrap(user))
	format, _ := FormatOf(user)
	for _, other := range []struct {
		format UserFormat
		name   string
	}{{UserIgnition, "Ignition"}, {UserWindows, "Windows"}} {
		if format == other.format {
			return nil, &InputError{InUserData, "it is for " + other.name + ", and slots take cloud-init, to tell a server which it is"}
		}
	}
	parts := []part{{"text/cloud-boothook", p.bootHook("", metadataService)}}
	if len(user) > 0 {
		parts = append(parts, userPart(user))
	}
	if p.Hostname != "" {
		parts = append(parts, part{"text/cloud-config", []byte(hostnameConfig)})
	}
	return Encode(archive(parts))
}

func (p Preamble) validate() error {
	if p.Hostname != "" {
		if err := ValidHostnamePattern(p.Hostname); err != nil {
			return &InputError{"the hostname", err.Error()}
		}
	}
	for slot, environment := range p.Environments {
		if err := validateEnvironment(fmt.Sprintf("slot %d", slot), environment); err != nil {
			return err
		}
	}
	return nil
}

// bootHook is the script that finds the slot.
func (p Preamble) bootHook(root, imds string) []byte {
	var b bytes.Buffer
	ranges := strings.ReplaceAll(FormatSlots(p.Slots), ",", " ")
	fmt.Fprintf(&b, "#!/bin/sh\n# Written by terraform-provider-stamp.\nstamp_root=%s\nstamp_imds=%s\n", quote(root), quote(imds))
	fmt.Fprintf(&b, "stamp_fleet=%s\nstamp_size=%d\nstamp_slots=%s\nstamp_pattern=%s\n", quote(envQuote(p.Fleet)), p.Size, quote(ranges), quote(p.Hostname))
	b.WriteString(preambleShell)
	b.WriteString("\nstamp_environment() {\ncase $1 in\n")
	for _, slot := range p.Slots {
		if environment := p.Environments[slot]; len(environment) > 0 {
			fmt.Fprintf(&b, "%d) printf '%%s\\n' %s ;;\n", slot, quote(assignments(environment)))
		}
	}
	b.WriteString("esac\n}\n\nstamp_main; exit\n")
	return b.Bytes()
}

// assignments are shell assignments, one a line, the last without its line break.
func assignments(environment map[string]string) string {
	var lines []string
	for _, variable := range slices.Sorted(maps.Keys(environment)) {
		lines = append(lines, variable+"="+envQuote(environment[variable]))
	}
	return strings.Join(lines, "\n")
}

// part is one part of a MIME archive.
type part struct {
	contentType string
	content     []byte
}

// userPart is the user's own part. Formats but scripts are left for cloud-init to
// recognise, as it does without an archive.
// https://cloudinit.readthedocs.io/en/latest/explanation/format.html
func userPart(user []byte) part {
	switch {
	case bytes.HasPrefix(user, []byte("#!")):
		return part{"text/x-shellscript", userScript([]byte(unixLines(string(user))), "")}
	case bytes.HasPrefix(user, []byte{0x1f, 0x8b}):
		return part{"application/gzip", user}
	}
	if nested, ok := nestedArchive(user); ok {
		return nested
	}
	return part{"text/plain", user}
}

// userScript runs the user's exact script with the slot's variables exported.
func userScript(user []byte, root string) []byte {
	encoding, content := word(user)
	decode := ""
	if encoding == "base64" {
		decode = " | base64 -d"
	}
	return fmt.Appendf(nil, `#!/bin/sh
# Written by terraform-provider-stamp: the fleet's user data, with its slot's variables.
stamp_root=%s
if [ ! -r "$stamp_root/etc/stamp/slot.env" ]; then
	echo 'stamp: the slot is unknown, so the user data is not run' >&2
	exit 1
fi
set -a
. "$stamp_root/etc/stamp/slot.env"
set +a
stamp_script=$stamp_root/var/lib/stamp/user-data
mkdir -p "${stamp_script%%/*}" && chmod 0700 "${stamp_script%%/*}"
printf '%%s' %s%s >"$stamp_script" && chmod 0700 "$stamp_script" || exit 1
unset stamp_root
exec "$stamp_script"
`, quote(root), content, decode)
}

// nestedArchive takes a MIME message apart into its type and its body. cloud-init knows one
// by its first line, in lower case.
func nestedArchive(user []byte) (part, bool) {
	head := strings.ToLower(string(user[:min(len(user), 32)]))
	if !strings.HasPrefix(head, "content-type:") && !strings.HasPrefix(head, "mime-version:") {
		return part{}, false
	}
	message, err := mail.ReadMessage(bytes.NewReader(user))
	if err != nil {
		return part{}, false
	}
	contentType := message.Header.Get("Content-Type")
	if kind, _, err := mime.ParseMediaType(contentType); err != nil || !strings.HasPrefix(kind, "multipart/") {
		return part{}, false
	}
	body, err := io.ReadAll(message.Body)
	return part{contentType, body}, err == nil
}

// archive writes the parts. The boundary is derived from them, so the same parts make
// the same archive, and no part can hold it.
func archive(parts []part) []byte {
	hash := sha256.New()
	for _, each := range parts {
		fmt.Fprintf(hash, "%d:%s%d:", len(each.contentType), each.contentType, len(each.content))
		hash.Write(each.content)
	}
	boundary := "stamp-" + hex.EncodeToString(hash.Sum(nil))[:32]
	var b bytes.Buffer
	fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=\"%s\"\r\nMIME-Version: 1.0\r\n\r\n", boundary)
	writer := multipart.NewWriter(&b)
	// Errors are impossible here: the boundary is short and plain, and a buffer takes
	// everything.
	_ = writer.SetBoundary(boundary)
	for _, each := range parts {
		encoding, content := transfer(each)
		header := textproto.MIMEHeader{"Content-Type": {each.contentType}, "Content-Transfer-Encoding": {encoding}, "Mime-Version": {"1.0"}}
		to, _ := writer.CreatePart(header)
		_, _ = to.Write(content)
	}
	_ = writer.Close()
	return b.Bytes()
}

// transfer encodes what is not plain ASCII text. A multipart may not be encoded
// (RFC 2045, 6.4).
func transfer(each part) (encoding string, content []byte) {
	plain := !bytes.ContainsFunc(each.content, func(r rune) bool { return r >= 0x7f || r == 0 })
	switch {
	case plain:
		return "7bit", each.content
	case strings.HasPrefix(each.contentType, "multipart/"):
		return "8bit", each.content
	default:
		return "base64", []byte(base64.StdEncoding.EncodeToString(each.content))
	}
}
