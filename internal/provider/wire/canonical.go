package wire

import (
	"bytes"
	"slices"
	"strings"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

// unknown is an unknown value of which nothing is said. Terraform may say something, like
// that it is not null; the framework asks for no more than that it is unknown.
var unknown = []byte{msgpcode.FixExt1, 0, 0}

// canonical is a message with the keys of its maps in order. The framework compares what
// is folded as strings: equal values must be equal strings, whoever has encoded them.
func canonical(message []byte) ([]byte, error) {
	reader := bytes.NewReader(message)
	w := walker{message: message, reader: reader, decoder: msgpack.NewDecoder(reader)}
	err := w.value()
	return w.written, err
}

// walker copies a message value by value.
type walker struct {
	message []byte
	reader  *bytes.Reader
	decoder *msgpack.Decoder
	written []byte
}

func (w *walker) at() int { return len(w.message) - w.reader.Len() }

// since copies what has been read.
func (w *walker) since(begun int) { w.written = append(w.written, w.message[begun:w.at()]...) }

func (w *walker) value() error {
	code, err := w.decoder.PeekCode()
	if err != nil {
		return err
	}
	begun := w.at()
	switch {
	case code == msgpcode.Map16, code == msgpcode.Map32, msgpcode.IsFixedMap(code):
		count, err := w.decoder.DecodeMapLen()
		if err != nil {
			return err
		}
		w.since(begun)
		return w.entries(count)
	case code == msgpcode.Array16, code == msgpcode.Array32, msgpcode.IsFixedArray(code):
		count, err := w.decoder.DecodeArrayLen()
		if err != nil {
			return err
		}
		w.since(begun)
		for range count {
			if err := w.value(); err != nil {
				return err
			}
		}
		return nil
	}
	if err := w.decoder.Skip(); err != nil {
		return err
	}
	if msgpcode.IsExt(code) { // as an unknown value is written
		w.written = append(w.written, unknown...)
	} else {
		w.since(begun)
	}
	return nil
}

// entry is one of a map, and where its copy is.
type entry struct {
	key        string
	begin, end int
}

func (w *walker) entries(count int) error {
	var all []entry
	first := len(w.written)
	for range count {
		begun, begin := w.at(), len(w.written)
		key, err := w.decoder.DecodeString()
		if err != nil {
			return err
		}
		w.since(begun)
		if err := w.value(); err != nil {
			return err
		}
		all = append(all, entry{key, begin, len(w.written)})
	}
	byKey := func(a, b entry) int { return strings.Compare(a.key, b.key) }
	if slices.IsSortedFunc(all, byKey) {
		return nil
	}
	slices.SortFunc(all, byKey)
	var ordered []byte
	for _, each := range all {
		ordered = append(ordered, w.written[each.begin:each.end]...)
	}
	w.written = append(w.written[:first], ordered...)
	return nil
}
