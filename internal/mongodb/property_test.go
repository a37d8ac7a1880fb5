package mongodb

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"testing"
)

// execute carries a step out with the same last looks that the real one takes. It returns an error
// where the real one would.
func (w *world) execute(step Step) error {
	i := w.index(step.Host)
	switch step.Kind {
	case RecordIntent:
		for _, host := range step.Empty {
			if w.state(w.index(host)) != StateNotYetInitialized {
				return fmt.Errorf("%s is not empty", host)
			}
		}
	case RecordIdentity:
		for _, host := range step.Healthy {
			if !w.serves(w.index(host)) {
				return fmt.Errorf("%s does not serve", host)
			}
		}
	case Bootstrap:
		return w.bootstrap(i, *step.Intent)
	case RestartMember:
		return w.mayRestart(i, step)
	case AddMember, RemoveMember:
		return w.reconfigure(i, step)
	case ShortenElections:
		return w.shortenElections()
	case StepDown:
		for _, host := range step.Healthy {
			if !w.serves(w.index(host)) {
				return fmt.Errorf("%s does not serve", host)
			}
		}
		return w.stepDown(i)
	case ForceReconfiguration:
		return w.force(i, step)
	}
	return nil
}

// force goes round the majority: the version is above all that others can have.
func (w *world) force(i int, step Step) error {
	if w.primary >= 0 || !w.serves(i) {
		return fmt.Errorf("there is a primary, or member %d does not serve", i)
	}
	w.term += 100
	config := &w.members[i].volume.config
	*config = config.changed(func(voters []simVoter) []simVoter {
		voters = slices.DeleteFunc(voters, func(v simVoter) bool { return !slices.Contains(step.Healthy, w.host(v.index)) })
		for at := range voters {
			voters[at].held = false // the server holds no vote back where it is forced
		}
		return voters
	})
	config.version += 1000 * 100
	return nil
}

func (w *world) bootstrap(i int, intent Intent) error {
	m := w.members[i]
	if !w.up(i) || m.podUID != intent.PodUID {
		return fmt.Errorf("the agent of member %d does not answer, or is another pod's", i)
	}
	if m.volume.set == "" {
		w.nextSet++
		w.initiations++
		m.volume = simVolume{set: fmt.Sprintf("set-%d", w.nextSet), synced: true, config: simConfig{version: 1, members: []simVoter{{index: i}}}}
	}
	m.volume.user = true
	return nil
}

func (w *world) mayRestart(i int, step Step) error {
	if w.state(i) != step.Expect {
		return fmt.Errorf("member %d is %s", i, w.state(i))
	}
	for _, host := range step.Healthy {
		if !w.serves(w.index(host)) || w.primary < 0 || !w.committed() {
			return fmt.Errorf("%s does not serve", host)
		}
	}
	return nil
}

func (w *world) reconfigure(i int, step Step) error {
	if w.primary < 0 || !w.committed() {
		return fmt.Errorf("no primary, or the last configuration is not committed")
	}
	source := &w.members[w.primary].volume
	_, named := source.config.voter(i)
	if step.Kind == AddMember {
		if named || slices.ContainsFunc(source.config.members, func(v simVoter) bool { return v.id == step.MemberID }) {
			return fmt.Errorf("member %d or its id is there", i)
		}
		source.config = source.config.changed(func(voters []simVoter) []simVoter {
			return append(voters, simVoter{index: i, id: step.MemberID, held: true})
		})
		return nil
	}
	if !named {
		return nil
	}
	if i == w.primary {
		return fmt.Errorf("member %d is primary", i)
	}
	without := source.config.changed(func(voters []simVoter) []simVoter {
		return slices.DeleteFunc(voters, func(v simVoter) bool { return v.index == i })
	})
	healthy := 0
	for _, v := range without.members {
		if !v.held && w.serves(v.index) {
			healthy++
		}
	}
	if healthy < without.quorum() {
		return fmt.Errorf("no majority without member %d", i)
	}
	source.config = without
	return nil
}

