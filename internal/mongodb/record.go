package mongodb

import "slices"

// identityOnClaims writes the ConfigMap again if it was lost while the volumes remember.
func identityOnClaims(v view) *Decision {
	if v.identity.ReplicaSetID == "" || v.Observed.Identity.ReplicaSetID != "" {
		return nil
	}
	identity := v.identity
	// Whether it was carried out is forgotten with the rest: never is it because a record was lost.
	identity.ForcedReconfiguration = v.ForcedReconfiguration
	identity.Fenced = v.toFence()
	return take(Step{Kind: RecordIdentity, ReplicaSetID: identity.ReplicaSetID, Identity: &identity},
		"Recording again what the volume claims remember: replica set %s.", identity.ReplicaSetID)
}

// identityComplete keeps the record up with the configuration: the highest member id, which
// member was added, and on each volume that holds the data as which member it does.
func identityComplete(v view) *Decision {
	config, recorded := v.Database.Config, v.Observed.Identity
	identity := v.record()
	identity.HighestMemberID = max(identity.HighestMemberID, highestID(config))
	added := recorded.Adding != nil && slices.ContainsFunc(config.Members, func(c ConfigMember) bool { return c.ID == *recorded.Adding })
	if added {
		identity.Adding = nil
	}
	claims, hosts := v.claimWrites(identity.ReplicaSetID)
	current := !added && identity.HighestMemberID == recorded.HighestMemberID && identity.FeatureCompatibility == recorded.FeatureCompatibility
	if current && len(claims) == 0 {
		return nil
	}
	return take(Step{Kind: RecordIdentity, ReplicaSetID: identity.ReplicaSetID, Identity: &identity, Claims: claims, Healthy: hosts},
		"Recording what is known of replica set %s and its volumes.", identity.ReplicaSetID)
}

// record is what is known of the set, to be written down with what changes.
func (v view) record() Identity {
	return Identity{
		ReplicaSetID:          v.identity.ReplicaSetID,
		HighestMemberID:       v.identity.HighestMemberID,
		Adding:                v.Observed.Identity.Adding,
		FeatureCompatibility:  v.featureCompatibility(),
		ForcedReconfiguration: v.identity.ForcedReconfiguration,
		Fenced:                v.identity.Fenced,
	}
}

// claimWrites are the records of the volumes that hold the data but do not say so, and the hosts
// of their members. A member has to have said so itself: the others notice late that it is gone.
func (v view) claimWrites(replicaSetID string) (writes []ClaimWrite, hosts []string) {
	for _, m := range v.inConfig() {
		c, _ := v.configured(m)
		record := ClaimRecord{ReplicaSetID: replicaSetID, MemberID: c.ID}
		if m.ClaimUID != "" && m.Claim != record && v.serves(m) && v.probe(m).Reached {
			writes = append(writes, ClaimWrite{Name: ClaimName(v.Deployment, m.Ordinal), UID: m.ClaimUID, Record: record})
			hosts = append(hosts, m.Host)
		}
	}
	return writes, hosts
}

func applicationUser(v view) *Decision {
	if v.Database.AppUser != UserMissing && !v.nextUserMissing(AppUsername) {
		return nil
	}
	return take(Step{Kind: EnsureUsers, ReplicaSetID: v.identity.ReplicaSetID},
		"Making the application's user as Secret %s says.", AppSecretName(v.Deployment))
}

// adminPassword is replaced in the user itself: whether that user exists tells an empty volume from one with data.
func adminPassword(v view) *Decision {
	if v.Database.NextUsers[AdminUsername] != UserMissing {
		return nil
	}
	return take(Step{Kind: EnsureAdminPassword, ReplicaSetID: v.identity.ReplicaSetID},
		"Giving the operator's database user the next password of Secret %s.", AdminSecretName(v.Deployment))
}

// metricsUser and backupUser come last: nothing that mends the database waits for them.
func metricsUser(v view) *Decision {
	if v.Database.MetricsUser != UserMissing && !v.nextUserMissing(MetricsUsername) {
		return nil
	}
	return take(Step{Kind: EnsureMetricsUser, ReplicaSetID: v.identity.ReplicaSetID},
		"Making the user for metrics as Secret %s says.", MetricsSecretName(v.Deployment))
}

func backupUser(v view) *Decision {
	if v.Database.BackupUser != UserMissing && !v.nextUserMissing(BackupUsername) {
		return nil
	}
	return take(Step{Kind: EnsureBackupUser, ReplicaSetID: v.identity.ReplicaSetID},
		"Making the user for backups as Secret %s says.", BackupSecretName(v.Deployment))
}
