package mongodb

import (
	"fmt"
	"strings"
)

func memberCount(v view) *Decision {
	if v.Desired >= 1 && v.Desired <= MaxMembers {
		return nil
	}
	return stall(ReasonMembersInvalid, "mongodb.members is %d; set it to a number from 1 to %d.", v.Desired, MaxMembers)
}

// credentials: a volume whose password is lost must not get a new one.
func credentials(v view) *Decision {
	if v.CredentialsExist {
		return nil
	}
	for _, m := range v.Members {
		if m.ClaimUID != "" {
			return stall(ReasonCredentialsMissing,
				"Volume claim %s exists, but not all Secrets that open its database do (%s, %s, %s-keyfile, %s-agent). Restore them from a backup of the namespace; or, to start empty, delete the volume claims of this database and ConfigMap %s.",
				ClaimName(v.Deployment, m.Ordinal), AdminSecretName(v.Deployment), AppSecretName(v.Deployment),
				StatefulSetName(v.Deployment), StatefulSetName(v.Deployment), IdentityName(v.Deployment))
		}
	}
	return wait(ReasonCredentialsPending, "The Secrets of the database are being made.")
}

// oneReplicaSet: everything that gives an id or a name of a replica set gives the same.
func oneReplicaSet(v view) *Decision {
	ids := map[string][]string{}
	say := func(id, source string) {
		if id != "" {
			ids[id] = append(ids[id], source)
		}
	}
	say(v.Observed.Identity.ReplicaSetID, "ConfigMap "+IdentityName(v.Deployment))
	for _, m := range v.Members {
		say(m.Claim.ReplicaSetID, "volume claim "+ClaimName(v.Deployment, m.Ordinal))
		say(v.probe(m).ReplicaSetID, "member "+v.name(m))
		if name := v.probe(m).SetName; name != "" && name != v.Deployment {
			return stall(ReasonSetNameDiffers, "The volume of %s holds data of a replica set named %q, not %q. Give the member a volume of its own, or name the ChatPDFDeployment after the replica set.", v.name(m), name, v.Deployment)
		}
	}
	if c := v.Database.Config; c != nil {
		say(c.ReplicaSetID, "the replica set configuration")
	}
	if len(ids) <= 1 {
		return nil
	}
	var all []string
	for _, id := range sortedKeys(ids) {
		all = append(all, fmt.Sprintf("%s (%s)", id, strings.Join(ids[id], ", ")))
	}
	return stall(ReasonReplicaSetIDsDiffer,
		"Parts of this database belong to different replica sets: %s. Find out which one holds your data, and remove the volume claims (or the ConfigMap's record) of the others.", strings.Join(all, "; "))
}

// configKnown: with an identity recorded nothing is initiated again, whatever the members say.
func configKnown(v view) *Decision {
	if v.Database.Login == LoginRefused {
		return stall(ReasonCredentialsRefused,
			"The database refuses the user and password in Secret %s. Put back the Secret that was made with the volumes.", AdminSecretName(v.Deployment))
	}
	if v.Database.Config != nil {
		return nil
	}
	empty := 0
	for _, m := range v.Members {
		if v.state(m) == StateNotYetInitialized {
			empty++
		}
	}
	if empty > 0 && empty == len(v.Members) {
		return stall(ReasonAllVolumesEmpty,
			"This database was made as replica set %s, but every volume is empty now. Restore the volumes or a backup; or, to start empty, delete ConfigMap %s and the annotations %s of the volume claims.",
			v.identity.ReplicaSetID, IdentityName(v.Deployment), AnnotationReplicaSetID)
	}
	for _, m := range v.Members {
		state := v.state(m)
		if (state == StatePrimary || state == StateSecondary) && !v.probe(m).KnowsAdmin {
			return stall(ReasonAdminUserMissing,
				"%s holds data but has no user %q. Create it with role root and the password in Secret %s, or put back the volumes that belong to this database.", v.name(m), AdminUsername, AdminSecretName(v.Deployment))
		}
	}
	for _, m := range v.Members {
		if decision := v.absent(m); decision != nil {
			return decision
		}
	}
	var states []string
	for _, m := range v.Members {
		states = append(states, fmt.Sprintf("%s (%s)", v.name(m), v.state(m)))
	}
	return wait(ReasonNoPrimary, "The members answer, but none serves yet: %s.", strings.Join(states, ", "))
}

// absent says why a member cannot be asked; nil if it answers.
func (v view) absent(m Member) *Decision {
	switch probe, asked := v.Database.Probes[m.Host]; {
	case m.ClaimUID == "":
		return wait(ReasonVolumePending, "%s has no volume claim yet.", v.name(m))
	case m.PodUID == "":
		return wait(ReasonPodPending, "%s has no pod yet.", v.name(m))
	case m.PodTerminating:
		return wait(ReasonMemberRestarting, "%s is being stopped.", v.name(m))
	case !m.PodRunning:
		return wait(ReasonPodPending, "mongod in pod %s does not run yet. `kubectl describe pod %s` says why if this lasts.", v.name(m), v.name(m))
	case !asked:
		return wait(ReasonNotObservedYet, "%s has not been asked yet.", v.name(m))
	case !probe.Reached:
		return wait(ReasonMemberUnreachable, "%s does not answer: %s.", v.name(m), probe.Error)
	}
	return nil
}

// onlyOurMembers: somebody else's member is not ours to remove, and counts in every majority.
func onlyOurMembers(v view) *Decision {
	for _, c := range v.Database.Config.members() {
		if _, ours := v.ordinal(c.Host); !ours {
			return stall(ReasonUnknownMember,
				"The replica set configuration names %s, which is no member of this ChatPDFDeployment. Remove it with rs.remove(%q), or put back the cluster domain that the members were made with.", c.Host, c.Host)
		}
	}
	return nil
}

func primaryKnown(v view) *Decision {
	if v.Database.Primary != "" {
		return nil
	}
	down := v.notServing()
	if down == "" {
		return wait(ReasonNoPrimary, "The members are electing a primary.")
	}
	hint := ""
	switch request := v.ForcedReconfiguration; {
	case v.majorityCanVote():
	case request != "" && request == v.identity.ForcedReconfiguration:
		hint = fmt.Sprintf(" Forced reconfiguration %q is used up: where these are lost for good, ask with another text.", request)
	default:
		hint = " Where these are lost for good, mongodb.forcedReconfiguration lets the others go on."
	}
	return wait(ReasonNoPrimary, "There is no primary: a majority of the voters must answer. Not serving: %s.%s", down, hint)
}

func configCommitted(v view) *Decision {
	if v.Database.Config.Committed {
		return nil
	}
	return wait(ReasonConfigNotCommitted, "A majority has not taken the last change of the replica set configuration yet.")
}

// allHealthy: nothing is left to add or remove, but a member does not serve.
func allHealthy(v view) *Decision {
	for _, m := range v.inConfig() {
		if v.serves(m) || v.fenced(m) {
			continue
		}
		if decision := v.absent(m); decision != nil {
			return decision
		}
		if state := v.state(m); state == StateStartup || state == StateStartup2 || state == StateNotYetInitialized {
			return wait(ReasonMemberSyncing, "%s is copying the data (%s).", v.name(m), state)
		}
		return wait(ReasonMemberUnhealthy, "%s is %s.", v.name(m), v.state(m))
	}
	return v.syncing()
}
