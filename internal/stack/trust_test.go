package stack_test

import (
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/trust"
	"chatpdf.dev/operator/internal/mongodb/trust/trusttest"
	"chatpdf.dev/operator/internal/stack"
)

// certificateRecipe is of the certificate that members serve.
func certificateRecipe(t *testing.T, objects stack.Objects) stack.Certificate {
	t.Helper()
	for _, recipe := range objects.Secrets {
		if certificate, is := recipe.Recipe.(stack.Certificate); is {
			return certificate
		}
	}
	t.Fatal("no recipe makes the members' certificate")
	return stack.Certificate{}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// rotating is a database whose certificates change, with all who have to trust them: three members, the
// application, and what a kubelet does, which is to bring everybody a Secret late.
type rotating struct {
	t       *testing.T
	random  *rand.Rand
	objects stack.Objects
	now     time.Time
	told    []string

	spec    v1alpha1.DatabaseTLSSpec
	given   *stack.GivenCertificate
	signers map[string]*trusttest.Authority // by fingerprint
	signed  map[string]bool                 // what was found out already

	// authority and certificate are the two Secrets.
	live             stack.LiveTrust
	changed, written time.Time // the authority's Secret, and the certificate's

	members     []rotatingMember
	application []*x509.Certificate
}

// rotatingMember has files, which a kubelet brings, and goes by what mongod has read of them.
type rotatingMember struct {
	running            bool
	trustsFile, trusts []*x509.Certificate
	servesFile, serves *x509.Certificate
}

const mountedWithin = 150 * time.Second // as long as a kubelet takes at the most

func newRotating(t *testing.T, seed uint64) *rotating {
	w := &rotating{
		t: t, random: rand.New(rand.NewPCG(seed, 1)), objects: build(v1alpha1.ChatPDFDeploymentSpec{}, nil),
		now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), signers: map[string]*trusttest.Authority{}, signed: map[string]bool{},
	}
	w.live = stack.LiveTrust{Ours: true, Signs: true}
	w.replaceAuthority("")
	w.live.Trusted = w.live.Authorities
	w.sign()
	w.application = w.live.Authorities
	for range 3 {
		m := rotatingMember{running: true}
		w.mount(&m)
		w.members = append(w.members, m)
	}
	return w
}

func (w *rotating) authority(name string) *trusttest.Authority {
	authority := must[*trusttest.Authority](w.t)(trusttest.NewAuthority(name, w.now.Add(-time.Hour), stack.AuthorityLifetime))
	w.signers[trust.Fingerprint(authority.Certificate)] = authority
	return authority
}

func (w *rotating) replaceAuthority(request string) {
	authority := w.authority("ours")
	w.live.Authorities = append([]*x509.Certificate{authority.Certificate}, w.live.Authorities...)
	w.live.Signs, w.live.From, w.live.Request, w.changed = true, "", request, w.now
}

func (w *rotating) leafOf(authority *trusttest.Authority) *x509.Certificate {
	pair := must[trusttest.Pair](w.t)(authority.Sign(w.now.Add(-time.Hour), stack.CertificateLifetime, certificateRecipe(w.t, w.objects).DNSNames...))
	return must[[]*x509.Certificate](w.t)(trust.Parse(pair.Certificate))[0]
}

func (w *rotating) sign() {
	w.live.Leaf = w.leafOf(w.signers[trust.Fingerprint(w.live.Authorities[0])])
}

func (w *rotating) give(name string) *stack.GivenCertificate {
	authority := w.authority(name)
	return &stack.GivenCertificate{Secret: name, Leaf: w.leafOf(authority), Authorities: []*x509.Certificate{authority.Certificate}}
}

// reports are what agents say.
func (w *rotating) reports() []stack.MemberReport {
	var reports []stack.MemberReport
	for i, m := range w.members {
		if m.running {
			reports = append(reports, stack.MemberReport{Host: fmt.Sprint("member-", i), Known: true, Report: mongodb.Report{
				Serves: trust.Fingerprint(m.serves), Trusts: trust.Fingerprints(m.trusts),
			}})
		}
	}
	return reports
}

