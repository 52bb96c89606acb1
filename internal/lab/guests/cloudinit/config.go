package cloudinit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// cloudConfig is what is understood of cloud-config.
// https://docs.cloud-init.io/en/latest/reference/modules.html
type cloudConfig struct {
	preserveHostname bool
	hostname         string
	// manageEtcHosts rewrites /etc/hosts on every boot.
	manageEtcHosts bool
	// bootcmd runs on every boot, runcmd once per instance; each is a shell script.
	bootcmd, runcmd string
	writeFiles      []writeFile
}

// writeFile is one entry of write_files.
type writeFile struct {
	path, content, owner string
	mode                 fs.FileMode
	appended             bool
}

// readConfig merges the machine's own configuration and that of the user data, the
// later before the earlier, key by key.
func (b *boot) readConfig(parts []Part) {
	paths, _ := filepath.Glob(b.path("etc/cloud/cloud.cfg.d/*.cfg"))
	sort.Strings(paths)
	for _, path := range append([]string{b.path("etc/cloud/cloud.cfg")}, paths...) {
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		b.must(err, path)
		b.mergeConfig(filepath.Base(path), string(content))
	}
	for _, part := range parts {
		if part.Type == TypeConfig {
			b.mergeConfig(part.Name, string(part.Body))
		}
	}
}

// mergeConfig takes in one document. Errors and keys that are not understood go to
// the console, for a rehearsal must not pass over in silence what a server would do.
func (b *boot) mergeConfig(name, text string) {
	parsed, err := parseYAML(text)
	if err != nil {
		b.warn("cloud-config %s: %v", name, err)
		return
	}
	document, ok := parsed.(map[string]any)
	if !ok {
		b.warn("cloud-config %s: not a mapping", name)
		return
	}
	keys := make([]string, 0, len(document))
	for key := range document {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		understood, err := b.config.set(key, document[key])
		if err != nil {
			b.warn("cloud-config %s: %s: %v", name, key, err)
		} else if !understood {
			b.warn("cloud-config %s: the lab does not understand %q and ignores it", name, key)
		}
	}
}

// set takes in one key and reports whether it is understood.
func (c *cloudConfig) set(key string, value any) (bool, error) {
	var err error
	switch key {
	case "preserve_hostname":
		text, _ := value.(string)
		c.preserveHostname, err = strconv.ParseBool(strings.ToLower(text))
	case "manage_etc_hosts":
		text, _ := value.(string)
		if text = strings.ToLower(text); text == "localhost" || text == "template" {
			text = "true"
		}
		c.manageEtcHosts, err = strconv.ParseBool(text)
	case "hostname", "fqdn":
		text, ok := value.(string)
		if !ok {
			return true, errors.New("not a name")
		}
		if key == "hostname" || c.hostname == "" {
			c.hostname = text
		}
	case "runcmd":
		c.runcmd, err = shellScript(value)
	case "bootcmd":
		c.bootcmd, err = shellScript(value)
	case "write_files":
		c.writeFiles, err = parseWriteFiles(value)
	default:
		return false, nil
	}
	return true, err
}

// shellScript turns a list of commands into a script: a text is a line of shell, a
// list is a command and its arguments.
func shellScript(value any) (string, error) {
	commands, ok := value.([]any)
	if !ok {
		return "", errors.New("not a list of commands")
	}
	var script strings.Builder
	script.WriteString("#!/bin/sh\n")
	for _, command := range commands {
		switch command := command.(type) {
		case string:
			script.WriteString(command + "\n")
		case []any:
			words := make([]string, len(command))
			for i, word := range command {
				text, ok := word.(string)
				if !ok {
					return "", fmt.Errorf("argument %d of a command is not a text", i)
				}
				words[i] = "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
			}
			script.WriteString(strings.Join(words, " ") + "\n")
		default:
			return "", fmt.Errorf("a command is neither a text nor a list but a %T", command)
		}
	}
	return script.String(), nil
}

func parseWriteFiles(value any) ([]writeFile, error) {
	entries, ok := value.([]any)
	if !ok {
		return nil, errors.New("not a list")
	}
	var files []writeFile
	for i, entry := range entries {
		fields, ok := entry.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("entry %d is not a mapping", i)
		}
		file, err := parseWriteFile(fields)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		files = append(files, file)
	}
	return files, nil
}

func parseWriteFile(fields map[string]any) (writeFile, error) {
	file := writeFile{mode: 0o644}
	encoding := ""
	for key, value := range fields {
		text, ok := value.(string)
		if !ok {
			return file, fmt.Errorf("%s is not a text", key)
		}
		switch key {
		case "path":
			file.path = text
		case "content":
			file.content = text
		case "owner":
			file.owner = text
		case "encoding":
			encoding = text
		case "append":
			file.appended = text == "true"
		case "permissions":
			mode, err := strconv.ParseUint(strings.TrimPrefix(text, "0o"), 8, 12)
			if err != nil {
				return file, fmt.Errorf("permissions: %w", err)
			}
			file.mode = fileMode(uint32(mode))
		default:
			return file, fmt.Errorf("%s is not understood", key)
		}
	}
	if !filepath.IsAbs(file.path) {
		return file, fmt.Errorf("path %q is not absolute", file.path)
	}
	content, err := decodeContent(encoding, file.content)
	file.content = content
	return file, err
}

// decodeContent undoes the encodings that write_files knows.
func decodeContent(encoding, content string) (string, error) {
	switch strings.ToLower(encoding) {
	case "", "text/plain":
		return content, nil
	case "b64", "base64", "gz+b64", "gz+base64", "gzip+b64", "gzip+base64":
		decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(content), ""))
		if err != nil {
			return "", err
		}
		decoded, err = unpack(decoded)
		return string(decoded), err
	default:
		return "", fmt.Errorf("encoding %q is not understood", encoding)
	}
}

// fileMode turns Unix permission bits into Go's.
func fileMode(bits uint32) fs.FileMode {
	mode := fs.FileMode(bits & 0o777)
	for bit, flag := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if bits&bit != 0 {
			mode |= flag
		}
	}
	return mode
}
