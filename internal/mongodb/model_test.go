package mongodb

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// world is a small model of a namespace with one replica set in it: pods, volumes and what the
// servers do by themselves (elections, heartbeats that spread configurations, initial sync, the
// vote that is held back). It exists to be broken at random.
type world struct {
	desired  int32
	replicas int
	fenced   []int  // the ordinals that a person wants fenced
	forced   string // the forced reconfiguration that a person asks for
	agent    string // the operator's image of the agent; one with brokenAgent in its name does not start
	members  []*simMember
	identity map[string]string // the ConfigMap's data; survives everything but its own loss
	nextUID  int
	nextSet  int

	primary int // index; -1 without
	term    int
	acked   int // highest write that a majority held when it was acknowledged

	diskLost    bool // some volume with data was lost
	initiations int
}

type simMember struct {
	podUID   types.UID
	outdated bool
	failed   bool // its node does not answer
	held     bool // its pod runs, and mongod in it does not: it is fenced
	gone     bool // there is no node for it: its pod cannot start
	claimUID types.UID
	claim    ClaimRecord
	volume   simVolume
	agent    AgentUpdate
	runs     string // the agent's container
	made     string // the image that it was made from
}

const (
	templateAgent = "agent:1"
	brokenAgent   = "broken"
)

// agentImage is what the pod's spec says.
func (m *simMember) agentImage() string { return cmp.Or(m.agent.Image, templateAgent) }

// agentRuns says that the agent which was asked for last runs.
func (m *simMember) agentRuns() bool {
	return !m.failed && !m.gone && m.made == m.agentImage() && m.made != brokenAgent
}

// observedAgent is what the kubelet tells of it.
func (m *simMember) observedAgent() Agent {
	runs := !m.failed && !m.gone && m.made != brokenAgent
	return Agent{
		Update: m.agent, Image: m.agentImage(), Container: m.runs,
		Ready: runs && !m.agent.Pending(m.runs, m.agentImage()), Failed: !m.failed && !m.gone && m.made == brokenAgent,
	}
}

// simVolume is what a disk holds.
type simVolume struct {
	set     string // empty: nothing
	user    bool   // our user exists
	synced  bool
	written int // newest write
	config  simConfig
}

type simConfig struct {
	version int // a thousand for each term: a new primary's configuration is newer than any before
	members []simVoter
	brisk   bool // its elections are shortened
}

type simVoter struct {
	index, id int
	held      bool // the server holds the vote back
}

func newWorld(desired int32) *world {
	return &world{desired: desired, primary: -1, agent: templateAgent}
}

func (w *world) uid(kind string) types.UID {
	w.nextUID++
	return types.UID(fmt.Sprintf("%s-%d", kind, w.nextUID))
}

func (w *world) up(i int) bool {
	return i < len(w.members) && w.members[i].podUID != "" && !w.members[i].failed && !w.members[i].gone && !w.members[i].held
}

func (c simConfig) voter(i int) (simVoter, bool) {
	at := slices.IndexFunc(c.members, func(v simVoter) bool { return v.index == i })
	if at < 0 {
		return simVoter{}, false
	}
	return c.members[at], true
}

func (c simConfig) quorum() int {
	votes := 0
	for _, v := range c.members {
		if !v.held {
			votes++
		}
	}
	return votes/2 + 1
}

// supporters may vote for a member: voters of its configuration whose own is not newer.
func (w *world) supporters(candidate int, mayVote func(int) bool) []int {
	own := w.members[candidate].volume
	var all []int
	for _, v := range own.config.members {
		other := w.members[v.index].volume
		if !v.held && mayVote(v.index) && other.set == own.set && other.config.version <= own.config.version {
			all = append(all, v.index)
		}
	}
	return all
}

// listed says that a member is fenced, as its agent reads it.
func (w *world) listed(i int) bool {
	return slices.Contains(strings.Fields(w.identity[KeyFenced]), PodName("docs", i))
}

