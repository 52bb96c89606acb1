package lab

import (
	"bytes"
	"net/http"
	"strconv"
)

// written is an answer that is held back.
type written struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *written) Header() http.Header { return w.header }

func (w *written) WriteHeader(status int) { w.status = status }

func (w *written) Write(part []byte) (int, error) { return w.body.Write(part) }

// tear sends the first half of an answer and cuts the connection.
func tear(w http.ResponseWriter, answer func(http.ResponseWriter)) {
	whole := &written{header: w.Header(), status: http.StatusOK}
	answer(whole)
	w.Header().Set("Content-Length", strconv.Itoa(whole.body.Len()))
	w.WriteHeader(whole.status)
	_, _ = w.Write(whole.body.Bytes()[:whole.body.Len()/2]) // the client may have gone
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
