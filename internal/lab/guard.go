package lab

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// A lab gives root's shell in its guests to everybody who reaches it, and a browser
// reaches it for every page that is open in it. Two checks keep such pages out. Both are
// made for every method, because AWS's query protocol changes things by GET as well.
//
// The name in the request must be the lab's. A page whose own name has been pointed at
// this machine's address (DNS rebinding) is of the same origin for its browser, but it
// cannot change the name that the browser sends.
//
// And the browser must not say that the request comes from elsewhere.
// https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site

// ownSuffixes end the names that nobody can point elsewhere: RFC 6761 keeps localhost
// for this machine and invalid for nobody. Labs in tests are called lab.invalid.
var ownSuffixes = []string{"localhost", "lab.invalid"}

// storageHost is S3's own names, which only AWS's name servers answer for: they come
// here where somebody has sent them here. A bucket's name may lead them.
var storageHost = regexp.MustCompile(`^(?:.+\.)?s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com$`)

// foreign says why a request is not for this lab or not by its own page; "" if it is.
func (l *Lab) foreign(request *http.Request) string {
	if !l.isOwnHost(request) {
		return fmt.Sprintf("the request is for the host %q, and this lab answers only for the address it listens on, for localhost, "+
			"127.0.0.1, [::1] and the name that -listen gave it. Use one of these in the endpoint's URL", request.Host)
	}
	if asksForPage(request) && request.Header.Get("Sec-Fetch-Mode") == "navigate" {
		return "" // somebody follows a link to the page, which does nothing by itself
	}
	if site := request.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return fmt.Sprintf("a browser sent the request for a page of another site (Sec-Fetch-Site: %s)", site)
	}
	for _, origin := range request.Header.Values("Origin") {
		if at, err := url.Parse(origin); err != nil || at.Scheme != "http" || !strings.EqualFold(at.Host, request.Host) {
			return fmt.Sprintf("a browser sent the request for a page of another site (Origin: %s)", origin)
		}
	}
	return ""
}

// isOwnHost reports whether a request names this lab.
func (l *Lab) isOwnHost(request *http.Request) bool {
	name := strings.ToLower(hostOnly(request.Host))
	if address, err := netip.ParseAddr(name); err == nil {
		address = address.Unmap()
		if address.IsLoopback() {
			return true
		}
		local, ok := request.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		return ok && local.AddrPort().Addr().Unmap().WithZone("") == address.WithZone("")
	}
	name = strings.TrimSuffix(name, ".")
	if slices.Contains(l.hosts, name) || storageHost.MatchString(name) {
		return true
	}
	return slices.ContainsFunc(ownSuffixes, func(own string) bool {
		return name == own || strings.HasSuffix(name, "."+own)
	})
}

// hostOnly removes the port, and an IPv6 address's brackets.
func hostOnly(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

// turnAway refuses a foreign request.
func turnAway(w http.ResponseWriter, reason string) {
	http.Error(w, "lab: nothing was done: "+reason+".", http.StatusForbidden)
}
