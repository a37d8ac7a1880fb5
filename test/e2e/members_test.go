//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/frontdoor"
)

// One member becomes three and one again, and the documents are there all the while.
func TestMembersComeAndGoWithoutLosingADocument(t *testing.T) {
	besideOthers(t)
	deployment := sample(t, "minimal", namespace(t, "members"))
	deployment.Name = "members"
	key := create(t, deployment)
	ready(t, key)
	user := door(t, key)
	document := upload(t, user, "handbook.pdf", handbook(t))

	for _, members := range []int{3, 1} {
		patch := fmt.Sprintf(`{"spec":{"mongodb":{"members":%d}}}`, members)
		if err := cluster.Patch(t.Context(), deployment, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
			t.Fatal(err)
		}
		eventually(t, fmt.Sprintf("the replica set has %d members", members), func(ctx context.Context) error {
			if err := cluster.Get(ctx, key, deployment); err != nil {
				return err
			}
			want := fmt.Sprintf("%d/%d", members, members)
			if deployment.Status.ObservedGeneration != deployment.Generation || deployment.Status.MongoDB.Ready != want {
				return fmt.Errorf("database %s, want %s", deployment.Status.MongoDB.Ready, want)
			}
			var pods corev1.PodList
			if err := cluster.List(ctx, &pods, client.InNamespace(key.Namespace), client.MatchingLabels{"app.kubernetes.io/component": "mongodb"}); err != nil {
				return err
			}
			if len(pods.Items) != members {
				return fmt.Errorf("%d pods, want %d", len(pods.Items), members)
			}
			return nil
		})
		ready(t, key)
		eventually(t, "a cited answer", func(ctx context.Context) error {
			answer, err := user.Ask(ctx, handbookQuestion, document.ID)
			if err != nil {
				return err
			}
			return frontdoor.CheckCited(answer, document)
		})
	}
	t.Run("another ChatPDF works on the same database", func(t *testing.T) { guestAnswers(t, key, document) })
}

// guestAnswers makes a ChatPDF that has no database of its own, and asks it for what the other one has taken in.
func guestAnswers(t *testing.T, host client.ObjectKey, document frontdoor.Document) {
	guest := sample(t, "minimal", host.Namespace)
	guest.Name = "guest"
	guest.Spec.MongoDB = v1alpha1.MongoDBSpec{External: &v1alpha1.ExternalDatabaseSpec{
		URISecretRef: v1alpha1.SecretKeyRef{Name: host.Name + "-mongodb-app", Key: "uri"},
		CASecretRef:  &v1alpha1.SecretKeyRef{Name: host.Name + "-mongodb-ca", Key: "ca.crt"},
	}}
	key := create(t, guest)
	ready(t, key)
	user := doorOf(t, key, adminPassword(t, host)) // accounts are the database's
	eventually(t, "a cited answer", func(ctx context.Context) error {
		answer, err := user.Ask(ctx, handbookQuestion, document.ID)
		if err != nil {
			return err
		}
		return frontdoor.CheckCited(answer, document)
	})
	var sets appsv1.StatefulSetList
	if err := cluster.List(t.Context(), &sets, client.InNamespace(key.Namespace)); err != nil || len(sets.Items) != 1 {
		t.Errorf("%d databases (%v)", len(sets.Items), err)
	}
}

// The autoscaler takes the backend over without a pod being lost on the way, and gives it back.
func TestAutoscalerTakesTheBackendOverAndGivesItBack(t *testing.T) {
	besideOthers(t)
	deployment := sample(t, "minimal", namespace(t, "scaling"))
	deployment.Name = "scaling"
	deployment.Spec.Backend.Replicas = 2
	key := create(t, deployment)
	ready(t, key)

	patch := `{"spec":{"backend":{"replicas":null,"autoscaling":{"minReplicas":2,"maxReplicas":3}}}}`
	if err := cluster.Patch(t.Context(), deployment, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
	autoscaler := &autoscalingv2.HorizontalPodAutoscaler{}
	name := client.ObjectKey{Namespace: key.Namespace, Name: key.Name + "-backend"}
	eventually(t, "the autoscaler is able to scale", func(ctx context.Context) error {
		if err := cluster.Get(ctx, name, autoscaler); err != nil {
			return err
		}
		for _, c := range autoscaler.Status.Conditions {
			if c.Type == autoscalingv2.ScalingActive && c.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return fmt.Errorf("conditions %v", autoscaler.Status.Conditions)
	})
	ready(t, key)

	patch = `{"spec":{"backend":{"replicas":1,"autoscaling":null}}}`
	if err := cluster.Patch(t.Context(), deployment, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the backend has one pod and no autoscaler", func(ctx context.Context) error {
		if err := client.IgnoreNotFound(cluster.Get(ctx, name, autoscaler)); err != nil {
			return err
		}
		if err := cluster.Get(ctx, key, deployment); err != nil {
			return err
		}
		if deployment.Status.ObservedGeneration != deployment.Generation || deployment.Status.Backend.Ready != "1/1" {
			return fmt.Errorf("backend %s", deployment.Status.Backend.Ready)
		}
		return nil
	})
	eventually(t, "Ready", condition(key, v1alpha1.ConditionReady, isTrue))
}
