package api

import (
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
)

// played is a deployment with an empty spec whose pods run, as far as a cluster without nodes can tell.
func played(t *testing.T) (*world, *operator, types.NamespacedName) {
	t.Helper()
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	o.settle(t, key)
	w.play(t, key)
	o.settle(t, key)
	return w, o, key
}

// play does once what the controllers of Deployments and StatefulSets, the volume binder and the
// kubelet would do: everything that is wanted runs and is ready.
func (w *world) play(t *testing.T, key types.NamespacedName) {
	t.Helper()
	w.playDeployment(t, key.Name+"-backend")
	w.playDeployment(t, key.Name+"-frontend")
	w.playStatefulSet(t, key)
}

func (w *world) playDeployment(t *testing.T, name string) {
	t.Helper()
	if !exists[appsv1.Deployment](t, w, name) {
		return
	}
	d := get[appsv1.Deployment](t, w, name)
	n := ptr.Deref(d.Spec.Replicas, 1)
	d.Status = appsv1.DeploymentStatus{
		ObservedGeneration: d.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n,
	}
	w.must(t, w.Status().Update(t.Context(), d))
}

// playStatefulSet makes the pods and claims of the database as its controller would, with its
// labels and, as there, no owner on the claims; pods beyond the replicas go.
func (w *world) playStatefulSet(t *testing.T, key types.NamespacedName) {
	t.Helper()
	name := key.Name + "-mongodb"
	if !exists[appsv1.StatefulSet](t, w, name) {
		return
	}
	set := get[appsv1.StatefulSet](t, w, name)
	replicas := ptr.Deref(set.Spec.Replicas, 1)
	revision := fmt.Sprintf("%s-%d", name, set.Generation)
	if set.Status.UpdateRevision != "" && set.Annotations["played-template"] == fmt.Sprint(set.Spec.Template) {
		revision = set.Status.UpdateRevision
	}
	for ordinal := range replicas {
		w.playMember(t, set, int(ordinal), revision)
	}
	for ordinal := int(replicas); exists[corev1.Pod](t, w, mongodb.PodName(key.Name, ordinal)); ordinal++ {
		pod := get[corev1.Pod](t, w, mongodb.PodName(key.Name, ordinal))
		w.must(t, w.Delete(t.Context(), pod, client.GracePeriodSeconds(0)))
	}
	set.Status = appsv1.StatefulSetStatus{
		ObservedGeneration: set.Generation, Replicas: replicas, ReadyReplicas: replicas, AvailableReplicas: replicas, UpdateRevision: revision,
	}
	w.must(t, w.Status().Update(t.Context(), set))
}

func (w *world) playMember(t *testing.T, set *appsv1.StatefulSet, ordinal int, revision string) {
	t.Helper()
	podName := fmt.Sprintf("%s-%d", set.Name, ordinal)
	claimName := "data-" + podName
	if !exists[corev1.PersistentVolumeClaim](t, w, claimName) {
		template := set.Spec.VolumeClaimTemplates[0]
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{
			Namespace: w.namespace, Name: claimName, Labels: template.Labels,
		}, Spec: template.Spec}
		w.must(t, w.Create(t.Context(), claim))
		claim.Status.Phase, claim.Status.Capacity = corev1.ClaimBound, claim.Spec.Resources.Requests
		w.must(t, w.Status().Update(t.Context(), claim))
	}
	if exists[corev1.Pod](t, w, podName) {
		return
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: w.namespace, Name: podName, Labels: set.Spec.Template.Labels,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("StatefulSet"))},
	}, Spec: set.Spec.Template.Spec}
	pod.Labels[appsv1.ControllerRevisionHashLabelKey] = revision
	pod.Spec.Volumes = append(slices.Clone(pod.Spec.Volumes), corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claimName},
	}})
	w.must(t, w.Create(t.Context(), pod))
	if w.startable(pod) {
		w.runs(t, pod)
		return
	}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
		Name: "mongod", Image: w.noImage,
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "not found"}},
	}}
	w.must(t, w.Status().Update(t.Context(), pod))
}

// startable says that the nodes have the pod's image of mongod.
func (w *world) startable(pod *corev1.Pod) bool { return w.hasImage(pod.Spec.Containers[0].Image) }

func (w *world) hasImage(image string) bool { return w.noImage == "" || image != w.noImage }

// runs says what a kubelet would say of a pod that runs.
func (w *world) runs(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	pod.Status.Phase, pod.Status.PodIP = corev1.PodRunning, "192.0.2.1"
	pod.Status.PodIPs = []corev1.PodIP{{IP: pod.Status.PodIP}}
	pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses = nil, nil
	for _, c := range pod.Spec.InitContainers {
		status := corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, Ready: true, Started: new(true), ContainerID: "containerd://" + string(pod.UID) + "/" + c.Image,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		}
		if !w.hasImage(c.Image) {
			// After a sidecar that ended well the kubelet does not say that the image of the next cannot be had.
			status.Ready, status.Started = false, new(false)
			status.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "Completed"}}
		}
		pod.Status.InitContainerStatuses = append(pod.Status.InitContainerStatuses, status)
	}
	for _, c := range pod.Spec.Containers {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, Ready: true, Started: new(true),
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}},
		})
	}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	w.must(t, w.Status().Update(t.Context(), pod))
}

// remove deletes the deployment and, as the garbage collector would, all that it owns.
func (w *world) remove(t *testing.T, key types.NamespacedName) {
	t.Helper()
	d := get[v1alpha1.ChatPDFDeployment](t, w, key.Name)
	w.must(t, w.Delete(t.Context(), d))
	set := types.UID("")
	for _, object := range w.owned(t, d.UID) {
		if _, ok := object.(*appsv1.StatefulSet); ok {
			set = object.GetUID()
		}
		w.must(t, w.Delete(t.Context(), object, client.GracePeriodSeconds(0)))
	}
	for _, object := range w.owned(t, set) {
		w.must(t, client.IgnoreNotFound(w.Delete(t.Context(), object, client.GracePeriodSeconds(0))))
	}
}

// owned are the objects that somebody controls.
func (w *world) owned(t *testing.T, owner types.UID) []client.Object {
	t.Helper()
	var found []client.Object
	for _, list := range w.lists(t) {
		for _, object := range list {
			if c := metav1.GetControllerOf(object); c != nil && c.UID == owner {
				found = append(found, object)
			}
		}
	}
	return found
}

// lists reads everything of the kinds that the operator makes.
func (w *world) lists(t *testing.T) map[string][]client.Object {
	t.Helper()
	found := map[string][]client.Object{}
	for kind, list := range map[string]client.ObjectList{
		"ServiceAccount": &corev1.ServiceAccountList{}, "Service": &corev1.ServiceList{}, "Secret": &corev1.SecretList{},
		"ConfigMap": &corev1.ConfigMapList{}, "Pod": &corev1.PodList{}, "PersistentVolumeClaim": &corev1.PersistentVolumeClaimList{},
		"Deployment": &appsv1.DeploymentList{}, "StatefulSet": &appsv1.StatefulSetList{}, "ControllerRevision": &appsv1.ControllerRevisionList{},
		"PodDisruptionBudget": &policyv1.PodDisruptionBudgetList{}, "HorizontalPodAutoscaler": &autoscalingv2.HorizontalPodAutoscalerList{},
		"CronJob": &batchv1.CronJobList{}, "Job": &batchv1.JobList{},
	} {
		if err := w.List(t.Context(), list, client.InNamespace(w.namespace)); err != nil && !apierrors.IsNotFound(err) {
			t.Fatal(err)
		}
		found[kind] = items(list)
	}
	return found
}
