package mongodb

// Next decides the next step. It never changes o. The same Observed gives the same Decision.
func Next(o Observed) Decision {
	v := newView(o)
	checks := []func(view) *Decision{
		memberCount,
		credentials,
		oneReplicaSet,
		lostPods,
		brokenAgents,
		identityOnClaims,
		bootstrap,
		released,
		configKnown,
		onlyOurMembers,
		forcedReconfiguration,
		primaryKnown,
		identityComplete,
		applicationUser,
		configCommitted,
		surplusMembers,
		replacedVolumes,
		missingMembers,
		votelessMembers,
		fencing,
		allHealthy,
		electionTimeout,
		rolloutSeen,
		outdatedPods,
		featureCompatibility,
		metricsUser,
		backupUser,
		adminPassword,
		retiredUsers,
		agentImages,
	}
	for _, check := range checks {
		if decision := check(v); decision != nil {
			return *decision
		}
	}
	return Decision{Reason: ReasonSettled, Message: "All members are part of the replica set and healthy.", Settled: true}
}

// Hosts are the members to keep an eye on, by ordinal: all but volumes without a pod of members that
// have left.
func Hosts(o Observed) []string {
	v := newView(o)
	var hosts []string
	for _, m := range v.Members {
		if _, in := v.configured(m); in || v.wanted(m) || m.PodUID != "" || m.Ordinal < int(o.StatefulSetReplicas) {
			hosts = append(hosts, m.Host)
		}
	}
	return hosts
}

// FencedHosts are the members whose mongod may not run, as far as is recorded.
func FencedHosts(o Observed) []string {
	v := newView(o)
	var hosts []string
	for _, m := range v.Members {
		if v.fenced(m) {
			hosts = append(hosts, m.Host)
		}
	}
	return hosts
}

// configKnown says that a primary has told the configuration of this very set, and that a majority has taken it.
func (v view) configKnown() bool {
	config := v.Database.Config
	return config != nil && config.Committed && v.Database.Primary != "" && config.ReplicaSetID == v.identity.ReplicaSetID
}

// Replicas is what the StatefulSet's replicas should be now: it grows to what is desired, and
// shrinks only after the members are gone from a configuration that a majority has taken. While
// the configuration is not known, what runs goes on running; and where it is not known either what
// ran, every volume that is there gets its pod: only a member that runs can say what it holds.
func Replicas(o Observed) int32 {
	v := newView(o)
	replicas := o.Desired
	config := o.Database.Config
	for _, m := range config.members() {
		if ordinal, ours := v.ordinal(m.Host); ours {
			replicas = max(replicas, int32(ordinal)+1)
		}
	}
	if v.configKnown() {
		return replicas
	}
	replicas = max(replicas, o.StatefulSetReplicas)
	if o.StatefulSetReplicas > 0 && v.identity.ReplicaSetID != "" {
		return replicas // volumes beyond it are of members that have left
	}
	for _, m := range o.Members {
		if m.ClaimUID != "" {
			replicas = max(replicas, int32(m.Ordinal)+1)
		}
	}
	return replicas
}
