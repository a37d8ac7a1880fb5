package status

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/stack"
)

// expiringBefore is for how long a certificate that is about to expire is called so. The operator renews
// its own weeks before that: then something is in its way.
const expiringBefore = 21 * 24 * time.Hour

// certificate sets the condition of the database's certificate, and answers after what time it is to be
// looked at again; 0 if there is none.
func (c conditions) certificate(f Facts) time.Duration {
	secret := stack.NamesOf(f.Observed.Deployment.Name).TLSSecret
	live, exists := f.Observed.Certificates[secret]
	if !exists {
		c.remove(v1alpha1.ConditionDatabaseCertificateValid)
		return 0
	}
	until := live.NotAfter.UTC().Format(time.DateOnly)
	remedy := "It is not the operator's: put a new one there."
	if live.Ours {
		remedy = "The operator makes it anew as soon as nothing is in its way."
	}
	switch left := live.NotAfter.Sub(c.now); {
	case left <= 0:
		c.set(v1alpha1.ConditionDatabaseCertificateValid, metav1.ConditionFalse, ReasonCertificateExpired,
			fmt.Sprintf("The certificate in Secret %s has expired on %s. %s", secret, until, remedy))
		return lookAgain
	case left <= expiringBefore:
		c.set(v1alpha1.ConditionDatabaseCertificateValid, metav1.ConditionFalse, ReasonCertificateExpiring,
			fmt.Sprintf("The certificate in Secret %s expires on %s. %s", secret, until, remedy))
		return left
	}
	c.set(v1alpha1.ConditionDatabaseCertificateValid, metav1.ConditionTrue, ReasonCertificateValid,
		fmt.Sprintf("The certificate in Secret %s is valid until %s.", secret, until))
	next := live.NotAfter.Add(-expiringBefore)
	if renewal := live.RenewAt(); live.Ours && renewal.After(c.now) {
		next = renewal
	}
	return next.Sub(c.now)
}

// sooner is the shorter of two times to wait, where 0 means for ever.
func sooner(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
