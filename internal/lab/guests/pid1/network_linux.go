package pid1

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// metadataAddress is where EC2's instance metadata service answers.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
const metadataAddress = "169.254.169.254"

// listenMetadata brings up the loopback device and returns a listener at the metadata
// service's address, for the host to serve. Where the kernel has no cables between
// networks, the address is one of the loopback device's, and port 80 is taken for servers
// that listen at all addresses.
func listenMetadata() (*os.File, error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a socket for the network's set-up: %w", err)
	}
	defer unix.Close(socket)
	if err := bringUp(socket, "lo"); err != nil {
		return nil, err
	}
	if listener, err := listenApart(); err == nil {
		return listener, nil
	}
	if err := addAddress(socket, "lo:0", metadataAddress, net.IPv4bcast); err != nil {
		return nil, err
	}
	return listenAtMetadata()
}

func listenAtMetadata() (*os.File, error) {
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.ParseIP(metadataAddress), Port: 80})
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	return listener.File()
}

// openCloud opens a listener at the address that the cloud has outside and passes it to
// the host, to be served there. An address of another machine's becomes one of the
// guest's own loopback device.
func (g *guest) openCloud() error {
	at := g.config.Cloud
	if !at.IsValid() {
		return nil
	}
	if address := at.Addr(); address.Is4() && !address.IsLoopback() {
		socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("opening a socket for the network's set-up: %w", err)
		}
		defer unix.Close(socket)
		if err := addAddress(socket, "lo:1", address.String(), net.IPv4bcast); err != nil {
			return err
		}
	}
	listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
	if err != nil {
		return fmt.Errorf("listening where the cloud is: %w", err)
	}
	defer listener.Close()
	file, err := listener.File()
	if err != nil {
		return err
	}
	defer file.Close()
	return g.conn.Send(Event{Kind: KindCloud}, file)
}

// bringUp sets a device's "up" flag (netdevice(7)).
func bringUp(socket int, device string) error {
	request, err := unix.NewIfreq(device)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(socket, unix.SIOCGIFFLAGS, request); err != nil {
		return fmt.Errorf("reading the flags of %s: %w", device, err)
	}
	request.SetUint16(request.Uint16() | unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("bringing up %s: %w", device, err)
	}
	return nil
}

// addAddress gives a device, or an alias of one, an address and the network that its mask
// says.
func addAddress(socket int, alias, address string, mask net.IP) error {
	for _, set := range []struct {
		request uint
		address net.IP
	}{
		{unix.SIOCSIFADDR, net.ParseIP(address).To4()},
		{unix.SIOCSIFNETMASK, mask.To4()},
	} {
		request, err := unix.NewIfreq(alias)
		if err != nil {
			return err
		}
		if err := request.SetInet4Addr(set.address); err != nil {
			return err
		}
		if err := unix.IoctlIfreq(socket, set.request, request); err != nil {
			return fmt.Errorf("giving %s the address %s: %w", alias, address, err)
		}
	}
	return nil
}
