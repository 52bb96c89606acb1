package cloudinit

import (
	"encoding/json"
	"fmt"
	"strings"
)

// parseYAML reads the YAML that cloud-config is written in: block and flow
// collections, plain and quoted scalars, literal and folded text. Scalars come back
// as strings. Anchors, tags and documents of several parts are errors, not guesses.
func parseYAML(text string) (any, error) {
	p := &yamlParser{lines: strings.Split(text, "\n")}
	p.skip()
	if p.done() {
		return map[string]any{}, nil
	}
	value, err := p.block(p.indent())
	if err != nil {
		return nil, err
	}
	if p.skip(); !p.done() {
		return nil, p.errorf("unexpected indentation")
	}
	return value, nil
}

type yamlParser struct {
	lines []string
	at    int
}

func (p *yamlParser) done() bool { return p.at >= len(p.lines) }

func (p *yamlParser) errorf(format string, args ...any) error {
	return fmt.Errorf("yaml line %d: %s", min(p.at+1, len(p.lines)), fmt.Sprintf(format, args...))
}

// skip passes over what has no content.
func (p *yamlParser) skip() {
	for !p.done() {
		line := strings.TrimSpace(p.lines[p.at])
		if line != "" && !strings.HasPrefix(line, "#") && (line != "---" || p.at != 0) {
			return
		}
		p.at++
	}
}

// indent is how far the present line is indented.
func (p *yamlParser) indent() int {
	line := p.lines[p.at]
	return len(line) - len(strings.TrimLeft(line, " "))
}

func (p *yamlParser) text() string { return strings.TrimSpace(p.lines[p.at]) }

// block reads the collection or scalar that begins at the present line.
func (p *yamlParser) block(indent int) (any, error) {
	text := p.text()
	if isItem(text) {
		return p.sequence(indent)
	}
	if _, _, ok := splitKey(text); ok {
		return p.mapping(indent)
	}
	p.at++
	return p.scalar(text, indent-1)
}

func isItem(text string) bool { return text == "-" || strings.HasPrefix(text, "- ") }