// pass is one of the operator's; it returns what it waits for.
func (w *rotating) pass() stack.CertificatePlan {
	w.live.Given = w.given
	plan := w.objects.Certificates(w.spec, w.live, w.reports(), w.now)
	if change := plan.Change; change != nil {
		w.tell("%s %s from %q", change.Kind, change.Secret.Name, change.From)
		_, authority := change.Secret.Recipe.(stack.Authority)
		expired := w.now.After(w.live.Leaf.NotAfter)
		switch {
		case change.Kind == stack.ReplaceAuthority:
			w.replaceAuthority(change.Request)
		case change.Kind == stack.ReplaceCertificate && change.From != "":
			w.live.Leaf = w.given.Leaf
		case change.Kind == stack.ReplaceCertificate:
			w.sign()
		case authority:
			w.live.Authorities, w.changed = change.Authorities, w.now
			if change.From != "" {
				w.live.Signs, w.live.From = false, change.From
			}
		default:
			w.live.Trusted, w.live.TrustedSince, w.written = change.Authorities, w.now, w.now
		}
		if change.Kind == stack.ReplaceCertificate {
			w.live.ServedSince, w.written = w.now, w.now
		}
		if change.Kind == stack.ReplaceCertificate && expired {
			// Nobody could reach anybody before: how they find together again is not what is tried here.
			w.later(mountedWithin)
			w.mountAll()
		}
	}
	return plan
}

func (w *rotating) tell(format string, args ...any) {
	w.told = append(w.told, fmt.Sprintf(format, args...))
}

func (w *rotating) bring(m *rotatingMember) { m.trustsFile, m.servesFile = w.live.Trusted, w.live.Leaf }

func (m *rotatingMember) read() { m.trusts, m.serves = m.trustsFile, m.servesFile }

func (w *rotating) mount(m *rotatingMember) {
	w.bring(m)
	m.read()
}

func (w *rotating) mountAll() {
	for i := range w.members {
		w.members[i].running = true
		w.mount(&w.members[i])
	}
}

// later lets time pass, in which kubelets do what they must.
func (w *rotating) later(by time.Duration) {
	w.now = w.now.Add(by)
	if w.now.Sub(w.changed) >= mountedWithin {
		w.application = w.live.Authorities
	}
	for i := range w.members {
		if w.now.Sub(w.written) >= mountedWithin {
			w.bring(&w.members[i])
		}
	}
}

// event is something that happens.
func (w *rotating) event() {
	m := &w.members[w.random.IntN(len(w.members))]
	switch w.random.IntN(12) {
	case 0, 1:
		w.bring(m)
	case 2:
		if m.running {
			m.read() // the agent tells mongod
		}
	case 3:
		w.application = w.live.Authorities
	case 4:
		if m.running = !m.running; !m.running {
			break
		}
		if w.random.IntN(2) == 0 {
			w.bring(m) // another pod
		}
		m.read()
	case 5, 6:
		w.later(time.Duration(w.random.IntN(120)) * time.Second)
	case 7:
		if w.random.IntN(4) == 0 {
			w.wish()
		}
	case 8:
		if w.random.IntN(10) == 0 {
			w.later(stack.CertificateLifetime / 3)
		}
	default:
		w.pass()
	}
}

// wish is what a person does.
func (w *rotating) wish() {
	switch w.random.IntN(4) {
	case 0:
		w.spec.RenewRequest = fmt.Sprint("request ", w.random.Uint64())
	case 1:
		w.given = nil
	case 2:
		w.given = w.give(fmt.Sprint("given-", w.random.IntN(3)))
	case 3:
		w.given = &stack.GivenCertificate{Secret: "given-0", Obstacle: "Secret given-0 has no ca.crt."}
	}
	w.tell("given %v, request %q", w.given != nil, w.spec.RenewRequest)
}

func (w *rotating) trusts(authorities []*x509.Certificate, leaf *x509.Certificate) bool {
	return slices.ContainsFunc(authorities, func(authority *x509.Certificate) bool {
		key := trust.Fingerprint(authority) + trust.Fingerprint(leaf)
		if _, known := w.signed[key]; !known {
			w.signed[key] = leaf.CheckSignatureFrom(authority) == nil
		}
		return w.signed[key]
	})
}

// check says who does not trust whom.
func (w *rotating) check() error {
	for i, server := range w.members {
		if !server.running || w.now.After(server.serves.NotAfter) {
			continue
		}
		if !w.trusts(w.application, server.serves) {
			return fmt.Errorf("the application does not trust member %d", i)
		}
		if !w.trusts(w.live.Trusted, server.serves) {
			return fmt.Errorf("the operator does not trust member %d", i)
		}
		for j, client := range w.members {
			if client.running && !w.trusts(client.trusts, server.serves) {
				return fmt.Errorf("member %d does not trust member %d", j, i)
			}
		}
	}
	return nil
}

