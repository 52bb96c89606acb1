package guest

// A run speaks in lines of this form, one marker a line, on the console or as what a
// command prints:
//
//	stamp-<nonce> begin
//	stamp-<nonce> start step install
//	stamp-<nonce> pass step install
//	stamp-<nonce> fail check exit=3 how=exit attempts=5 health
//	stamp-<nonce> out 1 the first of the last 50 lines of its output
//	stamp-<nonce> note waiting for the package manager
//	stamp-<nonce> identity machine-id 0123456789abcdef
//	stamp-<nonce> done 3
//	stamp-<nonce> key MIIB…
//	stamp-<nonce> end ok
//
// The writer is stamp_say in shell/base.sh, the reader ParseConsole. Names come last,
// since they may hold spaces; lines of output are numbered, since a console may show
// a line twice. An item fails by "exit", its code; it is "late"; the machine has gone
// through a "reboot"; it has switched it "off"; the "disk" is full; or it was "cut" off.
const (
	markerStart    = "start"
	markerPass     = "pass"
	markerFail     = "fail"
	markerOut      = "out"
	markerIdentity = "identity"
	markerDone     = "done"
	markerKey      = "key"
	markerEnd      = "end"
)

// markerPrefix begins every line of a run.
func markerPrefix(nonce string) string { return "stamp-" + nonce + " " }