func (p *yamlParser) sequence(indent int) (any, error) {
	items := []any{}
	for p.skip(); !p.done() && p.indent() == indent && isItem(p.text()); p.skip() {
		line := p.lines[p.at]
		rest := strings.TrimLeft(line[indent+1:], " \t")
		if rest == "" || strings.HasPrefix(rest, "#") {
			p.at++
			item, err := p.nested(indent, false)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
			continue
		}
		_, _, isMapping := splitKey(rest)
		if isMapping || isItem(rest) {
			// The item's own collection begins on the line of its dash.
			inner := len(line) - len(rest)
			p.lines[p.at] = strings.Repeat(" ", inner) + rest
			item, err := p.block(inner)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
			continue
		}
		p.at++
		item, err := p.scalar(strings.TrimSpace(rest), indent)
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
	return items, nil
}

func (p *yamlParser) mapping(indent int) (any, error) {
	values := map[string]any{}
	for p.skip(); !p.done() && p.indent() == indent; p.skip() {
		if p.lines[p.at][indent] == '\t' {
			return nil, p.errorf("a tab cannot indent")
		}
		key, rest, ok := splitKey(p.text())
		if !ok {
			return nil, p.errorf("%q is not a key and its value", p.text())
		}
		p.at++
		var err error
		if rest == "" {
			values[key], err = p.nested(indent, true)
		} else {
			values[key], err = p.scalar(rest, indent)
		}
		if err != nil {
			return nil, err
		}
	}
	return values, nil
}

// nested reads what is indented below a key or a dash; a sequence below a key may be
// indented as the key is. Nothing at all is null, which is "" here.
func (p *yamlParser) nested(indent int, key bool) (any, error) {
	p.skip()
	if p.done() {
		return "", nil
	}
	inner := p.indent()
	if inner > indent || key && inner == indent && isItem(p.text()) {
		return p.block(inner)
	}
	return "", nil
}

// scalar reads a value that begins with text; more of it may follow on lines
// indented deeper than its parent.
func (p *yamlParser) scalar(text string, parent int) (any, error) {
	switch text[0] {
	case '|', '>':
		return p.blockScalar(text, parent)
	case '&', '*', '!', '%', '@', '`':
		p.at--
		return nil, p.errorf("%q is not understood", text)
	case '"', '\'', '[', '{':
		flow := flowParser{text: text}
		value, err := flow.value("")
		if err == nil {
			err = flow.end()
		}
		if err != nil {
			p.at--
			return nil, p.errorf("%v", err)
		}
		return value, nil
	}
	words := []string{withoutComment(text)}
	for p.skip(); !p.done() && p.indent() > parent; p.skip() {
		words = append(words, withoutComment(p.text()))
		p.at++
	}
	return strings.Join(words, " "), nil
}

// blockScalar reads literal (|) or folded (>) text.
func (p *yamlParser) blockScalar(header string, parent int) (any, error) {
	var lines []string
	indent := -1
	for ; !p.done(); p.at++ {
		line := p.lines[p.at]
		if strings.TrimSpace(line) == "" {
			lines = append(lines, line[min(max(indent, 0), len(line)):])
			continue
		}
		if indent < 0 {
			if indent = p.indent(); indent <= parent {
				break
			}
		}
		if p.indent() < indent {
			break
		}
		lines = append(lines, line[indent:])
	}
	body := strings.Join(lines, "\n")
	if header[0] == '>' {
		body = strings.Join(strings.Fields(strings.ReplaceAll(body, "\n", " ")), " ")
	}
	body = strings.TrimRight(body, "\n ")
	if body == "" || strings.Contains(header, "-") {
		return body, nil
	}
	return body + "\n", nil
}

// splitKey splits "key: value".
func splitKey(text string) (key, rest string, ok bool) {
	if text == "" || strings.ContainsRune("[{|>", rune(text[0])) {
		return "", "", false
	}
	if quote := text[0]; quote == '"' || quote == '\'' {
		end := strings.IndexByte(text[1:], quote)
		if end < 0 || !strings.HasPrefix(text[end+2:], ":") {
			return "", "", false
		}
		return text[1 : end+1], value(text[end+3:]), true
	}
	if key, ok := strings.CutSuffix(text, ":"); ok && !strings.Contains(key, ": ") {
		return key, "", true
	}
	key, rest, ok = strings.Cut(text, ": ")
	if !ok || strings.Contains(key, " #") {
		return "", "", false
	}
	return strings.TrimSpace(key), value(rest), true
}

// value is what follows a key's colon; a comment alone is no value.
func value(rest string) string {
	rest = strings.TrimSpace(rest)
	if strings.HasPrefix(rest, "#") {
		return ""
	}
	return rest
}

func withoutComment(text string) string {
	if before, _, ok := strings.Cut(text, " #"); ok {
		return strings.TrimSpace(before)
	}
	return text
}

// flowParser reads quoted scalars and flow collections on one line.
type flowParser struct {
	text string
	at   int
}

func (f *flowParser) space() {
	for f.at < len(f.text) && f.text[f.at] == ' ' {
		f.at++
	}
}

// end checks that nothing but a comment follows.
func (f *flowParser) end() error {
	f.space()
	if rest := f.text[f.at:]; rest != "" && rest[0] != '#' {
		return fmt.Errorf("%q follows a finished value", rest)
	}
	return nil
}

// value reads a value; a plain one ends before any of the stop characters.
func (f *flowParser) value(stop string) (any, error) {
	f.space()
	if f.at >= len(f.text) {
		return nil, fmt.Errorf("a value that goes on on the next line is not understood")
	}
	switch f.text[f.at] {
	case '"', '\'':
		return f.quoted()
	case '[':
		return f.list()
	case '{':
		return f.table()
	}
	end := strings.IndexAny(f.text[f.at:], stop)
	if end < 0 {
		return nil, fmt.Errorf("%q has no end", f.text)
	}
	plain := strings.TrimSpace(f.text[f.at : f.at+end])
	f.at += end
	return plain, nil
}

func (f *flowParser) quoted() (string, error) {
	start, quote := f.at, f.text[f.at]
	for f.at++; f.at < len(f.text); f.at++ {
		switch {
		case quote == '"' && f.text[f.at] == '\\':
			f.at++
		case quote == '\'' && strings.HasPrefix(f.text[f.at:], "''"):
			f.at++
		case f.text[f.at] == quote:
			f.at++
			raw := f.text[start:f.at]
			if quote == '\'' {
				return strings.ReplaceAll(raw[1:len(raw)-1], "''", "'"), nil
			}
			// YAML's double-quoted scalars are JSON's strings, with rare additions.
			var text string
			if err := json.Unmarshal([]byte(raw), &text); err != nil {
				return "", fmt.Errorf("%s is not understood: %w", raw, err)
			}
			return text, nil
		}
	}
	return "", fmt.Errorf("%s has no closing quote", f.text[start:])
}

func (f *flowParser) list() (any, error) {
	items := []any{}
	for f.at++; ; {
		if f.space(); f.closes(']') {
			return items, nil
		}
		item, err := f.value(",]")
		if err != nil {
			return nil, err
		}
		items = append(items, item)
		f.comma()
	}
}

func (f *flowParser) table() (any, error) {
	values := map[string]any{}
	for f.at++; ; {
		if f.space(); f.closes('}') {
			return values, nil
		}
		key, err := f.value(":")
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if f.space(); !ok || !f.closes(':') {
			return nil, fmt.Errorf("%q has a key without a value", f.text)
		}
		if values[name], err = f.value(",}"); err != nil {
			return nil, err
		}
		f.comma()
	}
}

// closes passes over a character if it is next.
func (f *flowParser) closes(char byte) bool {
	if f.at < len(f.text) && f.text[f.at] == char {
		f.at++
		return true
	}
	return false
}

func (f *flowParser) comma() {
	f.space()
	f.closes(',')
}
