package pid1

import "net/netip"

// Env marks a process that was started to be a guest's first process.
const Env = "STAMP_LAB_GUEST"

// Config is the first message to a guest: what to boot.
type Config struct {
	// Root is the directory on which the guest's root is mounted, relative to the
	// process's working directory, as are all directories of Trees.
	Root string
	// Trees are the guest's overlays; the root itself comes first.
	Trees []Tree
	// OneID says that only one user id is mapped into the guest.
	OneID bool
	// Workplace, if not empty, is a directory of the host's that the first of the mounts
	// hides that are passed with this message, and then the working directory.
	Workplace string
	// Programs are directories, relative as Root is, on which the others are put, in order.
	Programs []string
	// Limits are what the guest may use.
	Limits Limits
	// InstanceID, Hostname, UserData and PublicKey are what the boot works with.
	InstanceID string
	Hostname   string
	UserData   []byte
	PublicKey  string
	// Cloud is where the guest reaches the cloud outside; invalid without a way there.
	Cloud netip.AddrPort
}

// Limits keep a guest from taking the whole host: generous for what is rehearsed, and
// small for the machine.
type Limits struct {
	// Processes is how many tasks (threads too) a guest may have.
	Processes uint64
	// OpenFiles is how many files each process may have open.
	OpenFiles uint64
	// FileSize bounds each file, in bytes.
	FileSize uint64
	// Memory bounds each of the guest's file systems in memory, in bytes.
	Memory uint64
}

// Tree is one overlay of a guest's file system.
type Tree struct {
	// Name is where it is mounted below the root: "" or "usr".
	Name string
	// Lower are the directories below, the topmost first.
	Lower []string
	// Upper receives the guest's changes; Work is the kernel's own, beside it.
	Upper, Work string
}

// Operations of a Request.
const (
	OpRun    = "run"
	OpCancel = "cancel"
	OpStop   = "stop"
	// OpPause halts all processes until OpResume; a result says when they are.
	OpPause  = "pause"
	OpResume = "resume"
)

// Request asks a running guest for something.
type Request struct {
	// ID names a run; its cancel carries the same one.
	ID int64
	Op string
	// Script is what an OpRun runs.
	Script string `json:",omitempty"`
	// Apart asks for both streams of the output apart, and for the place and environment
	// below.
	Apart       bool     `json:",omitempty"`
	Directory   string   `json:",omitempty"`
	Environment []string `json:",omitempty"`
}

// Kinds of an Event.
const (
	// KindConsole carries bytes of the serial console.
	KindConsole = "console"
	// KindListener says that the file systems stand and that the file descriptor
	// sent with this event listens at the metadata service's address.
	KindListener = "listener"
	// KindCloud says that the file descriptor sent with this event listens at Config.Cloud.
	KindCloud = "cloud"
	// KindResult answers an OpRun or an OpPause.
	KindResult = "result"
)

// Event is what a guest tells its host.
type Event struct {
	Kind string
	// Data is what was printed: on the console, or by a run.
	Data []byte `json:",omitempty"`
	// Errors is what a run printed on its second stream, if that was asked for apart.
	Errors []byte `json:",omitempty"`
	// ID is the request that a result belongs to.
	ID int64 `json:",omitempty"`
	// ExitCode is a run's; 128 plus the signal's number for one that was killed.
	ExitCode int `json:",omitempty"`
	// Error says why a run could not start.
	Error string `json:",omitempty"`
}