// tick lets the servers do one round of what they do by themselves.
func (w *world) tick() {
	for i, m := range w.members {
		m.held = m.held && w.listed(i)
		if m.made != m.agentImage() && !m.failed {
			m.runs, m.made = string(w.uid("container")), m.agentImage() // the kubelet starts the agent anew
		}
	}
	w.elect()
	w.spread()
	if w.primary < 0 {
		return
	}
	source := &w.members[w.primary].volume
	for _, v := range source.config.members {
		if m := w.members[v.index]; w.up(v.index) && m.volume.set == source.set && m.volume.config.version == source.config.version {
			if v.held && w.committed() {
				w.releaseVote(v.index)
			}
			m.volume.synced, m.volume.written, m.volume.user = true, source.written, source.user
		}
	}
	source.written++
	holders := 1
	for _, v := range source.config.members {
		if m := w.members[v.index]; v.index != w.primary && !v.held && w.up(v.index) && m.volume.set == source.set && m.volume.synced {
			m.volume.written = source.written
			holders++
		}
	}
	if holders >= source.config.quorum() {
		w.acked = source.written
	}
}

// elect keeps the primary while a majority answers it, else has the one elected that knows most.
func (w *world) elect() {
	able := func(i int) bool {
		m := w.members[i].volume
		_, member := m.config.voter(i)
		return w.up(i) && m.set != "" && m.synced && member && len(w.supporters(i, w.up)) >= m.config.quorum()
	}
	if w.primary >= 0 && able(w.primary) {
		return
	}
	w.primary = -1
	for i := range w.members {
		if !able(i) {
			continue
		}
		a := w.members[i].volume
		if w.primary < 0 || a.config.version > w.members[w.primary].volume.config.version || a.config.version == w.members[w.primary].volume.config.version && a.written > w.members[w.primary].volume.written {
			w.primary = i
		}
	}
	if w.primary >= 0 {
		w.newTerm()
	}
}

// newTerm is what a primary does first: its configuration gets its term, and has to be committed
// before another one is taken.
func (w *world) newTerm() {
	w.term++
	config := &w.members[w.primary].volume.config
	config.version = 1000*w.term + config.version%1000
}

// spread is heartbeats: everybody who is up takes the newest configuration that names it, also
// with an empty disk.
func (w *world) spread() {
	for i := range w.members {
		if !w.up(i) || w.members[i].volume.set == "" {
			continue
		}
		from := w.members[i].volume
		targets := slices.Clone(from.config.members)
		for j := range w.members { // members that were removed hear of it from the others
			if _, named := from.config.voter(j); !named {
				targets = append(targets, simVoter{index: j})
			}
		}
		for _, v := range targets {
			if !w.up(v.index) {
				continue
			}
			to := &w.members[v.index].volume
			_, named := from.config.voter(v.index)
			switch {
			case to.set == "" && named:
				*to = simVolume{set: from.set, config: from.config}
			case to.set == from.set && to.config.version < from.config.version:
				to.config = from.config
			}
		}
	}
}

// releaseVote is the server's own reconfiguration when a new member has caught up.
func (w *world) releaseVote(i int) {
	source := &w.members[w.primary].volume
	source.config = source.config.changed(func(voters []simVoter) []simVoter {
		for at := range voters {
			if voters[at].index == i {
				voters[at].held = false
			}
		}
		return voters
	})
}

func (c simConfig) changed(change func([]simVoter) []simVoter) simConfig {
	c.version++
	c.members = change(slices.Clone(c.members))
	return c
}

// committed says that a majority of the voters has the primary's configuration.
func (w *world) committed() bool {
	config := w.members[w.primary].volume.config
	has := 0
	for _, v := range config.members {
		if !v.held && w.up(v.index) && w.members[v.index].volume.config.version == config.version {
			has++
		}
	}
	return has >= config.quorum()
}

func (w *world) host(i int) string {
	return MemberHost("docs", "ns", "cluster.local", i)
}

func (w *world) index(host string) int {
	for i := range w.members {
		if w.host(i) == host {
			return i
		}
	}
	return -1
}

// state is what member i is.
func (w *world) state(i int) State {
	v := w.members[i].volume
	_, named := v.config.voter(i)
	switch {
	case !w.up(i):
		return StateUnreachable
	case v.set == "", !named && !v.user:
		return StateNotYetInitialized
	case !named:
		return StateRemoved
	case !v.synced:
		return StateStartup2
	case i == w.primary:
		return StatePrimary
	}
	return StateSecondary
}

