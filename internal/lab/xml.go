package lab

import (
	"bytes"
	"encoding/xml"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
)

// timeForm is how EC2 writes times.
const timeForm = "2006-01-02T15:04:05.000Z"

// element is one field of a response struct, read from its xml tag: "name", or
// "name,omitempty" for what AWS leaves out when there is none.
type element struct {
	index int
	// opening and closing are its tags.
	opening, closing string
	omitEmpty        bool
}

// layout is how a response type is written: by its fields, or in a way of its own.
type layout struct {
	own    bool
	fields []element
}

// layouts holds those of response types, by type: to take a value out of reflection
// copies it, which for a thousand instances would be felt.
var layouts sync.Map

// xmlWriter is a value that writes its own content.
type xmlWriter interface{ writeXML(out *bytes.Buffer) }

// writeXML writes a value's content as EC2 does, with an <item> for each entry of a
// list. It is used in place of encoding/xml because EC2's lists are always there,
// empty ones too (<tagSet/>), and because a thousand instances must take milliseconds.
func writeXML(out *bytes.Buffer, value reflect.Value) { writeList(out, value, "item") }

// writeList writes a value's content, with an element of that name for each entry of
// a list: EC2 has "item", the other query services have "member".
func writeList(out *bytes.Buffer, value reflect.Value, item string) {
	switch value.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !value.IsNil() {
			writeList(out, value.Elem(), item)
		}
	case reflect.Struct:
		known := layoutOf(value.Type())
		if known.own {
			writeOwn(out, value)
			return
		}
		for _, field := range known.fields {
			writeElement(out, field, value.Field(field.index), item)
		}
	case reflect.Slice:
		for i := range value.Len() {
			out.WriteString("<" + item + ">")
			writeList(out, value.Index(i), item)
			out.WriteString("</" + item + ">")
		}
	case reflect.Bool:
		out.WriteString(strconv.FormatBool(value.Bool()))
	case reflect.Float64:
		out.WriteString(strconv.FormatFloat(value.Float(), 'f', -1, 64))
	case reflect.String:
		writeText(out, value.String())
	default:
		out.Write(strconv.AppendInt(out.AvailableBuffer(), value.Int(), 10))
	}
}

// writeText escapes what needs it. Most texts need nothing, and there are many.
func writeText(out *bytes.Buffer, text string) {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '<' || c == '>' || c == '&' || c == '"' || c == '\'' {
			_ = xml.EscapeText(out, []byte(text)) // a buffer takes every write
			return
		}
	}
	out.WriteString(text)
}

func writeElement(out *bytes.Buffer, field element, value reflect.Value, item string) {
	empty := value.IsZero() || value.Kind() == reflect.Slice && value.Len() == 0
	if empty && (field.omitEmpty || value.Kind() == reflect.Pointer) {
		return
	}
	out.WriteString(field.opening)
	writeList(out, value, item)
	out.WriteString(field.closing)
}

// writeOwn writes a value that is not a list of elements.
func writeOwn(out *bytes.Buffer, value reflect.Value) {
	switch own := value.Interface().(type) {
	case time.Time:
		out.Write(own.UTC().AppendFormat(out.AvailableBuffer(), timeForm))
	case xmlWriter:
		own.writeXML(out)
	}
}

func layoutOf(of reflect.Type) *layout {
	if known, ok := layouts.Load(of); ok {
		if known, ok := known.(*layout); ok {
			return known
		}
	}
	made := &layout{own: of == reflect.TypeFor[time.Time]() || of.Implements(reflect.TypeFor[xmlWriter]())}
	for i := range of.NumField() {
		name, option, _ := strings.Cut(of.Field(i).Tag.Get("xml"), ",")
		if name != "" {
			made.fields = append(made.fields, element{
				index: i, opening: "<" + name + ">", closing: "</" + name + ">", omitEmpty: option == "omitempty",
			})
		}
	}
	layouts.Store(of, made)
	return made
}
