package status

import (
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
)

const (
	// expiringBefore is for how long at the most a certificate that is about to expire is called so: a third of its
	// life, if that is less. The operator renews its own weeks before that: then something is in its way.
	expiringBefore = 21 * 24 * time.Hour
	// servedWithin is how long members may take until they serve another certificate: the kubelet brings it in two
	// minutes, and a member that copies data cannot be told.
	servedWithin = 10 * time.Minute
)

// certificate sets the condition of the database's certificate, and answers after what time it is to be
// looked at again; 0 if there is none.
func (c conditions) certificate(f Facts) time.Duration {
	names := stack.NamesOf(f.Observed.Deployment.Name)
	secret := names.TLSSecret
	live, exists := f.Observed.Certificates[secret]
	if !exists {
		c.remove(v1alpha1.ConditionDatabaseCertificateValid)
		return 0
	}
	bad := func(reason, format string, args ...any) {
		c.set(v1alpha1.ConditionDatabaseCertificateValid, metav1.ConditionFalse, reason, fmt.Sprintf(format, args...))
	}
	until := live.NotAfter.UTC().Format(time.DateOnly)
	member, servedBy := unserved(f.Observed)
	switch left, plan := live.NotAfter.Sub(c.now), f.Certificates; {
	case left <= 0:
		bad(ReasonCertificateExpired, "The certificate in Secret %s has expired on %s. %s", secret, until, remedy(f, live))
		return lookAgain
	case plan.Refused != "":
		bad(ReasonCertificateRefused, "%s Members serve what they did before, which is valid until %s.", plan.Refused, until)
		return lookAtSecrets
	case f.Observed.Trust.Ours && !f.Observed.Trust.Signs && f.Observed.Trust.From == "":
		bad(ReasonAuthorityUnusable, "Secret %s holds no ca.key that belongs to the first certificate of its ca.crt, so that nothing can be renewed: put it there, or put the authority back that was there before.", names.CASecret)
		return lookAtSecrets
	case left <= expiring(live):
		bad(ReasonCertificateExpiring, "The certificate in Secret %s expires on %s. %s", secret, until, remedy(f, live))
		return sooner(left, max(0, f.Certificates.Until.Sub(c.now)))
	case member != "" && !c.now.Before(servedBy):
		bad(ReasonCertificateNotServed, "%s does not serve the certificate of Secret %s: look at the log of its container dbagent.", member, secret)
		return 0
	case plan.Change != nil || plan.Waits != "":
		c.set(v1alpha1.ConditionDatabaseCertificateValid, metav1.ConditionTrue, ReasonCertificateChanging,
			fmt.Sprintf("The certificate in Secret %s is valid until %s. Another one is on its way. %s", secret, until, plan.Waits))
	default:
		c.set(v1alpha1.ConditionDatabaseCertificateValid, metav1.ConditionTrue, ReasonCertificateValid,
			fmt.Sprintf("The certificate in Secret %s is valid until %s.", secret, until))
	}
	return c.nextCertificate(f, live, member, servedBy)
}

// nextCertificate is when to look again at certificates that are as they should be.
func (c conditions) nextCertificate(f Facts, live stack.LiveCertificate, unserved string, servedBy time.Time) time.Duration {
	next := live.NotAfter.Add(-expiring(live))
	moments := []time.Time{f.Certificates.Until, live.RenewAt()}
	if authority, exists := f.Observed.Certificates[stack.NamesOf(f.Observed.Deployment.Name).CASecret]; exists {
		moments = append(moments, authority.RenewAt())
	}
	if unserved != "" {
		moments = append(moments, servedBy)
	}
	for _, moment := range moments {
		if live.Ours && moment.After(c.now) && moment.Before(next) {
			next = moment
		}
	}
	return next.Sub(c.now)
}

// expiring is how long before its end a certificate is called so.
func expiring(live stack.LiveCertificate) time.Duration {
	return min(expiringBefore, live.NotAfter.Sub(live.NotBefore)/3)
}

// remedy is what to do about a certificate that ends.
func remedy(f Facts, live stack.LiveCertificate) string {
	names := stack.NamesOf(f.Observed.Deployment.Name)
	switch given := f.Observed.Trust.Given; {
	case given != nil && given.Secret == names.IssuedSecret:
		return fmt.Sprintf("cert-manager renews it: see why it has not by `kubectl describe certificate -n %s %s`.", f.Observed.Deployment.Namespace, names.Issued)
	case given != nil:
		return "It comes from Secret " + given.Secret + ": put a new one there."
	case !live.Ours:
		return "It is not the operator's: put a new one there."
	}
	return strings.TrimSpace("The operator makes it anew as soon as nothing is in its way. " + f.Certificates.Waits)
}

// unserved names a member that says that it serves another certificate than it should, and from when on that is
// trouble; empty if there is none.
func unserved(seen *observe.Observed) (host string, trouble time.Time) {
	wanted := seen.Trust.Serves()
	if wanted == "" {
		return "", time.Time{}
	}
	for name, said := range seen.Database.Reports {
		if said.Serves != "" && said.Serves != wanted && (host == "" || name < host) {
			host = name
		}
	}
	return host, seen.Trust.ServedSince.Add(servedWithin)
}

// sooner is the shorter of two times to wait, where 0 means for ever.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
