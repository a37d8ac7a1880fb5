package mongodb

import (
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// Keys of the identity ConfigMap.
const (
	keyReplicaSetID    = "replicaSetID"
	keyIntentMember    = "intentMember"
	keyIntentPodUID    = "intentPodUID"
	keyIntentClaimUID  = "intentClaimUID"
	keyHighestMemberID = "highestMemberID"
	keyAddingMemberID  = "addingMemberID"

	keyFeatureCompatibility  = "featureCompatibilityVersion"
	keyForcedReconfiguration = "forcedReconfiguration"

	// KeyFenced is the one key that is mounted into members' pods: the names of those that may not run.
	KeyFenced = "fencedMembers"
)

// Annotations on volume claims.
const (
	// AnnotationReplicaSetID is the id of the replica set that the volume's data belong to.
	AnnotationReplicaSetID = "chatpdf.dev/replica-set-id"
	// AnnotationMemberID is the member _id under which the volume is part of it.
	AnnotationMemberID = "chatpdf.dev/member-id"
)

// Data is the whole data of the identity ConfigMap.
func (i Identity) Data() map[string]string {
	data := map[string]string{keyHighestMemberID: strconv.Itoa(i.HighestMemberID)}
	if i.ReplicaSetID != "" {
		data[keyReplicaSetID] = i.ReplicaSetID
	}
	if i.Intent != nil {
		data[keyIntentMember] = i.Intent.Host
		data[keyIntentPodUID] = string(i.Intent.PodUID)
		data[keyIntentClaimUID] = string(i.Intent.ClaimUID)
	}
	if i.FeatureCompatibility.Known() {
		data[keyFeatureCompatibility] = i.FeatureCompatibility.String()
	}
	if i.ForcedReconfiguration != "" {
		data[keyForcedReconfiguration] = i.ForcedReconfiguration
	}
	if len(i.Fenced) > 0 {
		data[KeyFenced] = strings.Join(i.Fenced, " ")
	}
	if i.Adding != nil {
		data[keyAddingMemberID] = strconv.Itoa(*i.Adding)
	}
	return data
}

// ParseIdentity reads the data of the identity ConfigMap; nil gives the zero Identity. It fails
// on numbers that are none: guessing could initiate a set twice.
func ParseIdentity(data map[string]string) (Identity, error) {
	identity := Identity{
		ReplicaSetID:          data[keyReplicaSetID],
		FeatureCompatibility:  ParseSeries(data[keyFeatureCompatibility]),
		ForcedReconfiguration: data[keyForcedReconfiguration],
	}
	if fenced := strings.Fields(data[KeyFenced]); len(fenced) > 0 {
		identity.Fenced = fenced
	}
	if host := data[keyIntentMember]; host != "" {
		identity.Intent = &Intent{
			Host:     host,
			PodUID:   types.UID(data[keyIntentPodUID]),
			ClaimUID: types.UID(data[keyIntentClaimUID]),
		}
	}
	if value, ok := data[keyHighestMemberID]; ok {
		id, err := strconv.Atoi(value)
		if err != nil || id < 0 {
			return Identity{}, fmt.Errorf("%s of the identity ConfigMap is %q, not a number: put back the highest _id that rs.conf() shows", keyHighestMemberID, value)
		}
		identity.HighestMemberID = id
	}
	if value, ok := data[keyAddingMemberID]; ok {
		id, err := strconv.Atoi(value)
		if err != nil || id < 0 {
			return Identity{}, fmt.Errorf("%s of the identity ConfigMap is %q, not a number: remove the key", keyAddingMemberID, value)
		}
		identity.Adding = &id
	}
	return identity, nil
}

// Annotations are what the claim carries.
func (r ClaimRecord) Annotations() map[string]string {
	return map[string]string{
		AnnotationReplicaSetID: r.ReplicaSetID,
		AnnotationMemberID:     strconv.Itoa(r.MemberID),
	}
}

// ParseClaimRecord reads a claim's annotations. Annotations that say nothing, or a member id that
// is no number, give a record that matches no member.
func ParseClaimRecord(annotations map[string]string) ClaimRecord {
	record := ClaimRecord{ReplicaSetID: annotations[AnnotationReplicaSetID], MemberID: -1}
	if id, err := strconv.Atoi(annotations[AnnotationMemberID]); err == nil {
		record.MemberID = id
	}
	return record
}
