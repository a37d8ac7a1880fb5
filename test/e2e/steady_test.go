//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/hack/rig"
)

// startedAgainWritesNothing starts the operator anew, so that it looks at everything again, and
// compares the versions of all that it manages.
func startedAgainWritesNothing(t *testing.T, key client.ObjectKey) {
	before := versions(t, key)
	restartOperator(t)
	// Long enough for the first passes of the new leader, and for one sample of the database.
	quiet, cancel := context.WithTimeout(t.Context(), 45*time.Second)
	defer cancel()
	<-quiet.Done()
	after := versions(t, key)
	if !maps.Equal(before, after) {
		for name, version := range after {
			if before[name] != version {
				t.Errorf("%s was written: version %q became %q", name, before[name], version)
			}
		}
	}
	fmt.Printf("NOTE steady state: %d objects, none written by a restarted operator in 45 s\n", len(after))
}

// versions are the resource versions of the resource and of all that the operator manages for it.
func versions(t *testing.T, key client.ObjectKey) map[string]string {
	t.Helper()
	found := map[string]string{}
	var deployment v1alpha1.ChatPDFDeployment
	if err := cluster.Get(t.Context(), key, &deployment); err != nil {
		t.Fatal(err)
	}
	found["ChatPDFDeployment"] = deployment.ResourceVersion
	for kind, list := range map[string]client.ObjectList{
		"Deployment": &appsv1.DeploymentList{}, "StatefulSet": &appsv1.StatefulSetList{}, "ControllerRevision": &appsv1.ControllerRevisionList{},
		"Service": &corev1.ServiceList{}, "ServiceAccount": &corev1.ServiceAccountList{}, "Secret": &corev1.SecretList{}, "ConfigMap": &corev1.ConfigMapList{},
		"PersistentVolumeClaim": &corev1.PersistentVolumeClaimList{}, "PodDisruptionBudget": &policyv1.PodDisruptionBudgetList{},
		"HorizontalPodAutoscaler": &autoscalingv2.HorizontalPodAutoscalerList{}, "CronJob": &batchv1.CronJobList{},
	} {
		if err := cluster.List(t.Context(), list, client.InNamespace(key.Namespace), client.MatchingLabels{"app.kubernetes.io/managed-by": "chatpdf-operator"}); err != nil {
			t.Fatal(err)
		}
		for _, object := range objectsOf(t, list) {
			found[kind+"/"+object.GetName()] = object.GetResourceVersion()
		}
	}
	return found
}

func restartOperator(t *testing.T) {
	t.Helper()
	operator := &appsv1.Deployment{}
	name := client.ObjectKey{Namespace: rig.OperatorNamespace, Name: rig.OperatorRelease}
	if err := cluster.Get(t.Context(), name, operator); err != nil {
		t.Fatal(err)
	}
	patch := fmt.Sprintf(`{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":%q}}}}}`, time.Now().Format(time.RFC3339Nano))
	if err := cluster.Patch(t.Context(), operator, client.RawPatch(types.StrategicMergePatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the operator is started again", func(ctx context.Context) error {
		if err := cluster.Get(ctx, name, operator); err != nil {
			return err
		}
		s := operator.Status
		if s.ObservedGeneration != operator.Generation || s.UpdatedReplicas != s.Replicas || s.AvailableReplicas != s.Replicas || s.Replicas == 0 {
			return fmt.Errorf("%d of %d pods are new, %d available", s.UpdatedReplicas, s.Replicas, s.AvailableReplicas)
		}
		return nil
	})
}