func (w *world) shortenElections() error {
	if w.primary < 0 || !w.committed() {
		return fmt.Errorf("no primary, or the last configuration is not committed")
	}
	config := &w.members[w.primary].volume.config
	*config = config.changed(func(voters []simVoter) []simVoter { return voters })
	config.brisk = true
	return nil
}

func (w *world) stepDown(i int) error {
	if i != w.primary {
		return nil
	}
	old := w.members[i].volume
	for _, v := range old.config.members {
		if v.index != i && !v.held && w.state(v.index) == StateSecondary && w.members[v.index].volume.config.version == old.config.version {
			w.primary = v.index
			w.members[v.index].volume.written = old.written
			w.newTerm()
			return nil
		}
	}
	return fmt.Errorf("nobody can take over")
}

// write is the API server's part of a step.
func (w *world) write(step Step) {
	if step.Identity != nil {
		w.identity = step.Identity.Data()
	}
	for _, claim := range step.Claims {
		for i, m := range w.members {
			if ClaimName("docs", i) == claim.Name && m.claimUID == claim.UID {
				m.claim = ParseClaimRecord(claim.Record.Annotations())
			}
		}
	}
	for _, m := range w.members {
		switch {
		case step.Pod == nil || m.podUID != step.Pod.UID:
		case step.Agent != nil:
			m.agent = *step.Agent
		default:
			m.podUID = ""
		}
	}
}

// run is one random life of a deployment.
type run struct {
	*world
	t    *testing.T
	rng  *rand.Rand
	ids  map[int]string // which volume a member id was given to
	last Decision
}

// pass is one reconcile that looks at a snapshot, which may be old.
func (r *run) pass(s Snapshot, crash bool) {
	r.scale(int(Replicas(r.observe(s))))
	observed := r.observe(s)
	r.last = Next(observed)
	for i, m := range r.members {
		if r.last.Settled && m.podUID != "" && !m.outdated && m.agent.Image == r.agent && !m.agentRuns() {
			r.t.Fatalf("settled, while the agent beside member %d was exchanged and does not run", i)
		}
	}
	if r.last.Step == nil {
		return
	}
	step := *r.last.Step
	r.before(observed, step)
	hadQuorum := r.quorum()
	if err := r.execute(step); err != nil {
		if reflect.DeepEqual(s, r.snapshot()) {
			r.t.Fatalf("%s %s was planned although the last look refuses it: %v", step.Kind, step.Host, err)
		}
		return
	}
	if !crash {
		r.write(step)
	}
	r.after(step, hadQuorum)
}

// quorum says that a majority of the voters of the primary's configuration serves.
func (r *run) quorum() bool {
	if r.primary < 0 || r.primary >= len(r.members) {
		return false
	}
	config := r.members[r.primary].volume.config
	healthy := 0
	for _, v := range config.members {
		if !v.held && r.serves(v.index) {
			healthy++
		}
	}
	return healthy >= config.quorum()
}

func (r *run) before(o Observed, step Step) {
	switch step.Kind {
	case Bootstrap, RecordIntent:
		if step.Kind == Bootstrap && step.Intent.ClaimUID != r.members[r.index(step.Host)].claimUID {
			r.t.Fatalf("the intent names volume %s", step.Intent.ClaimUID)
		}
		if o.Identity.ReplicaSetID != "" || slices.ContainsFunc(o.Members, func(m Member) bool { return m.Claim.ReplicaSetID != "" }) {
			r.t.Fatalf("%s although an identity is recorded", step.Kind)
		}
	case AddMember:
		volume := string(r.members[r.index(step.Host)].claimUID)
		if given, taken := r.ids[step.MemberID]; taken && given != volume {
			r.t.Fatalf("member id %d was given to %s and then to %s", step.MemberID, given, volume)
		}
		r.ids[step.MemberID] = volume
	}
}

