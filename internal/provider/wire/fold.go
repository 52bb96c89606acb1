package wire

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// Path is where a folded value is: the names of attributes, from the outermost on.
type Path []string

// text is how a value's bytes are written into a string: state files hold only Unicode.
var text = base64.RawStdEncoding

// fold makes a string of each value at a path. What is null, or wholly unknown, stays so.
// https://github.com/hashicorp/terraform/blob/main/docs/plugin-protocol/object-wire-format.md
func fold(message []byte, paths []Path) ([]byte, error) {
	return edit(message, paths, func(value []byte, code byte) ([]byte, error) {
		if code == msgpcode.Nil || msgpcode.IsExt(code) { // an extension is an unknown value
			return value, nil
		}
		ordered, err := canonical(value)
		if err != nil {
			return nil, err
		}
		return msgpack.Marshal(text.EncodeToString(ordered))
	})
}

// unfold is the way back from fold.
func unfold(message []byte, paths []Path) ([]byte, error) {
	return edit(message, paths, func(value []byte, code byte) ([]byte, error) {
		if code == msgpcode.Nil || msgpcode.IsExt(code) {
			return value, nil
		}
		var folded string
		if err := msgpack.Unmarshal(value, &folded); err != nil {
			return nil, err
		}
		return text.DecodeString(folded)
	})
}

// edit copies a message and puts what change makes of them in the place of the values at
// the paths. The values of all other attributes are copied unread.
func edit(message []byte, paths []Path, change func(value []byte, code byte) ([]byte, error)) ([]byte, error) {
	reader := bytes.NewReader(message)
	decoder := msgpack.NewDecoder(reader)
	at := func() int { return len(message) - reader.Len() }
	code, err := decoder.PeekCode()
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(paths, func(path Path) bool { return len(path) == 0 }) {
		return change(message, code)
	}
	if code == msgpcode.Nil || msgpcode.IsExt(code) {
		return message, nil // an object that is not there has no attributes
	}
	count, err := decoder.DecodeMapLen()
	if err != nil {
		return nil, err
	}
	edited := slices.Grow([]byte(nil), len(message))
	edited = append(edited, message[:at()]...)
	for range count {
		begun := at()
		name, err := decoder.DecodeString()
		if err != nil {
			return nil, err
		}
		edited = append(edited, message[begun:at()]...)
		begun = at()
		if err := decoder.Skip(); err != nil {
			return nil, err
		}
		value := message[begun:at()]
		if inside := below(paths, name); len(inside) > 0 {
			if value, err = edit(value, inside, change); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
		edited = append(edited, value...)
	}
	return edited, nil
}

// below are the paths that lead through an attribute, from there on.
func below(paths []Path, name string) []Path {
	var inside []Path
	for _, path := range paths {
		if path[0] == name {
			inside = append(inside, path[1:])
		}
	}
	return inside
}
