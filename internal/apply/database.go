package apply

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
)

// +kubebuilder:rbac:groups="",resources=configmaps,verbs=create;update
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=patch
// +kubebuilder:rbac:groups="",resources=pods,verbs=delete;patch

// Step carries out what a step of the database writes to the API server. Every write holds only if
// what was seen is still so.
func (w *Writer) Step(ctx context.Context, seen *observe.Observed, step *mongodb.Step) error {
	if step.Identity != nil {
		if err := w.identity(ctx, seen, step.Identity.Data()); err != nil {
			return err
		}
	}
	for _, claim := range step.Claims {
		if err := w.claim(ctx, seen.Deployment.Namespace, claim); err != nil {
			return err
		}
	}
	switch {
	case step.Agent != nil:
		return w.updateAgent(ctx, seen.Deployment.Namespace, step.Pod, *step.Agent)
	case step.Pod != nil:
		return w.restart(ctx, seen.Deployment.Namespace, step.Pod)
	}
	return nil
}

// identity is a plain create or update of the very version that was read: an apply would merge with
// whatever somebody recorded in the meantime.
func (w *Writer) identity(ctx context.Context, seen *observe.Observed, data map[string]string) error {
	d := seen.Deployment
	if seen.Identity == nil {
		labels := stack.Labels(d.Name, stack.ComponentMongoDB)
		labels[stack.LabelKept] = "true"
		record := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Namespace: d.Namespace, Name: stack.NamesOf(d.Name).Identity, Labels: labels},
			Data:       data,
		}
		if d.Spec.MongoDB.Storage.DeletionPolicy == v1alpha1.DeletionDelete {
			// Never may it stay behind when the volumes go.
			record.OwnerReferences = []metav1.OwnerReference{seen.Owner()}
		}
		err := w.Client.Create(ctx, record, client.FieldOwner(Manager))
		if err != nil {
			return fmt.Errorf("recording the identity of replica set %s: %w", d.Name, err)
		}
		return nil
	}
	next := seen.Identity.DeepCopy()
	next.Data = data
	if err := w.Client.Update(ctx, next, client.FieldOwner(Manager)); err != nil {
		return fmt.Errorf("recording the identity of replica set %s: %w", d.Name, err)
	}
	return nil
}

// claim repeats the identity on the volume claim. The UID makes the API server refuse if the claim
// is another by now, and keeps the apply from creating one.
func (w *Writer) claim(ctx context.Context, namespace string, write mongodb.ClaimWrite) error {
	p := &pass{client: w.Client}
	_, err := p.apply(ctx, corev1ac.PersistentVolumeClaim(write.Name, namespace).
		WithUID(write.UID).WithAnnotations(write.Record.Annotations()), Manager)
	if err != nil {
		return fmt.Errorf("recording the replica set on PersistentVolumeClaim %s: %w", write.Name, err)
	}
	return nil
}

// updateAgent exchanges the image of one container of a pod that runs: the kubelet starts it anew and no other.
func (w *Writer) updateAgent(ctx context.Context, namespace string, pod *mongodb.PodRef, update mongodb.AgentUpdate) error {
	p := &pass{client: w.Client}
	_, err := p.apply(ctx, corev1ac.Pod(pod.Name, namespace).WithUID(pod.UID).WithAnnotations(update.Annotations()).
		WithSpec(corev1ac.PodSpec().WithInitContainers(corev1ac.Container().WithName(mongodb.AgentContainer).WithImage(update.Image))), Manager)
	if err != nil {
		return fmt.Errorf("exchanging the agent beside %s: %w", pod.Name, err)
	}
	return nil
}

// restart deletes the pod that was meant; its StatefulSet makes it again.
func (w *Writer) restart(ctx context.Context, namespace string, pod *mongodb.PodRef) error {
	err := w.Client.Delete(ctx, &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: pod.Name}},
		client.Preconditions{UID: new(pod.UID)})
	if err != nil && !gone(err) {
		return fmt.Errorf("restarting member %s: %w", pod.Name, err)
	}
	return nil
}
