package api

import (
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/status"
)

// runBackup plays the controllers of CronJobs and Jobs, and the kubelet: a Job of the CronJob that ends so. What its pod
// tells last is the message.
func (w *world) runBackup(t *testing.T, name string, ago time.Duration, code int32, message string) {
	t.Helper()
	cronJob := get[batchv1.CronJob](t, w, "docs-backup")
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name, Labels: cronJob.Spec.JobTemplate.Labels},
		Spec:       cronJob.Spec.JobTemplate.Spec,
	}
	w.must(t, w.Create(t.Context(), job))
	template := job.Spec.Template
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name + "-x", Labels: template.Labels},
		Spec:       template.Spec,
	}
	w.must(t, w.Create(t.Context(), pod))
	ended := metav1.NewTime(time.Now().Add(-ago).Truncate(time.Second))
	pod.Status = corev1.PodStatus{Phase: corev1.PodSucceeded, ContainerStatuses: []corev1.ContainerStatus{{
		Name: "backup", Image: template.Spec.Containers[0].Image,
		State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: message, FinishedAt: ended, StartedAt: ended}},
	}}}
	kinds := []batchv1.JobConditionType{batchv1.JobSuccessCriteriaMet, batchv1.JobComplete}
	if code != 0 {
		pod.Status.Phase = corev1.PodFailed
		kinds = []batchv1.JobConditionType{batchv1.JobFailureTarget, batchv1.JobFailed}
	}
	w.must(t, w.Status().Update(t.Context(), pod))
	job.Status.StartTime = &ended
	if code == 0 {
		job.Status.CompletionTime, job.Status.Succeeded = &ended, 1
	}
	for _, kind := range kinds {
		job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: ended, Reason: "Ended"})
	}
	w.must(t, w.Status().Update(t.Context(), job))
}

func TestBackupsAreMadeFromTheBeginningAndTheStatusTellsOfThem(t *testing.T) {
	w, o, key := played(t)
	if c := w.condition(t, key, v1alpha1.ConditionBackupHealthy); c.Reason != status.ReasonNoBackupYet || c.Status != metav1.ConditionUnknown {
		t.Errorf("before the first it is %+v", c)
	}
	cronJob := get[batchv1.CronJob](t, w, "docs-backup")
	if cronJob.Spec.Schedule != "0 2 * * *" || *cronJob.Spec.TimeZone != "Etc/UTC" {
		t.Errorf("it runs at %s in %s", cronJob.Spec.Schedule, *cronJob.Spec.TimeZone)
	}
	if claim := get[corev1.PersistentVolumeClaim](t, w, "docs-backup"); len(claim.OwnerReferences) > 0 {
		t.Errorf("the volume goes with %v", claim.OwnerReferences)
	}

	w.runBackup(t, "docs-backup-1", 2*time.Minute, 0, `{"id":"docs-backup-1","pointInTime":"2026-11-01T02:00:05Z","documents":12,"bytes":3456,"kept":1}`)
	o.settle(t, key)
	c, last := w.condition(t, key, v1alpha1.ConditionBackupHealthy), get[v1alpha1.ChatPDFDeployment](t, w, "docs").Status.Backup.Last
	if c.Status != metav1.ConditionTrue || last == nil || last.ID != "docs-backup-1" || last.Documents != 12 {
		t.Errorf("after one it is %+v, and the newest is %+v", c, last)
	}

	w.runBackup(t, "docs-backup-2", time.Minute, 1, "dbagent: reading collection passages: the server went away")
	w.must(t, w.Delete(t.Context(), get[corev1.Pod](t, w, "docs-backup-1-x"), client.GracePeriodSeconds(0)))
	o.settle(t, key)
	c, last = w.condition(t, key, v1alpha1.ConditionBackupHealthy), get[v1alpha1.ChatPDFDeployment](t, w, "docs").Status.Backup.Last
	if c.Reason != status.ReasonBackupFailed || !strings.Contains(c.Message, "the server went away") || last == nil || last.ID != "docs-backup-1" {
		t.Errorf("after one that failed it is %+v, and the newest is %+v", c, last)
	}
}

func TestAVolumeOfBackupsIsItsOwnersToChange(t *testing.T) {
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	o.settle(t, key)
	claim := get[corev1.PersistentVolumeClaim](t, w, "docs-backup")
	claim.Labels["mine"] = "too"
	w.must(t, w.Update(t.Context(), claim))
	w.edit(t, key, func(spec *v1alpha1.ChatPDFDeploymentSpec) { spec.Backup.Volume.Size = new(resource.MustParse("1Gi")) })
	o.settle(t, key)
	now := get[corev1.PersistentVolumeClaim](t, w, "docs-backup")
	if now.ResourceVersion != claim.ResourceVersion {
		t.Errorf("the claim was written: %+v", now.Spec)
	}
}

func TestAScheduleThatIsNoneIsToldAndBackupsGoOn(t *testing.T) {
	w, o, key := played(t)
	before := get[batchv1.CronJob](t, w, "docs-backup")
	w.edit(t, key, func(spec *v1alpha1.ChatPDFDeploymentSpec) { spec.Backup.Schedule = "every night" })
	o.settle(t, key)
	if c := w.condition(t, key, v1alpha1.ConditionBackupHealthy); c.Reason != status.ReasonBackupScheduleRefused || !strings.Contains(c.Message, "write five fields") {
		t.Errorf("the condition is %+v", c)
	}
	if now := get[batchv1.CronJob](t, w, "docs-backup"); now.UID != before.UID || now.Spec.Schedule != "0 2 * * *" {
		t.Errorf("the CronJob runs at %s", now.Spec.Schedule)
	}
}