func (r *run) after(step Step, hadQuorum bool) {
	alone := hadQuorum && len(r.members[r.primary].volume.config.members) == 1
	if hadQuorum && !r.quorum() && !(step.Kind == RestartMember && alone) {
		r.t.Fatalf("%s %s took the majority away", step.Kind, step.Host)
	}
	broken := 0
	for _, m := range r.members {
		if m.podUID != "" && m.agentImage() == brokenAgent {
			broken++
		}
	}
	if step.Kind == UpdateAgent && broken > 1 {
		r.t.Fatalf("%d members were given an agent that does not start", broken)
	}
	if sets := r.sets(); len(sets) > 1 {
		r.t.Fatalf("%s %s made a second replica set: %v", step.Kind, step.Host, sets)
	}
	if !r.diskLost { // a disk that was lost forgets whom it voted for; no step of ours can mend that
		r.noTwoPrimaries()
	}
}

// noTwoPrimaries checks that no two configurations which are held anywhere have majorities that
// could each elect a primary without sharing a voter, whoever answers.
func (r *run) noTwoPrimaries() {
	everybody := func(int) bool { return true }
	for a := range r.members {
		for b := range r.members[:a] {
			va, vb := r.members[a].volume, r.members[b].volume
			if va.set == "" || vb.set == "" || va.config.version == vb.config.version {
				continue
			}
			sa, sb := r.supporters(a, everybody), r.supporters(b, everybody)
			qa, qb := va.config.quorum(), vb.config.quorum()
			both := slices.Compact(slices.Sorted(slices.Values(slices.Concat(sa, sb))))
			if len(sa) >= qa && len(sb) >= qb && len(both) >= qa+qb {
				r.t.Fatalf("configurations %d and %d can each elect a primary: %v %v", va.config.version, vb.config.version, sa, sb)
			}
		}
	}
}

// disturb does one thing that is not ours to prevent.
func (r *run) disturb(loseDisks bool) {
	i := r.rng.IntN(max(1, len(r.members)))
	if i >= len(r.members) {
		return
	}
	switch m := r.members[i]; r.rng.IntN(13) {
	case 0, 1:
		m.failed = true
	case 2, 3, 4:
		m.failed = false
	case 5:
		m.podUID = "" // evicted
	case 6:
		for _, m := range r.members {
			m.outdated = m.podUID != ""
		}
	case 7:
		r.desired = []int32{1, 3, 5, 7}[r.rng.IntN(4)]
		r.fenced = nil // the API server refuses to have a majority fenced
	case 8:
		if loseDisks {
			r.loseVolume(i)
		}
	case 9:
		r.forced = fmt.Sprint("request ", r.rng.IntN(3))
	case 10:
		r.fenced = r.rng.Perm(int(r.desired))[:r.rng.IntN(int(r.desired)/2+1)]
	case 11:
		r.fenced = nil
	case 12: // the operator is upgraded, or rolled back
		r.agent = []string{templateAgent, "agent:2", "agent:3", brokenAgent}[r.rng.IntN(4)]
	}
}

func (r *run) heal() {
	r.fenced = nil
	if r.agent == brokenAgent {
		r.agent = templateAgent
	}
	for _, m := range r.members {
		m.failed = false
	}
	for range 400 {
		r.tick()
		r.pass(r.snapshot(), false)
		if r.last.Settled && r.replicas == int(r.desired) && r.committed() {
			return
		}
	}
}

func live(t *testing.T, seed uint64, loseDisks bool) *run {
	rng := rand.New(rand.NewPCG(seed, seed))
	r := &run{world: newWorld([]int32{1, 3, 5, 7}[rng.IntN(4)]), t: t, rng: rng, ids: map[int]string{}}
	for range 10 + rng.IntN(150) {
		old := r.snapshot()
		for range rng.IntN(3) {
			r.tick()
		}
		if rng.IntN(3) == 0 {
			r.disturb(loseDisks)
		}
		if rng.IntN(4) > 0 {
			old = r.snapshot()
		}
		r.pass(old, rng.IntN(10) == 0)
		if !loseDisks && rng.IntN(40) == 0 && slices.ContainsFunc(r.members, func(m *simMember) bool { return m.claim.ReplicaSetID != "" }) {
			r.identity = nil // somebody deletes the ConfigMap
		}
	}
	r.heal()
	return r
}

