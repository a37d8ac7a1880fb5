package status_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/trust"
	"chatpdf.dev/operator/internal/mongodb/trust/trusttest"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
	"chatpdf.dev/operator/internal/status"
)

var now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// serving is a deployment of which everything runs.
func serving() status.Facts {
	deployment := func(name string) appsv1.Deployment {
		return appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: name, Generation: 2},
			Spec:       appsv1.DeploymentSpec{Replicas: ptr.To[int32](2)},
			Status:     appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 2, AvailableReplicas: 2},
		}
	}
	return status.Facts{
		Observed: &observe.Observed{
			Deployment:   &v1alpha1.ChatPDFDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "docs", Generation: 1}},
			Deployments:  []appsv1.Deployment{deployment("docs-backend"), deployment("docs-frontend")},
			StatefulSets: []appsv1.StatefulSet{{ObjectMeta: metav1.ObjectMeta{Name: "docs-mongodb", UID: "set"}}},
			Secrets:      map[string]observe.Secret{}, Warnings: map[types.UID]string{},
		},
		Database:     mongodb.Decision{Reason: mongodb.ReasonSettled, Settled: true},
		Availability: mongodb.Availability{Available: true, Reason: mongodb.ReasonPrimaryElected, Message: "docs-mongodb-0 is primary."},
		Members:      []mongodb.MemberState{{Name: "docs-mongodb-0", State: mongodb.StatePrimary}},
		Now:          now,
	}
}

// pod is one of the component's pods whose container is in some state.
func pod(component, container string, c corev1.ContainerStatus) corev1.Pod {
	c.Name = container
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "docs-" + component + "-x", Labels: map[string]string{stack.LabelComponent: component}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: container, Image: "registry.example.com/chatpdf:9"}}},
		Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{c}},
	}
}

func waiting(reason, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}
}

func ended(reason, message string, code int32) corev1.ContainerStatus {
	c := waiting("CrashLoopBackOff", "back-off 40s restarting")
	c.RestartCount = 3
	c.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{Reason: reason, Message: message, ExitCode: code}
	return c
}

// down leaves a Deployment without pods that are ready.
func down(f *status.Facts, i int) {
	f.Observed.Deployments[i].Status.ReadyReplicas, f.Observed.Deployments[i].Status.AvailableReplicas = 0, 0
}

func claim(class *string) corev1.PersistentVolumeClaim {
	return corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "data-docs-mongodb-0", UID: "claim"},
		Spec:       corev1.PersistentVolumeClaimSpec{StorageClassName: class}, Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending},
	}
}

// noDatabase leaves nobody to write to.
func noDatabase(f *status.Facts) {
	f.Database = mongodb.Decision{Reason: mongodb.ReasonPodPending, Message: "docs-mongodb-0 does not run yet."}
	f.Availability = mongodb.Availability{Reason: mongodb.ReasonPodPending, Message: "docs-mongodb-0 does not run yet."}
}

// small is a bound claim of 10Gi that asks for as much, or for the 20Gi that the spec asks for.
func small(f *status.Facts, asks string) *corev1.PersistentVolumeClaim {
	f.Observed.Deployment.Spec.MongoDB.Storage.Size = new(resource.MustParse("20Gi"))
	c := claim(new("fast"))
	c.Labels = stack.SelectorLabels("docs", stack.ComponentMongoDB)
	c.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(asks)}
	c.Status = corev1.PersistentVolumeClaimStatus{
		Phase: corev1.ClaimBound, Capacity: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("10Gi")},
	}
	f.Observed.Claims = []corev1.PersistentVolumeClaim{c}
	return &f.Observed.Claims[0]
}

