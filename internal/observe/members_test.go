package observe

import (
	"cmp"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/stack"
)

func seen(members int32) *Observed {
	return &Observed{Deployment: &v1alpha1.ChatPDFDeployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "docs"},
		Spec:       v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Members: members}},
	}, Secrets: map[string]Secret{}}
}

func memberPod(name, revision string) corev1.Pod {
	return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, UID: "uid", Labels: map[string]string{appsv1.ControllerRevisionHashLabelKey: revision}}}
}

func TestEveryMemberThatLeftATraceIsSeen(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Observed)
		want   int
	}{
		"desired": {func(*Observed) {}, 1},
		"replicas": {func(o *Observed) {
			o.StatefulSets = []appsv1.StatefulSet{{ObjectMeta: metav1.ObjectMeta{Name: "docs-mongodb"}, Spec: appsv1.StatefulSetSpec{Replicas: ptr.To[int32](3)}}}
		}, 3},
		"a pod": {func(o *Observed) { o.Pods = []corev1.Pod{memberPod("docs-mongodb-2", "")} }, 3},
		"a claim": {func(o *Observed) {
			o.Claims = []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "data-docs-mongodb-1"}}}
		}, 2},
		"other pods": {func(o *Observed) {
			o.Pods = []corev1.Pod{memberPod("docs-backend-5", ""), memberPod("docs-mongodb-x", ""), memberPod("docs-mongodb--7", "")}
		}, 1},
		"a far ordinal": {func(o *Observed) { o.Pods = []corev1.Pod{memberPod("docs-mongodb-99999999", "")} }, 7},
	} {
		t.Run(name, func(t *testing.T) {
			o := seen(1)
			test.change(o)
			got, err := o.MongoDB("cluster.local")
			if err != nil || len(got.Members) != test.want {
				t.Errorf("%d members (%v), want %d", len(got.Members), err, test.want)
			}
			for i, m := range got.Members {
				if m.Ordinal != i {
					t.Errorf("member %d has ordinal %d", i, m.Ordinal)
				}
			}
		})
	}
}

func TestAPodIsOutdatedOnlyByARevisionThatIsCertain(t *testing.T) {
	for name, test := range map[string]struct {
		generation, observed int64
		update               string
		want                 bool
	}{
		"the same":            {2, 2, "b", false},
		"another":             {2, 2, "c", true},
		"not yet worked out":  {3, 2, "c", false},
		"never worked out":    {1, 0, "", false},
		"worked out, nothing": {1, 1, "", false},
	} {
		o := seen(1)
		o.Pods = []corev1.Pod{memberPod("docs-mongodb-0", "b")}
		o.StatefulSets = []appsv1.StatefulSet{{
			ObjectMeta: metav1.ObjectMeta{Name: "docs-mongodb", Generation: test.generation},
			Status:     appsv1.StatefulSetStatus{ObservedGeneration: test.observed, UpdateRevision: test.update},
		}}
		got, err := o.MongoDB("cluster.local")
		if err != nil || got.Members[0].PodOutdated != test.want {
			t.Errorf("%s: outdated %v (%v), want %v", name, got.Members[0].PodOutdated, err, test.want)
		}
		if unseen := test.observed < test.generation; got.RolloutUnseen != unseen {
			t.Errorf("%s: unseen %v, want %v", name, got.RolloutUnseen, unseen)
		}
	}
}

func TestAnAgentIsReadyOnlyWhenItIsNotTheOneToBeReplaced(t *testing.T) {
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	update := mongodb.AgentUpdate{Image: "agent:2", Replaces: "containerd://old", ReplacesImage: "agent:1"}
	back := mongodb.AgentUpdate{Image: "agent:1", Replaces: "containerd://old", ReplacesImage: "agent:2"}
	waiting := func(reason string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}
	}
	for name, test := range map[string]struct {
		update mongodb.AgentUpdate
		status corev1.ContainerStatus
		ready  bool
		failed bool
	}{
		"its template's":         {mongodb.AgentUpdate{}, corev1.ContainerStatus{ContainerID: "containerd://old", Ready: true, State: running}, true, false},
		"not replaced yet":       {update, corev1.ContainerStatus{ContainerID: "containerd://old", Ready: true, State: running}, false, false},
		"replaced":               {update, corev1.ContainerStatus{ContainerID: "containerd://new", Ready: true, State: running}, true, false},
		"replaced, starting":     {update, corev1.ContainerStatus{ContainerID: "containerd://new", State: running}, false, false},
		"the same image again":   {back, corev1.ContainerStatus{ContainerID: "containerd://old", Ready: true, State: running}, true, false},
		"asked before any ran":   {mongodb.AgentUpdate{Image: "agent:2"}, corev1.ContainerStatus{ContainerID: "containerd://new", Ready: true, State: running}, true, false},
		"ended with no next":     {update, corev1.ContainerStatus{ContainerID: "containerd://old", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}}, false, true},
		"image not to be had":    {mongodb.AgentUpdate{}, corev1.ContainerStatus{State: waiting("ErrImagePull")}, false, true},
		"crashing":               {update, corev1.ContainerStatus{ContainerID: "containerd://new", State: waiting("CrashLoopBackOff")}, false, true},
		"about to start":         {mongodb.AgentUpdate{}, corev1.ContainerStatus{State: waiting("PodInitializing")}, false, false},
		"nothing is known of it": {mongodb.AgentUpdate{}, corev1.ContainerStatus{}, false, false},
	} {
		o := seen(1)
		pod := memberPod("docs-mongodb-0", "")
		test.status.Name = "dbagent"
		image := cmp.Or(test.update.Image, "agent:1")
		if name == "the same image again" {
			image = test.update.ReplacesImage // as a webhook may make it
		}
		pod.Annotations, pod.Status.InitContainerStatuses = test.update.Annotations(), []corev1.ContainerStatus{test.status}
		pod.Spec.InitContainers = []corev1.Container{{Name: "dbagent", Image: image}}
		o.Pods = []corev1.Pod{pod}
		got, err := o.MongoDB("cluster.local")
		if want := (mongodb.Agent{Update: test.update, Image: image, Container: test.status.ContainerID, Ready: test.ready, Failed: test.failed}); err != nil || got.Members[0].Agent != want {
			t.Errorf("%s: %+v (%v), want %+v", name, got.Members[0].Agent, err, want)
		}
	}
}

func TestAClaimIsOursByItsLabels(t *testing.T) {
	o := seen(2)
	o.Claims = []corev1.PersistentVolumeClaim{
		{ObjectMeta: metav1.ObjectMeta{Name: "data-docs-mongodb-0", UID: "a", Labels: stack.Labels("docs", stack.ComponentMongoDB)}},
		{ObjectMeta: metav1.ObjectMeta{Name: "data-docs-mongodb-1", UID: "b"}},
	}
	got, err := o.MongoDB("cluster.local")
	if err != nil || !got.Members[0].ClaimOurs || got.Members[1].ClaimOurs || got.Members[1].ClaimUID != "b" {
		t.Errorf("members are %+v (%v)", got.Members, err)
	}
}

func TestAnIdentityThatCannotBeReadIsAnError(t *testing.T) {
	o := seen(1)
	o.Identity = &corev1.ConfigMap{Data: map[string]string{"highestMemberID": "many"}}
	if _, err := o.MongoDB("cluster.local"); err == nil {
		t.Error("guessing could initiate a replica set twice")
	}
}
