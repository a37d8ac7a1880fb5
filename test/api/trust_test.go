package api

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	mathrand "math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb/keyfile"
	"chatpdf.dev/operator/internal/mongodb/trust"
	"chatpdf.dev/operator/internal/mongodb/trust/trusttest"
	"chatpdf.dev/operator/internal/stack"
)

// trusts says that everybody trusts this one authority and no other, and that every member serves what it has signed.
func (k *kubelet) trusts(t *testing.T, authority *x509.Certificate, o *operator) bool {
	t.Helper()
	names, secrets := stack.NamesOf(k.key.Name), k.secrets(t)
	want := []*x509.Certificate{authority}
	for _, name := range []string{names.CASecret, names.TLSSecret} {
		if got, err := trust.Parse(secrets[name][stack.KeyCACertificate]); err != nil || !trust.Same(got, want) {
			return false
		}
	}
	chain, err := trust.Parse(secrets[names.TLSSecret][stack.KeyCertificate])
	if err != nil || trust.Anchors(want, chain[0], nil, o.clock.Now()) != nil {
		return false
	}
	for _, host := range k.pods.Hosts(len(k.running)) {
		said := o.Watcher.Snapshot(k.key).Reports[host]
		if said.Serves != trust.ChainFingerprint(chain) || len(said.Trusts) != 1 || said.Trusts[0] != trust.Fingerprint(authority) {
			return false
		}
	}
	return true
}

// signer is the first authority in the operator's Secret.
func (k *kubelet) signer(t *testing.T) *x509.Certificate {
	t.Helper()
	authorities, err := trust.Parse(k.secrets(t)[stack.NamesOf(k.key.Name).CASecret][stack.KeyCACertificate])
	k.must(t, err)
	return authorities[0]
}

// certified is a database whose certificates change while the application writes.
type certified struct {
	*kubelet
	*operator
	client    *follower
	templates []corev1.PodTemplateSpec
}

func newCertified(t *testing.T, members int32) *certified {
	t.Helper()
	w := newWorld(t)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Members: members}})
	k := newKubelet(t, w, key, int(members))
	c := &certified{kubelet: k, operator: startOperator(t, defaultConfig, k.dial)}
	k.ready(t, c.operator)
	c.client, c.templates = follow(t, k), w.templates(t)
	return c
}

// restart is another operator, which dies after so many writes; a negative number keeps it alive.
func (c *certified) restart(t *testing.T, budget int) {
	t.Helper()
	c.stop()
	c.operator = startOperator(t, defaultConfig, c.dial)
	c.transport.budget = budget
}

// asks sets spec.mongodb.tls. The operator's clock is right again then: what it signed more than an hour ahead of the
// machine's would not be valid yet for agents and members, which have no other.
func (c *certified) asks(t *testing.T, tls v1alpha1.DatabaseTLSSpec) {
	t.Helper()
	c.clock.SetTime(time.Now())
	c.edit(t, c.key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.TLS = tls })
}

// reaches lets time pass until the condition holds: what was trusted stays so for some minutes.
func (c *certified) reaches(t *testing.T, what string, condition func() bool) {
	t.Helper()
	c.until(t, c.operator, what, func() bool {
		c.clock.SetTime(c.clock.Now().Add(time.Minute))
		return condition()
	})
	if failure := c.client.failed.Load(); failure != nil {
		t.Fatalf("a request failed: %s", *failure)
	}
}

// rests says that nothing was restarted, and that nothing is written any more.
func (c *certified) rests(t *testing.T) {
	t.Helper()
	c.ready(t, c.operator)
	if c.client.wrote.Load() == 0 {
		t.Error("the application never wrote")
	}
	if !equality.Semantic.DeepEqual(c.templates, c.kubelet.templates(t)) {
		t.Error("a template changed: pods would be restarted")
	}
	for range 3 {
		c.pass(t, c.key)
	}
	if writes := c.transport.taken(); len(writes) > 0 {
		t.Errorf("at rest it writes %q", writes)
	}
}

// survives asks for something and kills the operator before one of the writes that it takes, chosen by a seed among the
// fewest; with SOAK_SEED again and again, before each of them in turn. ask returns when it is done.
func (c *certified) survives(t *testing.T, what string, fewest int, ask func() (done func() bool)) {
	t.Helper()
	once := func(write int) (died bool) {
		done := ask()
		c.restart(t, write)
		c.reaches(t, what, done)
		if died = c.transport.died(); died {
			c.restart(t, -1)
			c.reaches(t, what, done)
		}
		return died
	}
	if os.Getenv("SOAK_SEED") != "" {
		write := 0
		for once(write) {
			write++
		}
		t.Logf("killed before each of %d writes; the application wrote %d times", write, c.client.wrote.Load())
	} else {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		once(mathrand.New(mathrand.NewPCG(seed, 0)).IntN(fewest))
	}
	c.restart(t, -1)
	c.rests(t)
}

// TestAuthoritiesAreReplacedWithoutAFailedRequest makes the authority anew, with an operator that is killed before one
// of its writes, chosen by a seed; with SOAK_SEED before each of them in turn. The application writes all the time.
func TestAuthoritiesAreReplacedWithoutAFailedRequest(t *testing.T) {
	t.Parallel()
	c := newCertified(t, 3)
	c.survives(t, "another authority", 12, func() func() bool {
		before := c.signer(t)
		c.asks(t, v1alpha1.DatabaseTLSSpec{RenewRequest: rand.Text()})
		return func() bool { now := c.signer(t); return !now.Equal(before) && c.trusts(t, now, c.operator) }
	})
}

