package config

import (
	"errors"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// errNotAllowed stands for "not one of the allowed values"; what is allowed is in the variable's tag.
var errNotAllowed = errors.New("not allowed")

// Address is a host and port to listen on; the host may be empty, the port 0.
type Address string

// UnmarshalText takes HOST:PORT.
func (a *Address) UnmarshalText(text []byte) error {
	_, port, err := net.SplitHostPort(string(text))
	if err != nil {
		return errNotAllowed
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return errNotAllowed
	}
	*a = Address(text)
	return nil
}

// UnmarshalText takes an absolute http or https URL; a slash at its end is dropped.
func (u *URL) UnmarshalText(text []byte) error {
	parsed, err := url.Parse(strings.TrimRight(string(text), "/"))
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Hostname() == "" ||
		parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "" {
		return errNotAllowed
	}
	u.URL = *parsed
	return nil
}

// Username is the name of an account.
type Username string

var username = regexp.MustCompile(`^[A-Za-z0-9._@+-]{1,64}$`)

// UnmarshalText takes a name of 1 to 64 characters.
func (u *Username) UnmarshalText(text []byte) error {
	if !username.Match(text) {
		return errNotAllowed
	}
	*u = Username(text)
	return nil
}

// Switch is on or off.
type Switch bool

// UnmarshalText takes true and false in any case, 1 and 0.
func (s *Switch) UnmarshalText(text []byte) error {
	switch strings.ToLower(string(text)) {
	case "true", "1":
		*s = true
	case "false", "0":
		*s = false
	default:
		return errNotAllowed
	}
	return nil
}

// Level is how severe a log line is.
type Level slog.Level

// UnmarshalText takes DEBUG, INFO, WARNING and ERROR in any case.
func (l *Level) UnmarshalText(text []byte) error {
	level, ok := map[string]slog.Level{"DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo,
		"WARNING": slog.LevelWarn, "ERROR": slog.LevelError}[strings.ToUpper(string(text))]
	if !ok {
		return errNotAllowed
	}
	*l = Level(level)
	return nil
}

// Format is the form of log lines.
type Format string

// UnmarshalText takes json and text.
func (f *Format) UnmarshalText(text []byte) error {
	if s := string(text); s != "json" && s != "text" {
		return errNotAllowed
	}
	*f = Format(text)
	return nil
}

// ReadPreference is which members of the replica set are read.
type ReadPreference string

// SecondaryPreferred reads from secondaries while there are any, as in connection strings of MongoDB.
const SecondaryPreferred ReadPreference = "secondaryPreferred"

// UnmarshalText takes primary and secondaryPreferred.
func (p *ReadPreference) UnmarshalText(text []byte) error {
	if s := string(text); s != "primary" && s != string(SecondaryPreferred) {
		return errNotAllowed
	}
	*p = ReadPreference(text)
	return nil
}

// Origins are scheme://host[:port] without a path, as browsers send them.
type Origins []string

// UnmarshalText takes a comma-separated list; blanks around entries are ignored.
func (o *Origins) UnmarshalText(text []byte) error {
	var origins Origins
	for entry := range strings.SplitSeq(string(text), ",") {
		entry = strings.TrimSpace(entry)
		u, err := url.Parse(entry)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" ||
			entry != u.Scheme+"://"+u.Host || strings.Contains(u.Host, "*") || u.User != nil {
			return errNotAllowed
		}
		origins = append(origins, strings.ToLower(entry))
	}
	*o = origins
	return nil
}