func TestEveryTroubleIsNamedWithWhatToDo(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(*status.Facts)
		ready   metav1.ConditionStatus
		stalled bool
		reason  string
		says    []string
	}{
		"nothing": {func(*status.Facts) {}, metav1.ConditionTrue, false, status.ReasonReady, []string{"http://docs-frontend.ns.svc"}},
		"an image that cannot be pulled": {func(f *status.Facts) {
			down(f, 0)
			f.Observed.Pods = []corev1.Pod{pod("backend", "backend", waiting("ImagePullBackOff", `Back-off pulling image "registry.example.com/chatpdf:9": ErrImagePull: manifest unknown`))}
		}, metav1.ConditionFalse, false, status.ReasonImagePullFailed, []string{"docs-backend-x", "registry.example.com/chatpdf:9", ": manifest unknown.", "spec.image"}},
		"an image that is no name": {func(f *status.Facts) {
			down(f, 0)
			f.Observed.Pods = []corev1.Pod{pod("backend", "backend", waiting("InvalidImageName", ""))}
		}, metav1.ConditionFalse, true, status.ReasonImagePullFailed, []string{"docs-backend-x", "registry.example.com/chatpdf:9"}},
		"an image without the program": {func(f *status.Facts) {
			down(f, 0)
			f.Observed.Pods = []corev1.Pod{pod("backend", "backend", waiting("RunContainerError", `exec: "/chatpdf": no such file`))}
		}, metav1.ConditionFalse, false, status.ReasonContainerStartFailed, []string{"docs-backend-x", "backend", "no such file"}},
		"a crash": {func(f *status.Facts) {
			down(f, 1)
			f.Observed.Pods = []corev1.Pod{pod("frontend", "frontend", ended("Error", "some lines\nBACKEND_URL is \"x\": it must be a URL.\n", 1))}
		}, metav1.ConditionFalse, false, status.ReasonContainerCrashing, []string{"docs-frontend-x", "code 1", "BACKEND_URL is", "kubectl logs -n ns docs-frontend-x -c frontend --previous"}},
		"too little memory": {func(f *status.Facts) {
			noDatabase(f)
			f.Observed.Pods = []corev1.Pod{pod("mongodb", "mongod", ended("OOMKilled", "", 137))}
		}, metav1.ConditionFalse, false, status.ReasonContainerCrashing, []string{"docs-mongodb-x", "spec.mongodb.resources.limits.memory"}},
		"an image without mongod": {func(f *status.Facts) {
			noDatabase(f)
			f.Observed.Pods = []corev1.Pod{pod("mongodb", "mongod", ended("Error", "dbagent: the image has no mongod: not found\n", 127))}
		}, metav1.ConditionFalse, false, status.ReasonContainerStartFailed, []string{"the image has no mongod", "Correct spec.mongodb.image"}},
		"an old processor": {func(f *status.Facts) {
			noDatabase(f)
			f.Observed.Pods = []corev1.Pod{pod("mongodb", "mongod", ended("Error", "", 132))}
		}, metav1.ConditionFalse, false, status.ReasonContainerCrashing, []string{"AVX"}},
		"a pod that does not fit": {func(f *status.Facts) {
			down(f, 0)
			p := pod("backend", "backend", corev1.ContainerStatus{})
			p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes are available: 3 Insufficient memory."}}
			f.Observed.Pods = []corev1.Pod{p}
		}, metav1.ConditionFalse, false, status.ReasonPodUnschedulable, []string{"docs-backend-x", "3 Insufficient memory", "spec.backend.resources.requests"}},
		"a quota": {func(f *status.Facts) {
			down(f, 0)
			f.Observed.Deployments[0].Status.Conditions = []appsv1.DeploymentCondition{{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: "exceeded quota: small"}}
		}, metav1.ConditionFalse, false, status.ReasonPodsRefused, []string{"Deployment docs-backend", "exceeded quota: small"}},
		"a volume that grows": {func(f *status.Facts) { small(f, "20Gi") },
			metav1.ConditionUnknown, false, status.ReasonProgressing, []string{"data-docs-mongodb-0", "from 10Gi to 20Gi"}},
		"a class that does not let volumes grow": {func(f *status.Facts) {
			small(f, "10Gi")
			f.Observed.StorageClasses = &storagev1.StorageClassList{Items: []storagev1.StorageClass{{ObjectMeta: metav1.ObjectMeta{Name: "fast"}}}}
		}, metav1.ConditionFalse, true, status.ReasonVolumeCannotGrow, []string{"data-docs-mongodb-0", "20Gi", "StorageClass fast", "allowVolumeExpansion"}},
		"a driver that cannot make the volume larger": {func(f *status.Facts) {
			small(f, "20Gi").Status.AllocatedResourceStatuses = map[corev1.ResourceName]corev1.ClaimResourceStatus{
				corev1.ResourceStorage: corev1.PersistentVolumeClaimControllerResizeInfeasible,
			}
			f.Observed.Warnings["claim"] = "the array is full"
		}, metav1.ConditionFalse, true, status.ReasonVolumeCannotGrow, []string{"data-docs-mongodb-0", "20Gi", "the array is full"}},
		"a quota on the database": {func(f *status.Facts) {
			noDatabase(f)
			f.Observed.Warnings["set"] = "create Pod docs-mongodb-0 failed: exceeded quota: small"
		}, metav1.ConditionFalse, false, status.ReasonPodsRefused, []string{"StatefulSet docs-mongodb", "exceeded quota: small"}},
		"a class that does not exist": {func(f *status.Facts) {
			noDatabase(f)
			f.Observed.Claims, f.Observed.StorageClasses = []corev1.PersistentVolumeClaim{claim(new("fast"))}, &storagev1.StorageClassList{}
		}, metav1.ConditionFalse, true, status.ReasonStorageClassMissing, []string{"data-docs-mongodb-0", "StorageClass fast"}},
		"no default class": {func(f *status.Facts) {
			noDatabase(f)
			f.Observed.Claims, f.Observed.StorageClasses = []corev1.PersistentVolumeClaim{claim(nil)}, &storagev1.StorageClassList{}
		}, metav1.ConditionFalse, true, status.ReasonStorageClassMissing, []string{"data-docs-mongodb-0", "no default"}},
		"classes that may not be read": {func(f *status.Facts) {
			noDatabase(f)
			f.Observed.Claims = []corev1.PersistentVolumeClaim{claim(new("fast"))}
		}, metav1.ConditionFalse, false, status.ReasonProgressing, []string{"docs-mongodb-0 does not run yet"}},
		"a provisioner that fails": {func(f *status.Facts) {
			noDatabase(f)
			f.Observed.Claims = []corev1.PersistentVolumeClaim{claim(new("fast"))}
			f.Observed.StorageClasses = &storagev1.StorageClassList{Items: []storagev1.StorageClass{{ObjectMeta: metav1.ObjectMeta{Name: "fast"}}}}
			f.Observed.Warnings["claim"] = "disk quota of the project exceeded"
		}, metav1.ConditionFalse, false, status.ReasonVolumeNotBound, []string{"data-docs-mongodb-0", "disk quota of the project exceeded"}},
		"a database that needs a person": {func(f *status.Facts) {
			noDatabase(f)
			f.Database = mongodb.Decision{Stalled: true, Reason: mongodb.ReasonCredentialsRefused, Message: "Put back the Secret."}
		}, metav1.ConditionFalse, true, mongodb.ReasonCredentialsRefused, []string{"Put back the Secret."}},
		"a member that syncs while others serve": {func(f *status.Facts) {
			f.Database = mongodb.Decision{Reason: mongodb.ReasonMemberSyncing, Message: "docs-mongodb-2 copies the data."}
		}, metav1.ConditionUnknown, false, status.ReasonProgressing, []string{"docs-mongodb-2 copies the data."}},
		"one pod of two": {func(f *status.Facts) {
			f.Observed.Deployments[0].Status.ReadyReplicas, f.Observed.Deployments[0].Status.AvailableReplicas = 1, 1
		}, metav1.ConditionUnknown, false, status.ReasonProgressing, []string{"1 of 2 pods of Deployment docs-backend"}},
		"a person comes before waiting": {func(f *status.Facts) {
			noDatabase(f)
			f.Observed.Deployment.Spec.LLM.APIKeySecretRef = &v1alpha1.SecretKeyRef{Name: "openai", Key: "key"}
		}, metav1.ConditionFalse, true, status.ReasonSecretMissing, []string{"Secret openai does not exist in namespace ns"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := serving()
			test.change(&f)
			s, _ := status.Judge(f)
			ready := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReady)
			if ready == nil || ready.Status != test.ready || ready.Reason != test.reason {
				t.Fatalf("Ready is %+v, want %s because of %s", ready, test.ready, test.reason)
			}
			for _, words := range test.says {
				if !strings.Contains(ready.Message, words) {
					t.Errorf("%q does not say %q", ready.Message, words)
				}
			}
			if got := meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionStalled); got != test.stalled {
				t.Errorf("Stalled: %v", got)
			}
			working := test.ready != metav1.ConditionTrue && !test.stalled
			if got := meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionReconciling); got != working {
				t.Errorf("Reconciling: %v", got)
			}
			f.Observed.Deployment.Status = s
			f.Now = now.Add(time.Minute)
			if again, _ := status.Judge(f); !equality.Semantic.DeepEqual(s, again) {
				t.Errorf("the same facts a minute later give another status:\n%+v\n%+v", s, again)
			}
		})
	}
}

