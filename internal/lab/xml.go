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
	index     int
	name      string
	omitEmpty bool
}

// elements holds the fields of response types, by type.
var elements sync.Map

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
		switch own := value.Interface().(type) {
		case time.Time:
			out.WriteString(own.UTC().Format(timeForm))
			return
		case xmlWriter:
			own.writeXML(out)
			return
		}
		for _, field := range elementsOf(value.Type()) {
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
		out.WriteString(strconv.FormatInt(value.Int(), 10))
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
	out.WriteByte('<')
	out.WriteString(field.name)
	out.WriteByte('>')
	writeList(out, value, item)
	out.WriteString("</")
	out.WriteString(field.name)
	out.WriteByte('>')
}

func elementsOf(of reflect.Type) []element {
	if known, ok := elements.Load(of); ok {
		if fields, ok := known.([]element); ok {
			return fields
		}
	}
	var fields []element
	for i := range of.NumField() {
		name, option, _ := strings.Cut(of.Field(i).Tag.Get("xml"), ",")
		if name != "" {
			fields = append(fields, element{index: i, name: name, omitEmpty: option == "omitempty"})
		}
	}
	elements.Store(of, fields)
	return fields
}
