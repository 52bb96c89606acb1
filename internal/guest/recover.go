package guest

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Told is what user data with a preamble tells the servers of a batch.
type Told struct {
	// User is the user's own part, as far as it can be told from what was made of it.
	User []byte
	// Environments are those of the slots that have one.
	Environments map[int]map[string]string
}

// ReadPreamble reads back what Preamble.UserData has written; ok is false for other user data.
func ReadPreamble(userData []byte) (told Told, ok bool) {
	parts, err := readArchive(unzip(userData))
	if err != nil || len(parts) == 0 || parts[0].contentType != "text/cloud-boothook" || !bytes.Contains(parts[0].content, []byte(writtenHere)) {
		return told, false
	}
	told.Environments = readEnvironments(string(parts[0].content))
	rest := parts[1:]
	if last := len(rest) - 1; last >= 0 && string(rest[last].content) == hostnameConfig {
		rest = rest[:last]
	}
	if len(rest) == 0 {
		return told, true
	}
	told.User = rest[0].content
	if rest[0].contentType == "text/x-shellscript" {
		told.User = readScript(rest[0].content)
	}
	return told, true
}

// writtenHere is a line of all scripts that are written here.
const writtenHere = "# Written by terraform-provider-stamp"

// Configured are the texts that a configuration may have for user data that servers were
// launched with: as it is, as it was before it was compressed, and in base64.
func Configured(userData []byte) []string {
	if len(userData) == 0 {
		return []string{""}
	}
	var texts []string
	for _, content := range [][]byte{userData, unzip(userData)} {
		if utf8.Valid(content) {
			texts = append(texts, string(content))
		}
	}
	return append(texts, base64.StdEncoding.EncodeToString(userData))
}

// unzip undoes gzip; what is not compressed, or too large, stays as it is.
func unzip(content []byte) []byte {
	reader, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return content
	}
	unpacked, err := io.ReadAll(io.LimitReader(reader, maxUnpacked))
	if err != nil || len(unpacked) == maxUnpacked {
		return content
	}
	return unpacked
}

func readArchive(content []byte) ([]part, error) {
	message, err := mail.ReadMessage(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	_, parameters, err := mime.ParseMediaType(message.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	reader := multipart.NewReader(message.Body, parameters["boundary"])
	var parts []part
	for {
		each, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts, nil
		}
		if err != nil {
			return nil, err
		}
		var from io.Reader = each
		if each.Header.Get("Content-Transfer-Encoding") == "base64" {
			from = base64.NewDecoder(base64.StdEncoding, each)
		}
		read, err := io.ReadAll(from)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{each.Header.Get("Content-Type"), read})
	}
}

// readScript takes the user's script out of what userScript has made of it. What was made
// otherwise stays as it is.
func readScript(content []byte) []byte {
	_, quoted, found := strings.Cut(string(content), "\nprintf '%s' ")
	user, rest, ok := unquote(quoted)
	if !found || !ok {
		return content
	}
	script := []byte(user)
	if strings.HasPrefix(rest, " | base64 -d") {
		decoded, err := base64.StdEncoding.DecodeString(user)
		if err != nil {
			return content
		}
		script = decoded
	}
	if !bytes.Equal(userScript(script, ""), content) {
		return content
	}
	return script
}

// readEnvironments reads the cases of a boot hook.
func readEnvironments(hook string) map[int]map[string]string {
	environments := map[int]map[string]string{}
	_, rest, _ := strings.Cut(hook, "\nstamp_environment() {\ncase $1 in\n")
	for {
		number, after, found := strings.Cut(rest, `) printf '%s\n' `)
		slot, err := strconv.Atoi(number)
		if !found || err != nil {
			return environments
		}
		lines, after, ok := unquote(after)
		if !ok {
			return environments
		}
		environments[slot] = readAssignments(lines)
		rest = strings.TrimPrefix(after, " ;;\n")
	}
}

// readAssignments reads what assignments has written.
func readAssignments(lines string) map[string]string {
	environment := map[string]string{}
	for lines != "" {
		name, rest, _ := strings.Cut(lines, "=")
		if !strings.HasPrefix(rest, `"`) {
			environment[name], lines, _ = strings.Cut(rest, "\n")
			continue
		}
		var value strings.Builder
		at := 1
		for ; at < len(rest) && rest[at] != '"'; at++ {
			if rest[at] == '\\' && at+1 < len(rest) {
				at++
			}
			value.WriteByte(rest[at])
		}
		environment[name] = value.String()
		lines = strings.TrimPrefix(rest[min(at+1, len(rest)):], "\n")
	}
	return environment
}

// unquote reads a word that quote has written, at the beginning of a text.
func unquote(text string) (word, rest string, ok bool) {
	rest, ok = strings.CutPrefix(text, "'")
	for ok {
		var before string
		before, rest, ok = strings.Cut(rest, "'")
		word += before
		after, more := strings.CutPrefix(rest, `\''`)
		if !more {
			return word, rest, ok
		}
		word, rest = word+"'", after
	}
	return word, rest, ok
}