func TestWhatDoesNotMoveIsStalledAfterTheDeadline(t *testing.T) {
	f := serving()
	down(&f, 0)
	judge := func(after time.Duration) (stalled bool, again time.Duration) {
		f.Now = now.Add(after)
		s, again := status.Judge(f)
		f.Observed.Deployment.Status = s
		return meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionStalled), again
	}
	expect := func(what string, after time.Duration, want bool) {
		t.Helper()
		if stalled, _ := judge(after); stalled != want {
			t.Errorf("%s: stalled %v, want %v", what, stalled, want)
		}
	}
	expect("at first", 0, false)
	if _, again := judge(time.Minute); again != 9*time.Minute {
		t.Errorf("looks again after %s, want 9m", again)
	}
	expect("just before", 10*time.Minute-time.Second, false)
	expect("at the deadline", 10*time.Minute, true)
	expect("for good", 11*time.Minute, true)
	f.Observed.Deployment.Generation++
	expect("with another spec", 12*time.Minute, false)
	expect("the deadline of that", 22*time.Minute, true)
	f.Observed.Deployments[0].Status.ReadyReplicas, f.Observed.Deployments[0].Status.AvailableReplicas = 2, 2
	expect("once it runs", 23*time.Minute, false)

	down(&f, 0)
	expect("down again", 30*time.Minute, false)
	f.Observed.Deployments[0].Status.Conditions = []appsv1.DeploymentCondition{
		{Type: appsv1.DeploymentProgressing, LastUpdateTime: metav1.NewTime(now.Add(39 * time.Minute))},
	}
	expect("as long as the rollout moves", 41*time.Minute, false)
	expect("when it no longer does", 49*time.Minute, true)
}

