package stack

import (
	"crypto/x509"
	"slices"
	"time"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/release"
)

const (
	// AuthorityLifetime is long: clients outside of the cluster have to be told of another one by hand.
	AuthorityLifetime = 5 * 365 * 24 * time.Hour
	// UnrotatedLifetime is for what can be replaced by restarts alone.
	UnrotatedLifetime = 20 * 365 * 24 * time.Hour
	// CertificateLifetime of what an authority signs is short enough that making it anew is no rare event.
	CertificateLifetime = 90 * 24 * time.Hour
)

// rotates is the first series of MongoDB that reads a new certificate without a restart
// (https://www.mongodb.com/docs/manual/reference/command/rotateCertificates/).
var rotates = mongodb.Series{Major: 5, Minor: 0}

// readsAnew says that members take a new certificate, or another authority, up without a restart. Elsewhere one
// that expires would end the database.
func readsAnew(d release.Database) bool {
	series := mongodb.SeriesOfImage(d.Image)
	return d.Rotates && series.Known() && !series.Before(rotates)
}

func certificateLifetime(d release.Database) time.Duration {
	if readsAnew(d) {
		return CertificateLifetime
	}
	return UnrotatedLifetime
}

func authorityLifetime(d release.Database) time.Duration {
	if readsAnew(d) {
		return AuthorityLifetime
	}
	return UnrotatedLifetime
}

// LiveCertificate is a certificate as it stands in a Secret.
type LiveCertificate struct {
	NotBefore, NotAfter time.Time
	// DNSNames that it is good for.
	DNSNames []string
	// Ours says that the operator made the Secret: another one is its owner's to renew.
	Ours bool
}

// Live is what a certificate in a Secret says, and whether the operator made that Secret.
func Live(certificate *x509.Certificate, ours bool) LiveCertificate {
	return LiveCertificate{NotBefore: certificate.NotBefore, NotAfter: certificate.NotAfter, DNSNames: certificate.DNSNames, Ours: ours}
}

// RenewAt is when it is made anew: after half of its life, so that a month and more is left for what may
// be in the way. One that lives longer than the operator would let it is renewed by the same rule.
func (c LiveCertificate) RenewAt() time.Time {
	return c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) / 2)
}

// Due says whether the live certificate is to be made anew by the recipe: half of its life is over, or it
// lacks a name.
func (r Certificate) Due(live LiveCertificate, now time.Time) bool {
	if !live.Ours {
		return false
	}
	lacks := slices.ContainsFunc(r.DNSNames, func(name string) bool { return !slices.Contains(live.DNSNames, name) })
	return lacks || !now.Before(live.RenewAt())
}