func TestCertificatesOfAPersonAreServedIfTheyAreGood(t *testing.T) {
	t.Parallel()
	c := newCertified(t, 1)
	service := "docs-mongodb." + c.namespace + ".svc"
	names := []string{"*." + service + ".cluster.local", service + ".cluster.local", service, "localhost"}
	theirs, err := trusttest.NewAuthority("theirs", time.Now().Add(-time.Hour), stack.AuthorityLifetime)
	c.must(t, err)
	condition := func() metav1.Condition { return c.condition(t, c.key, v1alpha1.ConditionDatabaseCertificateValid) }
	serves := func(certificate []byte) bool {
		return c.trusts(t, theirs.Certificate, c.operator) && bytes.Equal(c.secrets(t)["docs-mongodb-tls"]["tls.crt"], certificate)
	}

	c.asks(t, v1alpha1.DatabaseTLSSpec{CertificateSecretRef: &v1alpha1.SecretRef{Name: "theirs"}})
	c.reaches(t, "the missing Secret to be told", func() bool {
		return condition().Reason == "CertificateRefused" && strings.Contains(condition().Message, "theirs does not exist")
	})
	c.bring(t, theirs, names[1:])
	c.reaches(t, "the missing name to be told", func() bool { return strings.Contains(condition().Message, "not good for "+names[0]) })
	first := c.bring(t, theirs, names)
	c.reaches(t, "their certificate to be served", func() bool { return serves(first) && condition().Reason == "CertificateValid" })
	if _, kept := c.secrets(t)["docs-mongodb-ca"]["ca.key"]; kept {
		t.Error("the key of an authority that signs no more is kept")
	}
	tls := get[corev1.Secret](t, c.world, "docs-mongodb-tls")
	c.must(t, c.Delete(t.Context(), tls))
	c.reaches(t, "a Secret that was lost to be made again", func() bool {
		return exists[corev1.Secret](t, c.world, "docs-mongodb-tls") && serves(first)
	})
	second := c.bring(t, theirs, names)
	c.reaches(t, "what they brought next to be served", func() bool { return serves(second) })

	c.asks(t, v1alpha1.DatabaseTLSSpec{})
	c.reaches(t, "the operator's own again", func() bool {
		now := c.signer(t)
		return !now.Equal(theirs.Certificate) && c.trusts(t, now, c.operator)
	})
	c.rests(t)

	secret := get[corev1.Secret](t, c.world, "docs-mongodb-ca")
	delete(secret.Data, stack.KeyCAKey)
	c.must(t, c.Update(t.Context(), secret))
	c.reaches(t, "the missing key to be told", func() bool {
		return condition().Status == "False" && condition().Reason == "AuthorityUnusable" && strings.Contains(condition().Message, "ca.key")
	})
}

// TestTheKeyfileIsReplacedAMemberAtATime has the operator killed before one of its writes, chosen by a seed; with SOAK_SEED
// before each of them in turn. The application writes all the time.
func TestTheKeyfileIsReplacedAMemberAtATime(t *testing.T) {
	t.Parallel()
	c := newCertified(t, 3)
	c.survives(t, "another keyfile", 8, func() func() bool {
		before := c.secrets(t)["docs-mongodb-keyfile"][stack.KeyKeyfile]
		c.edit(t, c.key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.KeyfileRotation.Request = rand.Text() })
		return func() bool {
			now := c.secrets(t)["docs-mongodb-keyfile"][stack.KeyKeyfile]
			keys, err := keyfile.Parse(now)
			if err != nil || len(keys) != 1 || bytes.Equal(now, before) {
				return false
			}
			for _, host := range c.pods.Hosts(3) {
				if c.Watcher.Snapshot(c.key).Reports[host].Keyfile != keyfile.Fingerprint(keys) {
					return false
				}
			}
			return c.condition(t, c.key, v1alpha1.ConditionReady).Status == "True"
		}
	})

	// What a person puts there is told, and nobody is restarted for it.
	secret := get[corev1.Secret](t, c.world, "docs-mongodb-keyfile")
	kept := secret.Data[stack.KeyKeyfile]
	secret.Data[stack.KeyKeyfile] = []byte("bXkgb3duIGtleQ==")
	c.must(t, c.Update(t.Context(), secret))
	stalled := func() metav1.Condition { return c.condition(t, c.key, v1alpha1.ConditionStalled) }
	c.reaches(t, "the edit to be told", func() bool {
		return stalled().Reason == "KeyfileEdited" && strings.Contains(stalled().Message, "docs-mongodb-keyfile")
	})
	secret.Data[stack.KeyKeyfile] = kept
	c.must(t, c.Update(t.Context(), secret))
	c.reaches(t, "all to be well again", func() bool { return stalled().Status == "" })
	c.rests(t)
}

// bring puts a certificate of that authority into the Secret theirs.
func (k *kubelet) bring(t *testing.T, authority *trusttest.Authority, names []string) []byte {
	t.Helper()
	pair, err := authority.Sign(time.Now().Add(-time.Hour), stack.CertificateLifetime, names...)
	k.must(t, err)
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: k.namespace, Name: "theirs"}}
	_, err = controllerutil.CreateOrUpdate(t.Context(), k.Client, secret, func() error {
		secret.Data = map[string][]byte{"tls.crt": pair.Certificate, "tls.key": pair.Key, "ca.crt": authority.PEM()}
		return nil
	})
	k.must(t, err)
	return pair.Certificate
}
