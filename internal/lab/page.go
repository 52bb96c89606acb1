package lab

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"
)

// pageFiles is the page for people: plain HTML, CSS and JavaScript, which asks for
// nothing but its own files and [State].
//
//go:embed page
var pageFiles embed.FS

// pageFile is where the page's other files are served.
const pagePath = "/_lab/page/"

// pagePolicy keeps a browser from loading or running anything else, whatever the names
// and tags that the page shows.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// asksForPage tells a person's browser from a client of AWS's at the endpoint's root:
// a client always has credentials, in a header or in the query, and an action.
func asksForPage(request *http.Request) bool {
	return (request.Method == http.MethodGet || request.Method == http.MethodHead) && request.URL.Path == "/" &&
		request.Header.Get("Authorization") == "" && request.URL.RawQuery == ""
}

// servePage serves the page's files.
func servePage(w http.ResponseWriter, request *http.Request) {
	name := "page/" + strings.TrimPrefix(request.URL.Path, pagePath)
	if request.URL.Path == "/" {
		name = "page/index.html"
	}
	if info, err := fs.Stat(pageFiles, name); err != nil || info.IsDir() {
		http.NotFound(w, request)
		return
	}
	w.Header().Set("Content-Security-Policy", pagePolicy)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, request, pageFiles, name)
}

// showConsole answers what an instance has printed, as plain text.
func (l *Lab) showConsole(w http.ResponseWriter, request *http.Request) {
	l.mu.Lock()
	found, err := l.instance(request.PathValue("id"))
	l.mu.Unlock()
	if err != nil {
		refuseAtDoor(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(found.console.newest()) // the client may have gone
}
