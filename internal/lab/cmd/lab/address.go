package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// checkAddress refuses an address that other machines reach, unless that was asked for:
// a lab asks nobody for a password, and runs as root inside its guests what it is sent.
// It returns the name in the address, if there is one, by which clients may call the lab.
func checkAddress(ctx context.Context, address string, remote bool) (names []string, err error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		names = []string{host}
	}
	if remote {
		return names, nil
	}
	local, err := isLoopback(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("listening: %w", err)
	}
	if !local {
		return nil, fmt.Errorf("listening at %q was refused: other machines reach that address, and whoever reaches the lab is root in its guests, "+
			"without a password. Use -listen 127.0.0.1:%s, or add -allow-remote if everybody in that network may have this", address, port)
	}
	return names, nil
}

// isLoopback reports whether a host is nothing but this machine's loopback device. No
// host at all is every address of the machine.
func isLoopback(ctx context.Context, host string) (bool, error) {
	if host == "" {
		return false, nil
	}
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return false, err
	}
	for _, address := range addresses {
		if !address.Unmap().IsLoopback() {
			return false, nil
		}
	}
	return len(addresses) > 0, nil
}

// reachable is the address at which this machine's own clients find a listener: one that
// listens everywhere has none of its own.
func reachable(at net.Addr) string {
	if tcp, ok := at.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), tcp.AddrPort().Port()).String()
	}
	return at.String()
}
