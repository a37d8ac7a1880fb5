package serve

import (
	"context"
	"crypto/rand"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
)

// Request is what is known about a request beside what package http says. Handlers may fill in more
// while they handle it.
type Request struct {
	ID      string
	Address string // of the client
	HTTPS   bool   // between the browser and the front door
	Client  string // for logs and limits: the account, or the address of who has none
	Route   string // pattern such as "GET /things/{id}"; empty: none
}

type requestKey struct{}

// RequestOf is the request that a context belongs to, or an empty one.
func RequestOf(ctx context.Context) *Request {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok {
		return r
	}
	return &Request{}
}

var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// newRequest takes the id from the client if it gives a fit one, so that its logs and ours can be joined.
func newRequest(r *http.Request, address string) *Request {
	id := r.Header.Get("X-Request-Id")
	if !requestID.MatchString(id) {
		id = strings.ToLower(rand.Text())
	}
	return &Request{ID: id, Address: address, Client: "address:" + address,
		HTTPS: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"}
}

// PeerAddress is the address of whoever opened the connection.
func PeerAddress(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return network(host)
}

// ForwardedAddress is the address that the proxy in front of us saw: the last entry of
// X-Forwarded-For. Those before it are claims of the client.
func ForwardedAddress(r *http.Request) string {
	forwarded := r.Header.Values("X-Forwarded-For")
	if len(forwarded) == 0 {
		return PeerAddress(r)
	}
	last := forwarded[len(forwarded)-1]
	last = strings.TrimSpace(last[strings.LastIndex(last, ",")+1:])
	if net.ParseIP(last) == nil {
		return PeerAddress(r)
	}
	return network(last)
}

// network is an IPv4 address itself, and of an IPv6 address the /64 that one customer has.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	return netip.PrefixFrom(ip.WithZone(""), 64).Masked().String()
}