func TestAnUnreadableRecordSaysNothingOfTheParts(t *testing.T) {
	f := serving()
	f.Observed.Deployment.Status, _ = status.Judge(f)
	blocked := status.Facts{Observed: f.Observed, Blockers: []status.Trouble{status.Unreadable(errors.New("reading ConfigMap docs-mongodb-identity: broken"))}, Now: now}
	s, again := status.Judge(blocked)
	stalled := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionStalled)
	if stalled == nil || stalled.Message != "Reading ConfigMap docs-mongodb-identity: broken." || again == 0 {
		t.Errorf("Stalled is %+v, next look after %s", stalled, again)
	}
	if !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionDatabaseAvailable) || len(s.MongoDB.Members) != 1 {
		t.Error("a database that runs is called gone")
	}
}

func TestWhatWasJustAppliedIsNotReadyYet(t *testing.T) {
	f := serving()
	f.Changed = true
	s, _ := status.Judge(f)
	if c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReady); c == nil || c.Status != metav1.ConditionUnknown || c.Reason != status.ReasonProgressing {
		t.Errorf("Ready is %+v", c)
	}
	f.Changed, f.Observed.Deployment.Status = false, s
	if s, _ := status.Judge(f); !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionReady) {
		t.Errorf("seen as it should be, conditions are %+v", s.Conditions)
	}
}

func TestASecretThatTheSpecNamesIsLookedAtAgain(t *testing.T) {
	f := serving()
	if _, again := status.Judge(f); again != 0 {
		t.Errorf("with nothing to look at it looks again after %s", again)
	}
	f.Observed.Deployment.Spec.LLM.APIKeySecretRef = &v1alpha1.SecretKeyRef{Name: "openai", Key: "key"}
	f.Observed.Secrets["openai"] = observe.Secret{Filled: map[string]bool{"key": true}}
	if _, again := status.Judge(f); again <= 0 || again > time.Minute {
		t.Errorf("it looks again after %s, want seconds", again)
	}
}

func TestAChangeThatIsHeldBackStallsAndLeavesTheDatabaseAvailable(t *testing.T) {
	f := serving()
	f.HeldBack = status.Refused(mongodb.Refusal{Reason: mongodb.ReasonVersionRefused, Message: "mongo:8.0.4 would not open the data."})
	s, _ := status.Judge(f)
	stalled := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionStalled)
	if stalled == nil || stalled.Reason != mongodb.ReasonVersionRefused || !meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionDatabaseAvailable) {
		t.Errorf("conditions %+v", s.Conditions)
	}
}

