package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// Outside is a server that is no part of the cluster, as the host reaches it.
type Outside struct {
	// Name is what pods look up; empty for one that is given by its address, or
	// that is the host itself: localhost means another one in every pod.
	Name string
	// Host is what the host dials: a name or an address.
	Host string
	Port uint16
}

// DNS names of at most 253 letters, the only ones that a server of names would
// be asked for.
var namePattern = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// ParseOutside reads HOST:PORT.
func ParseOutside(text string) (Outside, error) {
	wrong := fmt.Errorf("%q must be HOST:PORT, such as api.openai.com:443 or 127.0.0.1:8000", text)
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		return Outside{}, wrong
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return Outside{}, wrong
	}
	o := Outside{Host: strings.ToLower(host), Port: uint16(number)}
	if _, err := netip.ParseAddr(host); err == nil || o.Host == "localhost" {
		return o, nil
	}
	switch {
	case len(host) > 253 || !namePattern.MatchString(o.Host):
		return Outside{}, wrong
	case o.Host == "cluster.local" || strings.HasSuffix(o.Host, ".cluster.local"):
		return Outside{}, errors.New("names below cluster.local are the cluster's own: pods reach them already")
	}
	o.Name = o.Host
	return o, nil
}

// String is HOST:PORT.
func (o Outside) String() string { return net.JoinHostPort(o.Host, strconv.Itoa(int(o.Port))) }

// Address is To for a server outside: the host looks its name up for every connection.
func (o Outside) Address(context.Context) (string, error) { return o.String(), nil }
