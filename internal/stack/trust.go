package stack

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/trust"
)

// Annotations of the Secrets with the database's certificates.
const (
	// AnnotationCertificatesFrom names, on the authority's Secret, the one of the spec that its authorities come from.
	AnnotationCertificatesFrom = "chatpdf.dev/certificates-from"
	// AnnotationRenewRequest is the request of the spec that the authority was made anew for last.
	AnnotationRenewRequest = "chatpdf.dev/renew-request"
	// AnnotationTrustedSince is when the authorities that members trust changed last, in RFC 3339.
	AnnotationTrustedSince = "chatpdf.dev/trusted-since"
)

// LiveTrust is what may be known of the database's certificates as they stand in Secrets: keys are not among it.
type LiveTrust struct {
	// Authorities that the application trusts. The first one signs, if Signs.
	Authorities []*x509.Certificate
	// Signs says that the key of the first authority is there.
	Signs bool
	// From is the Secret of the spec that the first authority comes from; empty if the operator made it.
	From string
	// Request of the spec that was fulfilled last.
	Request string

	// Trusted are the authorities that members trust.
	Trusted []*x509.Certificate
	// TrustedSince is when that changed last; zero if it never did.
	TrustedSince time.Time
	// Leaf is what members serve, with Intermediates.
	Leaf          *x509.Certificate
	Intermediates []*x509.Certificate

	// ServedSince is when that changed last; zero if it never did.
	ServedSince time.Time

	// Ours says that the operator made both Secrets.
	Ours bool
	// Given is what the spec's own Secret holds; nil if the spec names none.
	Given *GivenCertificate
}

// Serves is the fingerprint of what members should serve; empty if it cannot be read.
func (l LiveTrust) Serves() string {
	if l.Leaf == nil {
		return ""
	}
	return trust.ChainFingerprint(append([]*x509.Certificate{l.Leaf}, l.Intermediates...))
}

// GivenCertificate is a certificate that the operator did not make.
type GivenCertificate struct {
	// Secret with it.
	Secret string
	// Obstacle is why it cannot be read, as a sentence; empty if it can.
	Obstacle string
	// Awaited says that somebody was asked to write the Secret, at AskedAt; zero if that is about to be done.
	Awaited bool
	AskedAt time.Time
	// Leaf for members to serve, with Intermediates.
	Leaf          *x509.Certificate
	Intermediates []*x509.Certificate
	// Authorities that it is to be trusted by.
	Authorities []*x509.Certificate
}

// issuedWithin is how long whoever was asked for a certificate has for it: an issuer may need somebody's approval, and that
// is trouble to tell of.
const issuedWithin = 10 * time.Minute

// onItsWay says that the certificate was asked for only just now.
func (g GivenCertificate) onItsWay(now time.Time) bool {
	return g.Awaited && g.Obstacle != "" && (g.AskedAt.IsZero() || now.Before(g.AskedAt.Add(issuedWithin)))
}

// Refuses says why members cannot be given the certificate; empty if they can. dnsNames may have a wildcard in front.
func (g GivenCertificate) Refuses(dnsNames []string, now time.Time) string {
	if g.Obstacle != "" {
		return g.Obstacle
	}
	for _, name := range dnsNames {
		if g.Leaf.VerifyHostname(strings.Replace(name, "*", "member", 1)) != nil {
			return fmt.Sprintf("tls.crt of Secret %s is not good for %s: ask for a certificate with all of %s.", g.Secret, name, strings.Join(dnsNames, ", "))
		}
	}
	err := trust.Anchors(g.Authorities, g.Leaf, g.Intermediates, now)
	switch {
	case errors.Is(err, trust.ErrNoRoot):
		return fmt.Sprintf("ca.crt of Secret %s holds no root, only authorities that others have signed: MongoDB needs the whole chain.", g.Secret)
	case err != nil:
		return fmt.Sprintf("tls.crt of Secret %s, verified by its ca.crt, is no good for servers and clients: %v.", g.Secret, err)
	}
	return ""
}

