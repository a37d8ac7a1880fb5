//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/frontdoor"
)

// A document is deleted after a backup, and comes back by the steps of the operations page.
func TestABackupBringsADocumentBack(t *testing.T) {
	besideOthers(t)
	deployment := sample(t, "minimal", namespace(t, "backup"))
	deployment.Name = "docs" // as the page calls it
	key := create(t, deployment)
	ready(t, key)
	user := door(t, key)
	kept := upload(t, user, "handbook.pdf", handbook(t))

	made := backUp(t, key, "before")
	if listed := followPage(t, key, "kubectl create job docs-backups"); !strings.Contains(listed, made.ID) {
		t.Errorf("the page's way to list backups prints\n%s", listed)
	}
	if err := user.Delete(t.Context(), kept.ID); err != nil {
		t.Fatal(err)
	}
	if documents, err := user.Documents(t.Context()); err != nil || len(documents) != 0 {
		t.Fatalf("%d documents are there: %v", len(documents), err)
	}

	suspend(t, key, true)
	stopBackend(t, key)
	restore(t, key, made.ID)
	suspend(t, key, false)
	ready(t, key)
	user = door(t, key)
	eventually(t, "a cited answer", func(ctx context.Context) error {
		answer, err := user.Ask(ctx, handbookQuestion, kept.ID)
		if err != nil {
			return err
		}
		return frontdoor.CheckCited(answer, kept)
	})
}

// backUp runs the CronJob once, as `kubectl create job --from` does, and returns what the status says of it.
func backUp(t *testing.T, key client.ObjectKey, name string) v1alpha1.BackupRecord {
	t.Helper()
	var cronJob batchv1.CronJob
	if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: key.Namespace, Name: key.Name + "-backup"}, &cronJob); err != nil {
		t.Fatal(err)
	}
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name + "-backup-" + name, Labels: cronJob.Spec.JobTemplate.Labels},
		Spec:       cronJob.Spec.JobTemplate.Spec,
	}
	if err := cluster.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the backup is there", condition(key, v1alpha1.ConditionBackupHealthy, isTrue))
	var deployment v1alpha1.ChatPDFDeployment
	if err := cluster.Get(t.Context(), key, &deployment); err != nil {
		t.Fatal(err)
	}
	last := deployment.Status.Backup.Last
	if last == nil || last.ID != job.Name || last.Documents == 0 || last.Size.IsZero() {
		t.Fatalf("the status tells of %+v", last)
	}
	fmt.Printf("NOTE backup: %d documents, %s\n", last.Documents, last.Size)
	return *last
}

// followPage runs the commands of the operations page that begin so, up to the end of their block, and returns what they print.
func followPage(t *testing.T, key client.ObjectKey, begin string) string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root(), "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, commands, found := strings.Cut(string(page), "\n"+begin)
	commands, _, ended := strings.Cut(commands, "\n```")
	if !found || !ended {
		t.Fatalf("docs/operations.md has no commands that begin with %q", begin)
	}
	script := fmt.Sprintf("set -e\nkubectl() { %q --kubeconfig %q --namespace %q \"$@\"; }\n%s%s", cluster.Kubectl, cluster.Kubeconfig, key.Namespace, begin, commands)
	output, err := exec.CommandContext(t.Context(), "bash", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%s\n%v", script, output, err)
	}
	return string(output)
}

func suspend(t *testing.T, key client.ObjectKey, suspended bool) {
	t.Helper()
	deployment := &v1alpha1.ChatPDFDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	patch := fmt.Sprintf(`{"spec":{"suspend":%t}}`, suspended)
	if err := cluster.Patch(t.Context(), deployment, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		t.Fatal(err)
	}
	if suspended {
		eventually(t, "the operator lets go", condition(key, v1alpha1.ConditionSuspended, isTrue))
	}
}

func stopBackend(t *testing.T, key client.ObjectKey) {
	t.Helper()
	backend := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name + "-backend"}}
	if err := cluster.Patch(t.Context(), backend, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"replicas":0}}`))); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the backend stops", func(ctx context.Context) error {
		var pods corev1.PodList
		if err := cluster.List(ctx, &pods, client.InNamespace(key.Namespace), client.MatchingLabels{"app.kubernetes.io/component": "backend"}); err != nil {
			return err
		}
		if len(pods.Items) > 0 {
			return fmt.Errorf("%d pods are left", len(pods.Items))
		}
		return nil
	})
}

// restore runs the Job of docs/restore.yaml.
func restore(t *testing.T, key client.ObjectKey, backup string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root(), "docs", "restore.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var cronJob batchv1.CronJob
	if err := cluster.Get(t.Context(), client.ObjectKey{Namespace: key.Namespace, Name: key.Name + "-backup"}, &cronJob); err != nil {
		t.Fatal(err)
	}
	filled := strings.NewReplacer("BACKUP", backup, "AGENT_IMAGE", cronJob.Spec.JobTemplate.Spec.Template.Spec.Containers[0].Image).Replace(string(raw))
	job := &batchv1.Job{}
	if err := yaml.UnmarshalStrict([]byte(filled), job); err != nil {
		t.Fatal(err)
	}
	job.Namespace = key.Namespace
	if err := cluster.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the backup comes back", func(ctx context.Context) error {
		if err := cluster.Get(ctx, client.ObjectKeyFromObject(job), job); err != nil {
			return err
		}
		if job.Status.Succeeded == 0 {
			return fmt.Errorf("the Job's status is %+v", job.Status)
		}
		return nil
	})
}