// snapshot is what a watcher would see.
func (w *world) snapshot() Snapshot {
	s := Snapshot{Probes: map[string]Probe{}, Reports: map[string]Report{}, AppUser: UserPresent, MetricsUser: UserPresent, BackupUser: UserPresent}
	for i, m := range w.members {
		if m.podUID != "" && !m.failed && !m.gone {
			s.Reports[w.host(i)] = Report{PodUID: m.podUID, Fences: true, Fenced: w.listed(i), Stopped: m.held}
		}
	}
	for i, m := range w.members {
		probe := Probe{Reached: w.up(i), State: w.state(i)}
		if !probe.Reached {
			probe.Error = "connection refused"
			s.Probes[w.host(i)] = probe
			continue
		}
		probe.KnowsAdmin = m.volume.user
		if _, named := m.volume.config.voter(i); named {
			probe.SetName = "docs"
		}
		if m.volume.user {
			probe.ReplicaSetID = m.volume.set
		}
		if w.primary >= 0 && m.volume.synced {
			probe.Lag = LagNone
		}
		s.Probes[w.host(i)] = probe
	}
	from := w.primary
	for i := range w.members {
		if from < 0 && w.state(i) == StateSecondary && w.members[i].volume.user {
			from = i
		}
	}
	if from < 0 || !w.members[from].volume.user {
		return s
	}
	v := w.members[from].volume
	s.Login = LoginSucceeded
	s.Config = &Config{ReplicaSetID: v.set, Version: int64(v.config.version), ElectionTimeout: defaultElectionTimeout}
	if v.config.brisk {
		s.Config.ElectionTimeout = ElectionTimeout
	}
	for _, m := range v.config.members {
		s.Config.Members = append(s.Config.Members, ConfigMember{ID: m.id, Host: w.host(m.index), Votes: 1, Priority: 1})
		if !m.held {
			s.Config.Voters++
		}
	}
	if w.primary >= 0 {
		s.Primary = w.host(w.primary)
		s.Config.Committed = w.committed()
	}
	return s
}

func (w *world) observe(s Snapshot) Observed {
	identity, err := ParseIdentity(w.identity)
	if err != nil {
		panic(err)
	}
	o := Observed{
		Deployment: "docs", Desired: w.desired, StatefulSetReplicas: int32(w.replicas), CredentialsExist: true,
		Identity: identity, ForcedReconfiguration: w.forced, Fenced: w.fenced, Database: s,
		AgentImage: w.agent, TemplateAgentImage: templateAgent,
	}
	for i, m := range w.members {
		o.Members = append(o.Members, Member{
			Ordinal: i, Host: w.host(i), PodUID: m.podUID, PodRunning: m.podUID != "" && !m.gone && !m.failed, PodReady: w.up(i) && w.serves(i),
			PodOutdated: m.outdated, Agent: m.observedAgent(), ClaimUID: m.claimUID, ClaimOurs: true, Claim: m.claim,
		})
	}
	return o
}

func (w *world) serves(i int) bool {
	state := w.state(i)
	return state == StatePrimary || state == StateSecondary
}

// scale is the StatefulSet's controller.
func (w *world) scale(replicas int) {
	w.replicas = replicas
	for len(w.members) < replicas {
		w.members = append(w.members, &simMember{})
	}
	for i, m := range w.members {
		switch {
		case i >= replicas:
			m.podUID = ""
		case m.podUID == "":
			m.podUID, m.outdated, m.held = w.uid("pod"), false, w.listed(i)
			m.agent, m.runs, m.made = AgentUpdate{}, string(w.uid("container")), templateAgent
			if m.claimUID == "" {
				m.claimUID = w.uid("claim")
			}
		}
	}
}

// loseNode takes a member away for good: its volume, its pod, and the place where another one could start.
func (w *world) loseNode(i int) {
	w.loseVolume(i)
	w.members[i].gone = true
}

// loseVolume takes the volume away with all that it holds; a new one is made with the next pod.
func (w *world) loseVolume(i int) {
	m := w.members[i]
	w.diskLost = w.diskLost || m.volume.set != ""
	m.podUID, m.claimUID, m.claim, m.volume = "", "", ClaimRecord{}, simVolume{}
}

func (w *world) sets() []string {
	all := map[string]bool{}
	for _, m := range w.members {
		if m.volume.set != "" {
			all[m.volume.set] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}