func TestWhateverChangesEveryoneTrustsWhatIsServed(t *testing.T) {
	for seed := range uint64(150) {
		w := newRotating(t, seed)
		for range 400 {
			w.event()
			if err := w.check(); err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, strings.Join(w.told, "\n"))
			}
		}
		// In the end everybody comes to what is asked for, and nothing else is trusted.
		if w.given != nil {
			w.given = w.give("given-9") // which may have expired, or have been no good
		}
		plan := stack.CertificatePlan{}
		for range 20 {
			plan = w.pass()
			w.later(mountedWithin)
			w.mountAll()
			if err := w.check(); err != nil {
				t.Fatalf("seed %d: %v\n%s", seed, err, strings.Join(w.told, "\n"))
			}
		}
		want := w.live.Authorities[:1]
		if w.given != nil {
			want = w.given.Authorities
		}
		if plan.Change != nil || plan.Waits != "" || !trust.Same(w.live.Authorities, want) || !trust.Same(w.live.Trusted, want) {
			t.Fatalf("seed %d: it ends with %+v, trusting %d and %d\n%s", seed, plan, len(w.live.Authorities), len(w.live.Trusted), strings.Join(w.told, "\n"))
		}
		if anchored := trust.Anchors(want, w.live.Leaf, nil, w.now); anchored != nil {
			t.Fatalf("seed %d: what is served in the end: %v", seed, anchored)
		}
	}
}

func TestACertificateThatIsNoGoodIsRefusedWithASentence(t *testing.T) {
	w := newRotating(t, 1)
	good := w.give("web")
	other := w.authority("other").Certificate
	short := *good
	short.Leaf = must[[]*x509.Certificate](t)(trust.Parse(must[trusttest.Pair](t)(
		w.signers[trust.Fingerprint(good.Authorities[0])].Sign(w.now.Add(-time.Hour), stack.CertificateLifetime, "docs-mongodb.ns.svc", "localhost")).Certificate))[0]
	untrusted := *good
	untrusted.Authorities = []*x509.Certificate{other}
	rootless := *good
	root := w.authority("root")
	intermediate := must[*trusttest.Authority](t)(root.Authority("intermediate", w.now.Add(-time.Hour), stack.AuthorityLifetime))
	w.signers[trust.Fingerprint(intermediate.Certificate)] = intermediate
	rootless.Leaf, rootless.Authorities = w.leafOf(intermediate), []*x509.Certificate{intermediate.Certificate}
	chained := rootless
	chained.Authorities, chained.Intermediates = []*x509.Certificate{root.Certificate}, []*x509.Certificate{intermediate.Certificate}
	whole := rootless
	whole.Authorities = []*x509.Certificate{root.Certificate, intermediate.Certificate}
	for name, test := range map[string]struct {
		given  stack.GivenCertificate
		after  time.Duration
		image  string
		refuse string
	}{
		"good":                        {*good, 0, "mongo:6.0.5", ""},
		"not there":                   {stack.GivenCertificate{Secret: "web", Obstacle: "Secret web does not exist"}, 0, "mongo:6.0.5", "does not exist"},
		"a name is missing":           {short, 0, "mongo:6.0.5", "is not good for *.docs-mongodb.ns.svc.cluster.local"},
		"another authority":           {untrusted, 0, "mongo:6.0.5", "verified by its ca.crt"},
		"a chain beside it":           {chained, 0, "mongo:6.0.5", ""},
		"a chain in ca.crt":           {whole, 0, "mongo:6.0.5", ""},
		"no root":                     {rootless, 0, "mongo:6.0.5", "holds no root"},
		"expired":                     {*good, 2 * stack.CertificateLifetime, "mongo:6.0.5", "is good from"},
		"a mongod that takes none up": {*good, 0, "mongo:4.4.29", "5.0"},
	} {
		t.Run(name, func(t *testing.T) {
			objects := build(v1alpha1.ChatPDFDeploymentSpec{}, func(in *stack.Input) {
				in.Release.Database.Image, in.Release.Database.Rotates = test.image, true
			})
			live := w.live
			live.Given = &test.given
			plan := objects.Certificates(v1alpha1.DatabaseTLSSpec{}, live, nil, w.now.Add(test.after))
			if (plan.Refused != "") != (test.refuse != "") || !strings.Contains(plan.Refused, test.refuse) {
				t.Errorf("refused with %q, want %q", plan.Refused, test.refuse)
			}
			if plan.Refused != "" && plan.Change != nil && plan.Change.From != "" {
				t.Errorf("and yet: %+v", plan.Change)
			}
		})
	}
}

