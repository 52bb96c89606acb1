package pid1

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// The two ends of the cable to the metadata service: the guest's, and the service's. A
// network of four addresses has room for nobody else.
const (
	cable        = "eth0"
	guestAddress = "169.254.169.253"
)

// vethInfoPeer is the attribute that holds the other end (linux/veth.h).
const vethInfoPeer = 1

var cableMask = net.IPv4(255, 255, 255, 252)

// listenApart opens the metadata service's listener in a network of its own, to which a
// cable leads. In the guest's own network it would take port 80 from every server that
// listens at all addresses (tcp(7)). The network lives as long as its listener, the
// cable as long as both networks.
func listenApart() (*os.File, error) {
	type answer struct {
		listener *os.File
		err      error
	}
	answered := make(chan answer, 1)
	go func() {
		// A network is a thread's (setns(2)). A thread that does not find back ends here.
		runtime.LockOSThread()
		listener, back, err := listenBeyond()
		if back {
			runtime.UnlockOSThread()
		}
		answered <- answer{listener, err}
	}()
	got := <-answered
	return got.listener, got.err
}

// listenBeyond does so in the calling thread, and reports whether that is back in its
// own network.
func listenBeyond() (listener *os.File, back bool, err error) {
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, true, err
	}
	defer home.Close()
	inside, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, true, err
	}
	defer unix.Close(inside)
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, true, fmt.Errorf("making a network: %w", err)
	}
	listener, err = listenAtCable(home, inside)
	return listener, unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil, err
}

// listenAtCable lays the cable between this network and the one at home, where inside
// is a socket, and listens at its end here.
func listenAtCable(home *os.File, inside int) (*os.File, error) {
	if err := layCable(int(home.Fd())); err != nil {
		return nil, fmt.Errorf("laying a cable between two networks: %w", err)
	}
	here, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(here)
	for socket, address := range map[int]string{inside: guestAddress, here: metadataAddress} {
		if err := addAddress(socket, cable, address, cableMask); err != nil {
			return nil, err
		}
		if err := bringUp(socket, cable); err != nil {
			return nil, err
		}
	}
	return listenAtMetadata()
}

// layCable makes a pair of devices (veth(4)), one here and one in another network.
func layCable(other int) error {
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	name := attribute(unix.IFLA_IFNAME, append([]byte(cable), 0))
	peer := append(make([]byte, unix.SizeofIfInfomsg), name...)
	peer = append(peer, attribute(unix.IFLA_NET_NS_FD, binary.NativeEndian.AppendUint32(nil, uint32(other)))...)
	kind := attribute(unix.IFLA_INFO_KIND, []byte("veth"))
	kind = append(kind, attribute(unix.IFLA_INFO_DATA, attribute(vethInfoPeer, peer))...)
	body := append(make([]byte, unix.SizeofIfInfomsg), name...)
	body = append(body, attribute(unix.IFLA_LINKINFO, kind)...)

	// The header of a message (netlink(7)): length, type, flags, number and sender.
	message := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	message = binary.NativeEndian.AppendUint16(message, unix.RTM_NEWLINK)
	message = binary.NativeEndian.AppendUint16(message, unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	message = append(append(message, make([]byte, 8)...), body...)
	if err := unix.Sendto(socket, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	return acknowledged(socket)
}

// acknowledged reads the answer to a message: an error number, 0 for none.
func acknowledged(socket int) error {
	answer := make([]byte, unix.Getpagesize())
	length, _, err := unix.Recvfrom(socket, answer, 0)
	if err != nil {
		return err
	}
	if length < unix.SizeofNlMsghdr+4 || binary.NativeEndian.Uint16(answer[4:]) != unix.NLMSG_ERROR {
		return unix.EPROTO
	}
	if number := int32(binary.NativeEndian.Uint32(answer[unix.SizeofNlMsghdr:])); number != 0 {
		return unix.Errno(-number)
	}
	return nil
}

// attribute is a value with its length and type before it, filled up to four bytes
// (rtnetlink(7)).
func attribute(kind uint16, value []byte) []byte {
	made := binary.NativeEndian.AppendUint16(nil, uint16(unix.SizeofRtAttr+len(value)))
	made = binary.NativeEndian.AppendUint16(made, kind)
	made = append(made, value...)
	return append(made, make([]byte, -len(value)&3)...)
}