func TestCopyingDataHasNoDeadline(t *testing.T) {
	f := serving()
	f.Database = mongodb.Decision{Reason: mongodb.ReasonMemberSyncing, Message: "docs-mongodb-2 copies the data."}
	for _, after := range []time.Duration{0, time.Hour, 24 * time.Hour} {
		f.Now = now.Add(after)
		s, _ := status.Judge(f)
		f.Observed.Deployment.Status = s
		if meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionStalled) {
			t.Fatalf("stalled after %s", after)
		}
	}
}

func TestANewOperatorKeepsTheJudgementUntilItHasAsked(t *testing.T) {
	f := serving()
	f.Observed.Deployment.Status, _ = status.Judge(f)
	f.Database = mongodb.Decision{Reason: mongodb.ReasonNotObservedYet}
	f.Availability = mongodb.Availability{Reason: mongodb.ReasonNotObservedYet}
	f.Members = nil
	s, again := status.Judge(f)
	if !equality.Semantic.DeepEqual(s, f.Observed.Deployment.Status) || again == 0 {
		t.Errorf("the status became %+v, next look after %s", s, again)
	}
	f.Observed.Deployment.Status = v1alpha1.ChatPDFDeploymentStatus{ObservedGeneration: -1}
	if s, _ := status.Judge(f); meta.IsStatusConditionTrue(s.Conditions, v1alpha1.ConditionReady) {
		t.Error("Ready, though nobody knows")
	}
}

func TestTheCertificateOfTheDatabaseIsWatchedOver(t *testing.T) {
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		left   time.Duration
		ours   bool
		given  string
		status metav1.ConditionStatus
		reason string
		says   string
		again  time.Duration
	}{
		"new":                      {90 * day, true, "", metav1.ConditionTrue, status.ReasonCertificateValid, "valid until 2027-01-30", 45 * day},
		"due, and not renewed yet": {40 * day, true, "", metav1.ConditionTrue, status.ReasonCertificateValid, "valid until", 19 * day},
		"not renewed":              {20 * day, true, "", metav1.ConditionFalse, status.ReasonCertificateExpiring, "as soon as nothing is in its way", 20 * day},
		"expired":                  {-day, true, "", metav1.ConditionFalse, status.ReasonCertificateExpired, "has expired", 10 * time.Second},
		"somebody else's":          {20 * day, false, "", metav1.ConditionFalse, status.ReasonCertificateExpiring, "put a new one there", 20 * day},
		"of a person's Secret":     {20 * day, false, "mine", metav1.ConditionFalse, status.ReasonCertificateExpiring, "Secret mine: put a new one there", 20 * day},
		"of cert-manager":          {20 * day, false, "docs-mongodb-issued", metav1.ConditionFalse, status.ReasonCertificateExpiring, "kubectl describe certificate -n", 20 * day},
	} {
		t.Run(name, func(t *testing.T) {
			f := serving()
			until := now.Add(test.left)
			f.Observed.Certificates = map[string]stack.LiveCertificate{
				"docs-mongodb-tls": {NotBefore: until.Add(-90 * day), NotAfter: until, Ours: test.ours},
			}
			if test.given != "" {
				f.Observed.Trust.Given = &stack.GivenCertificate{Secret: test.given}
			}
			s, again := status.Judge(f)
			c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionDatabaseCertificateValid)
			if c == nil || c.Status != test.status || c.Reason != test.reason || !strings.Contains(c.Message, test.says) {
				t.Errorf("the condition is %+v", c)
			}
			if again != test.again {
				t.Errorf("looks again after %s, want %s", again, test.again)
			}
		})
	}
}

