package status

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"

	"chatpdf.dev/operator/api/v1alpha1"
)

func with(conditions ...metav1.Condition) v1alpha1.ChatPDFDeploymentStatus {
	return v1alpha1.ChatPDFDeploymentStatus{Conditions: conditions}
}

func condition(kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: "words"}
}

func TestEventsComeFromTransitionsAlone(t *testing.T) {
	ready := condition(v1alpha1.ConditionReady, metav1.ConditionTrue, ReasonReady)
	database := condition(v1alpha1.ConditionDatabaseAvailable, metav1.ConditionTrue, ReasonAvailable)
	gone := condition(v1alpha1.ConditionDatabaseAvailable, metav1.ConditionFalse, "NoPrimary")
	for name, test := range map[string]struct {
		before, after v1alpha1.ChatPDFDeploymentStatus
		want          []string
	}{
		"nothing new":           {with(ready, database), with(ready, database), nil},
		"made":                  {with(), with(condition(v1alpha1.ConditionReconciling, metav1.ConditionTrue, ReasonProgressing), gone), nil},
		"serving":               {with(gone), with(database, ready), []string{"Normal Available DatabaseAvailable is True", "Normal Ready Ready is True"}},
		"the database went":     {with(database), with(gone), []string{"Warning NoPrimary DatabaseAvailable is False"}},
		"another message":       {with(gone), with(metav1.Condition{Type: gone.Type, Status: gone.Status, Reason: gone.Reason, Message: "other words"}), nil},
		"something in the way":  {with(), with(condition(v1alpha1.ConditionReconciling, metav1.ConditionTrue, ReasonImagePullFailed)), []string{"Warning ImagePullFailed Reconciling is True"}},
		"a person is needed":    {with(), with(condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, ReasonSecretMissing)), []string{"Warning SecretMissing Stalled is True"}},
		"for another reason":    {with(condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, ReasonSecretMissing)), with(condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, ReasonSecretKeyMissing)), []string{"Warning SecretKeyMissing Stalled is True"}},
		"suspended":             {with(), with(condition(v1alpha1.ConditionSuspended, metav1.ConditionTrue, ReasonSuspended)), []string{"Normal Suspended Suspended is True"}},
		"a release was adopted": {with(), v1alpha1.ChatPDFDeploymentStatus{Release: v1alpha1.ReleaseStatus{Name: "docs-1", Revision: 1}}, []string{"Normal ReleaseAccepted Release docs-1 (revision 1)"}},
	} {
		t.Run(name, func(t *testing.T) {
			recorder := events.NewFakeRecorder(10)
			w := &Writer{Recorder: recorder}
			w.announce(&v1alpha1.ChatPDFDeployment{Status: test.before}, test.after)
			close(recorder.Events)
			var got []string
			for event := range recorder.Events {
				got = append(got, event)
			}
			if len(got) != len(test.want) {
				t.Fatalf("events %q, want %q", got, test.want)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], test.want[i]) {
					t.Errorf("event %q, want %q", got[i], test.want[i])
				}
			}
		})
	}
}

func TestTheMetricsOfADeletedDeploymentGo(t *testing.T) {
	m := NewMetrics()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(m)
	count := func() int {
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		if len(families) == 0 {
			return 0
		}
		return len(families[0].GetMetric())
	}
	d := &v1alpha1.ChatPDFDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "docs"}}
	m.observe(d, []metav1.Condition{condition(v1alpha1.ConditionReady, metav1.ConditionFalse, "x"), condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, "x")})
	if got := count(); got != 6 {
		t.Errorf("%d series, want 3 for each of 2 conditions", got)
	}
	m.observe(d, []metav1.Condition{condition(v1alpha1.ConditionReady, metav1.ConditionTrue, "x")})
	if got := count(); got != 3 {
		t.Errorf("%d series after a condition went, want 3", got)
	}
	m.Forget(types.NamespacedName{Namespace: "ns", Name: "docs"})
	if got := count(); got != 0 {
		t.Errorf("%d series of a deployment that is gone", got)
	}
}

func TestMessagesAreShort(t *testing.T) {
	long := strings.Repeat("word ", 1000)
	if got := words(long); len(got) > 410 || strings.Contains(got, "\n") {
		t.Errorf("%d bytes", len(got))
	}
	if got := words("", " \n", "b\n c."); got != "b c" {
		t.Errorf("got %q", got)
	}
}
