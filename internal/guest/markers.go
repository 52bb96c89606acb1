package guest

// A run speaks on the console in lines of this form, one marker a line:
//
//	stamp-<nonce> begin
//	stamp-<nonce> start step install
//	stamp-<nonce> pass step install
//	stamp-<nonce> fail check exit=3 late=no attempts=5 health
//	stamp-<nonce> out 1 the first of the last 50 lines of its output
//	stamp-<nonce> note waiting for the package manager
//	stamp-<nonce> end ok
//
// The writer is stamp_say in runtime.sh, the reader ParseConsole. Names come last,
// since they may hold spaces; lines of output are numbered, since a console may show
// a line twice.
const (
	markerBegin = "begin"
	markerStart = "start"
	markerPass  = "pass"
	markerFail  = "fail"
	markerOut   = "out"
	markerEnd   = "end"
)

// markerPrefix begins every line of a run.
func markerPrefix(nonce string) string { return "stamp-" + nonce + " " }
