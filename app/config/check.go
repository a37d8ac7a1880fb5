package config

import (
	"crypto/x509"
	"errors"
	"net/url"
	"strings"
)

// check finds what is wrong with values that are well-formed each for itself.
func (c Backend) check() (problems []error) {
	insist := func(ok bool, sentence string) {
		if !ok {
			problems = append(problems, errors.New(sentence))
		}
	}
	uri, err := c.MongoDBURI.Read()
	if c.MongoDBURI.IsSet() && err == nil {
		insist(strings.HasPrefix(uri, "mongodb://") || strings.HasPrefix(uri, "mongodb+srv://"),
			"MONGODB_URI is wrong (its value is secret): it must be a mongodb:// or mongodb+srv:// connection string")
	}
	ca, err := c.MongoDBCA.Read()
	if c.MongoDBCA.IsSet() && err == nil {
		insist(x509.NewCertPool().AppendCertsFromPEM([]byte(ca)), "MONGODB_CA holds no certificate: it must be certificates in PEM form")
		insist(!refusesTLS(uri), "MONGODB_CA is set, but MONGODB_URI turns TLS off: remove tls=false from it, or unset MONGODB_CA")
	}
	password, err := c.InitialAdminPassword.Read()
	if c.InitialAdminPassword.IsSet() && err == nil {
		insist(len(password) >= 8 && len(password) <= 1024,
			"INITIAL_ADMIN_PASSWORD is wrong (its value is secret): it must be 8 to 1024 bytes long")
	}
	return problems
}

func refusesTLS(uri string) bool {
	_, query, _ := strings.Cut(uri, "?")
	values, err := url.ParseQuery(query)
	return err == nil && (strings.EqualFold(values.Get("tls"), "false") || strings.EqualFold(values.Get("ssl"), "false"))
}