// CertificateChange is one write of a Secret with certificates.
type CertificateChange struct {
	// Secret to write.
	Secret SecretRecipe
	// Kind of change.
	Kind CertificateChangeKind
	// Authorities that are trusted from now on, if that is what changes.
	Authorities []*x509.Certificate
	// From is the Secret of the spec that this comes from; empty if the operator makes it.
	From string
	// Request of the spec that this fulfils.
	Request string
}

// CertificateChangeKind is what a [CertificateChange] changes.
type CertificateChangeKind string

// Kinds of changes.
const (
	// ReplaceAuthority puts an authority of the operator's in front of the others.
	ReplaceAuthority CertificateChangeKind = "ReplaceAuthority"
	// TrustAuthorities changes which are trusted.
	TrustAuthorities CertificateChangeKind = "TrustAuthorities"
	// ReplaceCertificate changes what members serve.
	ReplaceCertificate CertificateChangeKind = "ReplaceCertificate"
)

// MemberReport is what a member that runs goes by.
type MemberReport struct {
	Host string
	// Known is false while the agent of this very pod has not said.
	Known bool
	mongodb.Report
}

// CertificatePlan is how the certificates of the database go on.
type CertificatePlan struct {
	// Change to make now; nil if there is none.
	Change *CertificateChange
	// Refused is why what the spec asks for is not taken up, as a sentence; empty if it is.
	Refused string
	// Waits is what a change under way waits for, as a sentence; empty if there is none.
	Waits string
	// Until is when the wait is over, if that is only a matter of time.
	Until time.Time
}

// Certificates decides the next write, by which members come to serve what the spec asks for, while every client
// trusts at every moment what every member serves: authorities are trusted before they have signed anything that
// is served, and until nothing is that they have signed.
func (o Objects) Certificates(asked v1alpha1.DatabaseTLSSpec, live LiveTrust, members []MemberReport, now time.Time) CertificatePlan {
	c := certificates{live: live, members: members, now: now}
	for _, recipe := range o.Secrets {
		switch r := recipe.Recipe.(type) {
		case Authority:
			c.authoritySecret, c.authority = recipe, r
		case Certificate:
			c.certificateSecret, c.certificate = recipe, r
		}
	}
	if !live.Ours || live.Leaf == nil || len(live.Authorities) == 0 || len(live.Trusted) == 0 {
		return CertificatePlan{}
	}
	refused := ""
	if live.Given != nil && live.Given.onItsWay(now) {
		plan := c.plan(asked, false)
		if plan.Change == nil && plan.Waits == "" {
			plan.Waits, plan.Until = live.Given.Obstacle, live.Given.AskedAt.Add(issuedWithin)
		}
		return plan
	}
	if live.Given != nil {
		refused = live.Given.Refuses(c.certificate.DNSNames, now)
	}
	if wanted := asked.RenewRequest != "" && asked.RenewRequest != live.Request; refused == "" && !c.authority.ReadAnew && (wanted || live.Given != nil) {
		refused = "Members of MongoDB before 5.0, or of a release of this operator that could not do it, do not take another certificate up while they run."
	}
	plan := c.plan(asked, live.Given != nil && refused == "")
	plan.Refused = refused
	return plan
}

// certificates is what a [CertificatePlan] goes by.
type certificates struct {
	live    LiveTrust
	members []MemberReport
	now     time.Time

	authoritySecret, certificateSecret SecretRecipe
	authority                          Authority
	certificate                        Certificate
}