// seeds are always the same, so that a failure is nobody's bad luck; a soak takes many more, from
// SOAK_SEED on.
func seeds(t *testing.T) iter.Seq[uint64] {
	t.Helper()
	first, count := uint64(0), uint64(400)
	if text := os.Getenv("SOAK_SEED"); text != "" {
		var err error
		if first, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("SOAK_SEED is %q, not a number: %v", text, err)
		}
		count = 40_000
	}
	return func(yield func(uint64) bool) {
		for i := range count {
			if !yield(first + i) {
				return
			}
		}
	}
}

func TestWhateverFailsTheSetConvergesAndIsNeverSplit(t *testing.T) {
	for seed := range seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := live(t, seed, false)
			if !r.last.Settled || r.replicas != int(r.desired) {
				t.Fatalf("does not converge: %+v, replicas %d of %d, config %+v", r.last, r.replicas, r.desired, r.snapshot().Config)
			}
			if r.initiations != 1 {
				t.Fatalf("initiated %d times", r.initiations)
			}
			for i, m := range r.members {
				if m.podUID != "" && (m.agentImage() != r.agent || !m.agentRuns()) {
					t.Fatalf("beside member %d is agent %+v, not %s", i, m.agent, r.agent)
				}
			}
			if written := r.members[r.primary].volume.written; written < r.acked {
				t.Fatalf("acknowledged write %d is lost: the primary has %d", r.acked, written)
			}
		})
	}
}

func TestWhateverDisksAreLostTheSetIsNeverSplitNorInitiatedAgain(t *testing.T) {
	for seed := range seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := live(t, seed, true)
			if !r.last.Settled && !r.last.Stalled && !r.lostForGood() {
				t.Fatalf("neither converges nor stalls: %+v, config %+v", r.last, r.snapshot().Config)
			}
		})
	}
}

// TestAMajorityThatIsGoneIsGivenUpOnlyOnRequestAndTheRestKeepsWhatItHolds loses the nodes and volumes of a majority.
func TestAMajorityThatIsGoneIsGivenUpOnlyOnRequestAndTheRestKeepsWhatItHolds(t *testing.T) {
	for seed := range seeds(t) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := live(t, seed, false)
			r.desired = 7
			for range r.rng.IntN(30) { // members may be on their way in
				r.tick()
				r.pass(r.snapshot(), false)
			}
			var voters []int
			for _, v := range r.members[r.primary].volume.config.members {
				if !v.held {
					voters = append(voters, v.index)
				}
			}
			r.rng.Shuffle(len(voters), func(i, j int) { voters[i], voters[j] = voters[j], voters[i] })
			for _, i := range voters[:len(voters)/2+1] {
				r.loseNode(i)
			}
			var left []int
			newest := 0
			for i := range r.members {
				if r.serves(i) {
					left = append(left, i)
				}
			}
			for _, i := range voters[len(voters)/2+1:] {
				newest = max(newest, r.members[i].volume.written)
			}
			if len(left) == 0 {
				return // nothing that could go on
			}
			passes := func(enough func() bool) bool {
				for range 400 {
					r.tick()
					r.pass(r.snapshot(), false)
					if enough() {
						return true
					}
				}
				return false
			}
			if passes(func() bool { return r.primary >= 0 }) {
				t.Fatal("a primary without a majority, and nobody asked for it")
			}
			r.forced = "by a person"
			if !passes(func() bool { return r.primary >= 0 && r.identity["forcedReconfiguration"] == r.forced }) {
				t.Fatalf("no primary although it was asked for: %+v; left %v, configuration %+v", r.last, left, r.snapshot().Config)
			}
			if written := r.members[r.primary].volume.written; !slices.Contains(left, r.primary) || written < newest {
				t.Fatalf("member %d of %v is primary with write %d, one that was left has %d", r.primary, left, written, newest)
			}
			for _, m := range r.members {
				m.gone = false
			}
			if r.heal(); !r.last.Settled || r.replicas != int(r.desired) {
				t.Fatalf("does not become whole: %+v", r.last)
			}
		})
	}
}

// lostForGood says that a disk was lost and that nobody can be elected although all answer: only a
// person can help.
func (r *run) lostForGood() bool { return r.diskLost && r.primary < 0 }
