//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/frontdoor"
	"chatpdf.dev/operator/internal/pdftest"
)

const handbookQuestion = "Where does the operator keep the identity of the replica set?"

// The whole path on one resource, then everything that may be killed or wiped. The parts build on one
// another, so they are one test.
func TestOneResourceBecomesACitedAnswerAndStaysOne(t *testing.T) {
	besideOthers(t)
	key := create(t, sample(t, "minimal", namespace(t, "path")))
	ready(t, key)
	user := door(t, key)
	document := upload(t, user, "handbook.pdf", handbook(t))
	asksAndIsShown := func(t *testing.T) {
		t.Helper()
		eventually(t, "a cited answer", func(ctx context.Context) error {
			answer, err := user.Ask(ctx, handbookQuestion, document.ID)
			if err != nil {
				return err
			}
			return frontdoor.CheckCited(answer, document)
		})
	}
	t.Run("a question is answered with a page and rectangles", asksAndIsShown)

	t.Run("the operator started again writes nothing", func(t *testing.T) { startedAgainWritesNothing(t, key) })

	t.Run("a database killed comes back with its documents", func(t *testing.T) {
		kill(t, pod(t, key, "mongodb"))
		asksAndIsShown(t)
	})

	t.Run("a backend killed in mid ingestion finishes the job once", func(t *testing.T) {
		finishesOnceThoughKilled(t, key, user)
	})

	t.Run("an agent that cannot start leaves the database alone", func(t *testing.T) {
		agentBrokenDatabaseAlone(t, pod(t, key, "mongodb"))
		asksAndIsShown(t)
	})

	t.Run("a wiped status is written again", func(t *testing.T) {
		wiped := &v1alpha1.ChatPDFDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
		if err := cluster.Status().Patch(t.Context(), wiped, client.RawPatch(types.MergePatchType, []byte(`{"status":null}`))); err != nil {
			t.Fatal(err)
		}
		ready(t, key)
	})

	t.Run("deleted and made again it keeps documents and passwords", func(t *testing.T) {
		before := adminPassword(t, key)
		remove(t, key)
		create(t, sample(t, "minimal", key.Namespace))
		ready(t, key)
		if adminPassword(t, key) != before {
			t.Error("the administrator's password changed")
		}
		user = door(t, key)
		asksAndIsShown(t)
	})
}

func upload(t *testing.T, user *frontdoor.Client, name string, pdf interface{ Read([]byte) (int, error) }) frontdoor.Document {
	t.Helper()
	document, err := user.Upload(t.Context(), name, pdf)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	document, err = user.WaitUntilRead(ctx, document.ID, func(frontdoor.Document) {})
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func finishesOnceThoughKilled(t *testing.T, key client.ObjectKey, user *frontdoor.Client) {
	const pages = 3000
	var document frontdoor.Document
	// The database has just been killed: while it is away an upload is refused, and is tried again.
	eventually(t, "an upload is accepted", func(ctx context.Context) (err error) {
		document, err = user.Upload(ctx, "long.pdf", bytes.NewReader(pdftest.Pages(pages, func(page int) []string {
			return []string{fmt.Sprintf("Page %d tells that the answer to question %d is %d.", page, page, page*page)}
		})))
		return err
	})
	eventually(t, "ingestion begins", func(ctx context.Context) error {
		d, err := user.Document(ctx, document.ID)
		switch {
		case err != nil:
			return err
		case d.State == "ready":
			t.Fatal("the document was read before the backend could be killed: make it longer")
		case d.PagesDone == 0:
			return errors.New("no page yet")
		}
		return nil
	})
	kill(t, pod(t, key, "backend"))
	eventually(t, "the document is read", func(ctx context.Context) error {
		d, err := user.Document(ctx, document.ID)
		switch {
		case err != nil:
			return err
		case d.State != "ready":
			return fmt.Errorf("state %s, page %d", d.State, d.PagesDone)
		case d.Pages != pages || d.PagesDone != pages:
			t.Fatalf("read %d of %d pages, want %d", d.PagesDone, d.Pages, pages)
		}
		return nil
	})
	answer, err := user.Ask(t.Context(), "What is the answer to question 1234?", document.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(answer.Citations) == 0 || answer.Citations[0].Page != 1234 {
		t.Errorf("answered %q citing %v, want page 1234", answer.Text, answer.Citations)
	}
}

// agentBrokenDatabaseAlone gives a running member an agent that cannot start, and looks whether mongod
// is still the same process after the kubelet has tried.
func agentBrokenDatabaseAlone(t *testing.T, before *corev1.Pod) {
	t.Helper()
	good := before.Spec.InitContainers[0].Image
	setAgent := func(image string) {
		patch := fmt.Sprintf(`{"spec":{"initContainers":[{"name":"dbagent","image":%q}]}}`, image)
		if err := cluster.Patch(t.Context(), before.DeepCopy(), client.RawPatch(types.StrategicMergePatchType, []byte(patch))); err != nil {
			t.Fatal(err)
		}
	}
	now := func(ctx context.Context) (*corev1.Pod, error) {
		var pod corev1.Pod
		return &pod, cluster.Get(ctx, client.ObjectKeyFromObject(before), &pod)
	}
	setAgent(cluster.Images.App)
	eventually(t, "the agent fails to start", func(ctx context.Context) error {
		pod, err := now(ctx)
		if err != nil {
			return err
		}
		for _, status := range pod.Status.InitContainerStatuses {
			if status.RestartCount > 0 && status.State.Waiting != nil {
				return nil
			}
		}
		return errors.New("the agent has not failed yet")
	})
	setAgent(good)
	var after *corev1.Pod
	eventually(t, "the agent is back", func(ctx context.Context) (err error) {
		if after, err = now(ctx); err != nil {
			return err
		}
		for _, status := range after.Status.InitContainerStatuses {
			if status.State.Running == nil {
				return fmt.Errorf("the agent is not running: %+v", status.State)
			}
		}
		return nil
	})
	if after.UID != before.UID {
		t.Fatal("the pod was replaced")
	}
	was, is := before.Status.ContainerStatuses[0], after.Status.ContainerStatuses[0]
	if was.ContainerID != is.ContainerID {
		t.Errorf("mongod was restarted: it was %s and is %s (%d restarts)", was.ContainerID, is.ContainerID, is.RestartCount)
	}
}

func pod(t *testing.T, key client.ObjectKey, component string) *corev1.Pod {
	t.Helper()
	var pods corev1.PodList
	if err := cluster.List(t.Context(), &pods, client.InNamespace(key.Namespace), client.MatchingLabels{
		"app.kubernetes.io/instance": key.Name, "app.kubernetes.io/component": component,
	}); err != nil {
		t.Fatal(err)
	}
	for i := range pods.Items {
		if pods.Items[i].DeletionTimestamp == nil {
			return &pods.Items[i]
		}
	}
	t.Fatalf("no %s pod of %s", component, key)
	return nil
}

func kill(t *testing.T, victim *corev1.Pod) {
	t.Helper()
	if err := cluster.Delete(t.Context(), victim, client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
}