func TestNothingIsServedBeforeItIsTrusted(t *testing.T) {
	w := newRotating(t, 1)
	w.spec.RenewRequest = "now"
	for _, want := range []stack.CertificateChangeKind{stack.ReplaceAuthority, stack.TrustAuthorities} {
		if plan := w.pass(); plan.Change == nil || plan.Change.Kind != want {
			t.Fatalf("it does %+v, want %s", plan, want)
		}
	}
	w.later(mountedWithin)
	waits := func(for_ string) {
		t.Helper()
		if plan := w.pass(); plan.Change != nil || !strings.Contains(plan.Waits, for_) {
			t.Fatalf("it does %+v and waits for %q, want %q", plan.Change, plan.Waits, for_)
		}
	}
	waits("member-0")
	w.mount(&w.members[0])
	w.mount(&w.members[2])
	waits("member-1")
	w.members[1].running = false // what does not run will read what there is
	if plan := w.pass(); plan.Change == nil || plan.Change.Kind != stack.ReplaceCertificate {
		t.Fatalf("it does %+v", plan)
	}
	waits("member-0")
	w.mountAll()
	waits("trusted until no member can serve") // one that was started meanwhile
	w.later(mountedWithin)
	for range 2 {
		if plan := w.pass(); plan.Change == nil || len(plan.Change.Authorities) != 1 {
			t.Fatalf("it does %+v", plan)
		}
	}
	if plan := w.pass(); plan.Change != nil || plan.Waits != "" {
		t.Errorf("at rest it does %+v", plan)
	}
	mute := w.reports()
	mute[0].Report = mongodb.Report{Mute: true}
	w.spec.RenewRequest = "again"
	w.pass()
	w.pass()
	w.later(time.Hour)
	if plan := w.objects.Certificates(w.spec, w.live, slices.Clone(mute), w.now); plan.Change != nil || !strings.Contains(plan.Waits, "cannot say") {
		t.Errorf("with an agent that cannot say it does %+v", plan)
	}
}

func TestACertificateThatAnIssuerWasAskedForMayTakeTenMinutes(t *testing.T) {
	w := newRotating(t, 1)
	const sentence = "cert-manager has not written Secret docs-mongodb-issued yet."
	for _, c := range []struct {
		state          string
		given          stack.GivenCertificate
		waits, refused string
	}{
		{"not asked yet", stack.GivenCertificate{Obstacle: sentence, Awaited: true}, sentence, ""},
		{"asked just now", stack.GivenCertificate{Obstacle: sentence, Awaited: true, AskedAt: w.now.Add(-9 * time.Minute)}, sentence, ""},
		{"asked long ago", stack.GivenCertificate{Obstacle: sentence, Awaited: true, AskedAt: w.now.Add(-10 * time.Minute)}, "", sentence},
		{"nobody can be asked", stack.GivenCertificate{Obstacle: sentence}, "", sentence},
	} {
		t.Run(c.state, func(t *testing.T) {
			w.live.Given = &c.given
			plan := w.objects.Certificates(w.spec, w.live, w.reports(), w.now)
			if plan.Change != nil || plan.Waits != c.waits || plan.Refused != c.refused {
				t.Errorf("planned %+v, want it to wait for %q and to refuse with %q", plan, c.waits, c.refused)
			}
		})
	}
}

func TestAnIssuerIsAskedForTheNamesThatTheOperatorsOwnCertificateHas(t *testing.T) {
	if issued := build(v1alpha1.ChatPDFDeploymentSpec{}, nil).Issued; len(issued) > 0 {
		t.Errorf("nobody asked for %+v", issued)
	}
	objects := build(v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{
		TLS: v1alpha1.DatabaseTLSSpec{IssuerRef: &v1alpha1.IssuerRef{Name: "company"}},
	}}, nil)
	if len(objects.Issued) != 1 {
		t.Fatalf("%d Certificates", len(objects.Issued))
	}
	spec := objects.Issued[0].Spec
	if want := certificateRecipe(t, objects).DNSNames; !slices.Equal(spec.DNSNames, want) {
		t.Errorf("it asks for %q, want %q", spec.DNSNames, want)
	}
	if want := (stack.IssuedBy{Name: "company", Kind: "Issuer", Group: "cert-manager.io"}); spec.IssuerRef != want {
		t.Errorf("it asks %+v, want %+v", spec.IssuerRef, want)
	}
	if !slices.Contains(spec.Usages, "client auth") || !slices.Contains(spec.Usages, "server auth") {
		t.Errorf("members are servers and clients: %q", spec.Usages)
	}
}