func TestWhatIsWrongWithCertificatesIsTold(t *testing.T) {
	authority, err := trusttest.NewAuthority("ours", now, stack.AuthorityLifetime)
	if err != nil {
		t.Fatal(err)
	}
	fingerprint := trust.Fingerprint(authority.Certificate)
	for name, test := range map[string]struct {
		change func(*status.Facts)
		status metav1.ConditionStatus
		reason string
		says   string
		again  time.Duration
	}{
		"all is well": {func(*status.Facts) {}, metav1.ConditionTrue, status.ReasonCertificateValid, "valid until", 45 * 24 * time.Hour},
		"of short life, and with half of it left": {
			func(f *status.Facts) {
				f.Observed.Certificates["docs-mongodb-tls"] = stack.LiveCertificate{NotBefore: now.Add(-5 * 24 * time.Hour), NotAfter: now.Add(5 * 24 * time.Hour)}
			},
			metav1.ConditionTrue, status.ReasonCertificateValid, "valid until", 40 * time.Hour,
		},
		"what is given is no good": {
			func(f *status.Facts) { f.Certificates.Refused = "Secret web does not exist." },
			metav1.ConditionFalse, status.ReasonCertificateRefused, "Secret web does not exist. Members serve what they did before", 30 * time.Second,
		},
		"the authority's key is missing": {
			func(f *status.Facts) { f.Observed.Trust.Signs = false },
			metav1.ConditionFalse, status.ReasonAuthorityUnusable, "ca.key", 30 * time.Second,
		},
		"it waits for time to pass": {
			func(f *status.Facts) {
				f.Certificates = stack.CertificatePlan{Waits: "It waits.", Until: now.Add(time.Minute)}
			},
			metav1.ConditionTrue, status.ReasonCertificateChanging, "It waits.", time.Minute,
		},
		"a member does not serve it yet": {
			func(f *status.Facts) {
				f.Observed.Trust.ServedSince = now.Add(-time.Minute)
				f.Observed.Database.Reports = map[string]mongodb.Report{"b": {Serves: "another"}, "a": {Serves: fingerprint}, "c": {Mute: true}}
			},
			metav1.ConditionTrue, status.ReasonCertificateValid, "valid until", 9 * time.Minute,
		},
		"a member does not serve it at all": {
			func(f *status.Facts) {
				f.Observed.Trust.ServedSince = now.Add(-10 * time.Minute)
				f.Observed.Database.Reports = map[string]mongodb.Report{"b": {Serves: "another"}, "a": {Serves: fingerprint}}
			},
			metav1.ConditionFalse, status.ReasonCertificateNotServed, "b does not serve", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := serving()
			f.Observed.Certificates = map[string]stack.LiveCertificate{
				"docs-mongodb-tls": {NotBefore: now, NotAfter: now.Add(stack.CertificateLifetime), Ours: true},
				"docs-mongodb-ca":  {NotBefore: now, NotAfter: now.Add(stack.AuthorityLifetime), Ours: true},
			}
			f.Observed.Trust = stack.LiveTrust{Ours: true, Signs: true, Leaf: authority.Certificate}
			test.change(&f)
			s, again := status.Judge(f)
			c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionDatabaseCertificateValid)
			if c == nil || c.Status != test.status || c.Reason != test.reason || !strings.Contains(c.Message, test.says) {
				t.Errorf("the condition is %+v", c)
			}
			if again != test.again {
				t.Errorf("looks again after %s, want %s", again, test.again)
			}
		})
	}
}

func TestTheDiskIsCalledFillingAndStaysSoUntilThereIsRelief(t *testing.T) {
	f := serving()
	for _, step := range []struct {
		used   int
		reason string
	}{
		{0, status.ReasonDiskSufficient}, {75, status.ReasonDiskSufficient}, {80, status.ReasonDiskFilling}, {75, status.ReasonDiskFilling},
		{95, status.ReasonDiskFull}, {90, status.ReasonDiskFull}, {85, status.ReasonDiskFilling}, {70, status.ReasonDiskSufficient},
	} {
		f.Observed.Database.Disk = mongodb.Disk{UsedPercent: step.used, Total: 1 << 30}
		next, _ := status.Judge(f)
		c := meta.FindStatusCondition(next.Conditions, v1alpha1.ConditionDatabaseDiskSufficient)
		if c == nil || c.Reason != step.reason || (c.Status == metav1.ConditionTrue) != (step.reason == status.ReasonDiskSufficient) {
			t.Errorf("%d %% used: %+v, want %s", step.used, c, step.reason)
		}
		f.Observed.Deployment.Status = next
	}
	f.Observed.Database.Disk = mongodb.Disk{}
	if next, _ := status.Judge(f); !meta.IsStatusConditionTrue(next.Conditions, v1alpha1.ConditionDatabaseDiskSufficient) {
		t.Error("what was said last does not stand while nobody can measure")
	}
}