func (c certificates) plan(asked v1alpha1.DatabaseTLSSpec, given bool) CertificatePlan {
	live, target := c.live, c.live.Authorities[:1]
	switch {
	case given:
		target = live.Given.Authorities
	case live.From != "" && live.Given == nil, live.Signs && c.authorityDue(asked):
		return CertificatePlan{Change: &CertificateChange{Secret: c.authoritySecret, Kind: ReplaceAuthority, Request: asked.RenewRequest}}
	case live.From != "":
		return CertificatePlan{} // what was given before stays until what is given now is better
	}

	unserved, since := c.unserved(), c.live.ServedSince.Add(secretGrace)
	anchored := trust.Anchors(target, live.Leaf, live.Intermediates, c.now) == nil
	wanted := trust.Union(target)
	// A container that is started again just now may have been given what the Secret held before.
	if !anchored || unserved != "" || c.now.Before(since) {
		wanted = trust.Union(target, live.Authorities, live.Trusted)
	}
	from := ""
	if given {
		from = live.Given.Secret
	}
	change := CertificateChange{Kind: TrustAuthorities, Authorities: wanted, From: from}
	switch {
	case !trust.Same(live.Authorities, wanted) || live.From != from:
		change.Secret = c.authoritySecret
		return CertificatePlan{Change: &change}
	case !trust.Same(live.Trusted, wanted):
		change.Secret = c.certificateSecret
		return CertificatePlan{Change: &change}
	case !c.leafDue(given, anchored):
		return c.rest(unserved, since, len(wanted) > len(trust.Union(target)))
	}
	replace := CertificatePlan{Change: &CertificateChange{Secret: c.certificateSecret, Kind: ReplaceCertificate, From: from}}
	if anchored || c.now.After(live.Leaf.NotAfter) {
		return replace // nobody has to trust anything new, or nothing is left to be lost
	}
	return c.once(target, replace)
}

// rest is what is left to wait for when every write is done but the one that forgets the authorities of before.
func (c certificates) rest(unserved string, since time.Time, more bool) CertificatePlan {
	switch {
	case !more:
		return CertificatePlan{}
	case unserved != "":
		return CertificatePlan{Waits: unserved}
	}
	return CertificatePlan{Waits: "The authority of before is trusted until no member can serve what it has signed.", Until: since}
}

// once makes a plan wait until everybody trusts the authorities.
func (c certificates) once(target []*x509.Certificate, plan CertificatePlan) CertificatePlan {
	for _, member := range c.members {
		for _, authority := range target {
			if member.Mute {
				return CertificatePlan{Waits: fmt.Sprintf("The agent of %s is of a release that cannot say which authorities its member trusts; it is exchanged when nothing else is to be done with the members.", member.Host)}
			}
			if !member.Known || !slices.Contains(member.Trusts, trust.Fingerprint(authority)) {
				return CertificatePlan{Waits: fmt.Sprintf("A new certificate is served once %s trusts its authority.", member.Host)}
			}
		}
	}
	if until := c.live.TrustedSince.Add(secretGrace); c.now.Before(until) {
		return CertificatePlan{Waits: "A new certificate is served when every client had the time to read its authority.", Until: until}
	}
	return plan
}

// unserved names a member that does not serve the certificate, or does not say; empty if all do.
func (c certificates) unserved() string {
	for _, member := range c.members {
		if !member.Known || member.Serves != c.live.Serves() {
			return fmt.Sprintf("%s has yet to serve the certificate of Secret %s.", member.Host, c.certificateSecret.Name)
		}
	}
	return ""
}

// authorityDue says that the operator's authority is to be made anew. One change at a time.
func (c certificates) authorityDue(asked v1alpha1.DatabaseTLSSpec) bool {
	if !c.authority.ReadAnew || len(c.live.Authorities) > 1 || !trust.Same(c.live.Authorities, c.live.Trusted) {
		return false
	}
	halfLife := Live(c.live.Authorities[0], true).RenewAt()
	return asked.RenewRequest != "" && asked.RenewRequest != c.live.Request || !c.now.Before(halfLife)
}

func (c certificates) leafDue(given, anchored bool) bool {
	leaf := c.live.Leaf
	switch {
	case given:
		return !leaf.Equal(c.live.Given.Leaf) || !trust.Same(c.live.Intermediates, c.live.Given.Intermediates)
	case !c.live.Signs:
		return false
	}
	return !anchored || c.certificate.Due(Live(leaf, true), c.now)
}
