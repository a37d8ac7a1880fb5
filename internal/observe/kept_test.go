package observe

import (
	"fmt"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/stack"
)

func TestSecretsGoWithTheDeploymentOnlyWhenEveryVolumeDoes(t *testing.T) {
	const us, before = types.UID("us"), types.UID("before")
	for _, test := range []struct {
		name             string
		policy           v1alpha1.DeletionPolicy
		identity, secret types.UID   // owners; empty for none
		claims           []types.UID // of three members
		retain, delete   []string
	}{
		{"kept by default", "", "", "", []types.UID{"", "", ""}, nil, nil},
		{"to be deleted: first the record and the volumes", v1alpha1.DeletionDelete, "", "", []types.UID{"", "", ""}, nil, []string{"record", "claim 0", "claim 1", "claim 2"}},
		{"a volume that does not go yet", v1alpha1.DeletionDelete, us, "", []types.UID{us, us, ""}, nil, []string{"claim 2"}},
		{"a volume that is not made yet", v1alpha1.DeletionDelete, us, "", []types.UID{us, us}, nil, nil},
		{"every volume goes: the Secret too", v1alpha1.DeletionDelete, us, "", []types.UID{us, us, us}, nil, []string{"secret"}},
		{"all is done", v1alpha1.DeletionDelete, us, us, []types.UID{us, us, us}, nil, nil},
		{"to be kept again", v1alpha1.DeletionRetain, us, us, []types.UID{us, "", us}, []string{"record", "claim 0", "claim 2", "secret"}, nil},
		{"of the deployment before", v1alpha1.DeletionRetain, before, before, []types.UID{before, before, before}, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			owners := func(uid types.UID) []metav1.OwnerReference {
				if uid == "" {
					return nil
				}
				return []metav1.OwnerReference{{APIVersion: v1alpha1.GroupVersion.String(), Kind: v1alpha1.Kind, Name: "docs", UID: uid}}
			}
			d := &v1alpha1.ChatPDFDeployment{ObjectMeta: metav1.ObjectMeta{Name: "docs", UID: us}}
			d.Spec.MongoDB.Members, d.Spec.MongoDB.Storage.DeletionPolicy = 3, test.policy
			seen := &Observed{
				Deployment: d,
				Identity:   &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "record", OwnerReferences: owners(test.identity)}},
				Secrets:    map[string]Secret{"secret": {Ours: true, Owners: owners(test.secret)}, "theirs": {}},
			}
			for i, uid := range test.claims {
				seen.Claims = append(seen.Claims, corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{
					Name: fmt.Sprint("claim ", i), OwnerReferences: owners(uid), Labels: stack.SelectorLabels("docs", stack.ComponentMongoDB),
				}})
			}
			names := func(objects []Kept) []string {
				var names []string
				for _, k := range objects {
					names = append(names, k.Name)
				}
				return names
			}
			if got := names(seen.ToRetain()); !slices.Equal(got, test.retain) {
				t.Errorf("to retain: %q, want %q", got, test.retain)
			}
			if got := names(seen.ToDelete()); !slices.Equal(got, test.delete) {
				t.Errorf("to delete: %q, want %q", got, test.delete)
			}
		})
	}
}
