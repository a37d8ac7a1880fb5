package mongodb

import (
	"maps"
	"slices"
)

// AdminUsername is the operator's own user in the database admin.
const AdminUsername = "chatpdf-admin"

// bootstrap makes one member the first of a replica set, once. It has the last word until an
// identity is recorded.
func bootstrap(v view) *Decision {
	if v.identity.ReplicaSetID != "" {
		return nil
	}
	if config := v.Database.Config; config != nil && config.ReplicaSetID != "" {
		return v.adopt()
	}
	if v.Database.Login == LoginRefused {
		return stall(ReasonCredentialsRefused,
			"The volumes hold a database that refuses the user and password in Secret %s. Put back the Secret that was made with the volumes.", AdminSecretName(v.Deployment))
	}
	intent := v.identity.Intent
	chosen := slices.IndexFunc(v.Members, func(m Member) bool {
		// A volume that was deleted took what was begun on it along.
		return intent != nil && m.Host == intent.Host && (m.ClaimUID == "" || m.ClaimUID == intent.ClaimUID)
	})
	if chosen < 0 {
		return v.choose()
	}
	return v.initiate(v.Members[chosen])
}

// adopt records a set that our own password opens: the last operator stopped between bootstrap
// and record, or the record was lost.
func (v view) adopt() *Decision {
	config := v.Database.Config
	identity := Identity{
		ReplicaSetID: config.ReplicaSetID, HighestMemberID: highestID(config), FeatureCompatibility: v.featureCompatibility(),
		ForcedReconfiguration: v.ForcedReconfiguration, // nothing was lost that is known of
	}
	claims, hosts := v.claimWrites(config.ReplicaSetID)
	return take(Step{Kind: RecordIdentity, ReplicaSetID: config.ReplicaSetID, Identity: &identity, Claims: claims, Healthy: hosts},
		"Recording that this database is replica set %s.", config.ReplicaSetID)
}

// choose picks the one volume that may be initiated: only if every member was reached and every
// one is empty. A member that does not answer may hold the data.
func (v view) choose() *Decision {
	for _, m := range v.Members {
		if m.ClaimUID != "" && !m.ClaimOurs {
			return v.notOurs(m)
		}
		probe := v.probe(m)
		if probe.Reached && (probe.SetName != "" || probe.KnowsAdmin) {
			return stall(ReasonVolumeHoldsOtherData,
				"The volume of %s holds a database (%s) that was not made for this ChatPDFDeployment, or whose record is lost. Put back ConfigMap %s and the Secrets that belong to it, or delete volume claim %s.",
				v.name(m), v.state(m), IdentityName(v.Deployment), ClaimName(v.Deployment, m.Ordinal))
		}
	}
	for _, m := range v.Members {
		if decision := v.absent(m); decision != nil {
			return decision
		}
		if v.state(m) != StateNotYetInitialized {
			return wait(ReasonMemberStarting, "%s is %s.", v.name(m), v.state(m))
		}
	}
	if len(v.Members) == 0 {
		return wait(ReasonPodPending, "The members are being made.")
	}
	first := v.Members[0]
	return take(v.intentStep(first, hostsExcept(v.Members, "")), "Choosing %s as the first member.", v.name(first))
}

// initiate has the chosen member's agent initiate it; again and again until our password opens it.
func (v view) initiate(m Member) *Decision {
	for _, other := range v.Members {
		probe := v.probe(other)
		if other.Host != m.Host && probe.Reached && (probe.SetName != "" || probe.KnowsAdmin) {
			return stall(ReasonVolumeHoldsOtherData,
				"%s was chosen as the first member, but the volume of %s holds a database already. Delete volume claim %s if it is of no use.", v.name(m), v.name(other), ClaimName(v.Deployment, other.Ordinal))
		}
	}
	if decision := v.absent(m); decision != nil {
		return decision
	}
	if m.PodUID != v.identity.Intent.PodUID {
		return take(v.intentStep(m, nil), "Choosing the new pod of %s, with the same volume, as the first member.", v.name(m))
	}
	if v.Database.Login == LoginSucceeded {
		return wait(ReasonNotObservedYet, "%s is initiated; the replica set configuration has not been read yet.", v.name(m))
	}
	return take(Step{Kind: Bootstrap, Host: m.Host, Intent: v.identity.Intent}, "Initiating %s as the first member.", v.name(m))
}

func (v view) intentStep(m Member, empty []string) Step {
	identity := v.Observed.Identity
	identity.Intent = &Intent{Host: m.Host, PodUID: m.PodUID, ClaimUID: m.ClaimUID}
	return Step{Kind: RecordIntent, Host: m.Host, Empty: empty, Identity: &identity}
}

func (v view) notOurs(m Member) *Decision {
	return stall(ReasonVolumeNotOurs,
		"Volume claim %s was not made for this ChatPDFDeployment. Rename the ChatPDFDeployment, or delete the claim if it is of no use.", ClaimName(v.Deployment, m.Ordinal))
}

func highestID(config *Config) int {
	highest := 0
	for _, m := range config.members() {
		highest = max(highest, m.ID)
	}
	return highest
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
