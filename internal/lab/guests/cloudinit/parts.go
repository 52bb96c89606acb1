package cloudinit

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"path"
	"strings"
)

// Type is what a part of user data is for.
type Type int

// The types of parts that are understood.
const (
	// TypeUnknown is what nobody here understands.
	TypeUnknown Type = iota
	// TypeScript runs once per instance.
	TypeScript
	// TypeBootHook runs first, on every boot.
	TypeBootHook
	// TypeConfig is cloud-config.
	TypeConfig
)

// Part is one piece of user data.
type Part struct {
	Type Type
	// MediaType is what the part says of itself, or what its first line told.
	MediaType string
	// Name is its file name: its own, or part-001 and so on.
	Name string
	Body []byte
}

// maxUnpacked bounds what compressed user data may become, in bytes.
const maxUnpacked = 64 << 20

// plain is what user data is called that is no MIME message.
const plain = "text/x-not-multipart"

// firstLines tells parts that do not say what they are by how they begin.
// https://docs.cloud-init.io/en/latest/explanation/format.html
var firstLines = []struct{ prefix, mediaType string }{
	{"#!", "text/x-shellscript"},
	{"#cloud-boothook", "text/cloud-boothook"},
	{"#cloud-config-archive", "text/cloud-config-archive"},
	{"#cloud-config", "text/cloud-config"},
	{"#include", "text/x-include-url"},
	{"#part-handler", "text/part-handler"},
	{"## template: jinja", "text/jinja2"},
}

// Parse takes user data apart, unpacking what is compressed. Parts that could be
// read are returned with an error too.
func Parse(userData []byte) ([]Part, error) {
	raw, err := unpack(userData)
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil
	}
	p := &parser{}
	if isMIME(raw) {
		err = p.message(raw)
	} else {
		err = p.add(plain, "", raw)
	}
	return p.parts, err
}

// isMIME tells a MIME message as cloud-init does: by how it begins.
func isMIME(raw []byte) bool {
	head := strings.ToLower(string(raw[:min(len(raw), 4096)]))
	return strings.HasPrefix(head, "mime-version:") || strings.HasPrefix(head, "content-type:")
}

// parser numbers parts across nested messages.
type parser struct {
	parts []Part
	count int
}

// message reads a MIME message.
func (p *parser) message(raw []byte) error {
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("reading the MIME message: %w", err)
	}
	body, err := io.ReadAll(message.Body)
	if err != nil {
		return fmt.Errorf("reading the MIME message: %w", err)
	}
	return p.entity(message.Header.Get, body)
}

// entity reads a message or a part of one: its own parts, or its content.
func (p *parser) entity(header func(string) string, body []byte) error {
	mediaType, params, err := mime.ParseMediaType(header("Content-Type"))
	if err != nil {
		mediaType, params = "text/plain", nil
	}
	if strings.HasPrefix(mediaType, "multipart/") {
		return p.multi(body, params["boundary"])
	}
	decoded, err := decode(header("Content-Transfer-Encoding"), body)
	if err != nil {
		return err
	}
	if decoded, err = unpack(decoded); err != nil {
		return err
	}
	name := params["name"]
	if _, disposition, err := mime.ParseMediaType(header("Content-Disposition")); err == nil && disposition["filename"] != "" {
		name = disposition["filename"]
	}
	return p.add(mediaType, name, decoded)
}

func (p *parser) multi(body []byte, boundary string) error {
	if boundary == "" {
		return errors.New("a multipart message has no boundary")
	}
	var failed error
	for reader := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return failed
		}
		if err != nil {
			return errors.Join(failed, fmt.Errorf("reading a part: %w", err))
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return errors.Join(failed, fmt.Errorf("reading a part: %w", err))
		}
		failed = errors.Join(failed, p.entity(part.Header.Get, content))
	}
}

// add files one part under its type. A part that calls itself plain text is told by
// its first line, as cloud-init does.
func (p *parser) add(mediaType, name string, body []byte) error {
	p.count++
	switch mediaType {
	case "text/plain", "application/octet-stream", "application/gzip", "application/x-gzip", plain:
		for _, known := range firstLines {
			if bytes.HasPrefix(body, []byte(known.prefix)) {
				mediaType = known.mediaType
				break
			}
		}
	}
	if isMIME(body) && (mediaType == plain || mediaType == "message/rfc822") {
		return p.message(body)
	}
	part := Part{MediaType: mediaType, Name: path.Base(name), Body: body}
	if part.Name == "." || part.Name == ".." || part.Name == "/" {
		part.Name = fmt.Sprintf("part-%03d", p.count)
	}
	switch mediaType {
	case "text/x-shellscript":
		part.Type, part.Body = TypeScript, unixLines(body)
	case "text/cloud-boothook":
		part.Type = TypeBootHook
		// The first line only marks the part; what follows has its own #! line.
		if rest, ok := bytes.CutPrefix(unixLines(body), []byte("#cloud-boothook")); ok {
			part.Body = bytes.TrimPrefix(rest, []byte("\n"))
		} else {
			part.Body = unixLines(body)
		}
	case "text/cloud-config":
		part.Type, part.Body = TypeConfig, unixLines(body)
	}
	p.parts = append(p.parts, part)
	return nil
}

// unixLines is cloud-init's dos2unix: where the first line ends in CRLF, all do, and are
// made to end in LF; elsewhere every byte stays.
// https://github.com/canonical/cloud-init/blob/main/cloudinit/util.py
func unixLines(text []byte) []byte {
	first, _, found := bytes.Cut(text, []byte("\n"))
	if !found || !bytes.HasSuffix(first, []byte("\r")) {
		return text
	}
	return bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
}

// decode undoes a part's transfer encoding (RFC 2045, section 6).
func decode(encoding string, body []byte) ([]byte, error) {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(body)), ""))
		if err != nil {
			return nil, fmt.Errorf("decoding a part: %w", err)
		}
		return decoded, nil
	case "quoted-printable":
		decoded, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(body)))
		if err != nil {
			return nil, fmt.Errorf("decoding a part: %w", err)
		}
		return decoded, nil
	case "", "7bit", "8bit", "binary":
		return body, nil
	default:
		return nil, fmt.Errorf("decoding a part: unknown transfer encoding %q", encoding)
	}
}

// unpack decompresses gzip; anything else it returns as it is.
func unpack(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		return data, nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpacking gzip: %w", err)
	}
	unpacked, err := io.ReadAll(io.LimitReader(reader, maxUnpacked))
	if err != nil {
		return nil, fmt.Errorf("unpacking gzip: %w", err)
	}
	return unpacked, nil
}
