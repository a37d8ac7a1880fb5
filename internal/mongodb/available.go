package mongodb

// Availability says whether the replica set takes writes.
type Availability struct {
	// Available is true while there is a primary and the application's user exists.
	Available bool
	// Reason in CamelCase: NotObservedYet means that nobody knows yet.
	Reason string
	// Message is a sentence that names what is missing.
	Message string
}

// Available judges whether the application can write.
func Available(o Observed) Availability {
	v := newView(o)
	primary, found := v.primary()
	switch {
	case found && o.Database.AppUser == UserPresent:
		return Availability{Available: true, Reason: ReasonPrimaryElected, Message: v.name(primary) + " is primary."}
	case found && o.Database.AppUser == UserMissing:
		return Availability{Reason: ReasonApplicationUserMissing, Message: "The application's user is being made."}
	case found:
		return Availability{Reason: ReasonNotObservedYet, Message: v.name(primary) + " is primary; whether the application may log in has not been read yet."}
	}
	decision := Next(o)
	return Availability{Reason: decision.Reason, Message: decision.Message}
}

// MemberState is one member as people see it.
type MemberState struct {
	// Name of the pod.
	Name string
	// State in MongoDB's words, or UNREACHABLE or NOT_YET_INITIALIZED.
	State State
	// Lag behind the primary.
	Lag Lag
}

// Left are the volume claims of members that are neither wanted nor part of the set any more, by ordinal. There are
// none while it is not known for sure who is part of the set: such a volume may be the one that holds the data.
func Left(o Observed) []string {
	v := newView(o)
	if !v.configKnown() {
		return nil
	}
	var left []string
	for _, m := range v.Members {
		if _, in := v.configured(m); !in && !v.wanted(m) && m.ClaimUID != "" && m.ClaimOurs && m.PodUID == "" {
			left = append(left, ClaimName(v.Deployment, m.Ordinal))
		}
	}
	return left
}

// States lists the members that are desired or in the configuration, by ordinal.
func States(o Observed) []MemberState {
	v := newView(o)
	var states []MemberState
	for _, m := range v.Members {
		if _, in := v.configured(m); in || v.wanted(m) {
			states = append(states, MemberState{Name: v.name(m), State: v.state(m), Lag: v.lag(m)})
		}
	}
	return states
}
