package status_test

import (
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/release"
	"chatpdf.dev/operator/internal/stack"
	"chatpdf.dev/operator/internal/status"
)

// ago is a moment before now, which is noon; backups are due at two at night.
func ago(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(-d)) }

// backups is the CronJob of a deployment that is as old as that.
func backups(age time.Duration) batchv1.CronJob {
	return batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "docs-backup", CreationTimestamp: ago(age)}}
}

// saving is what a Job runs that makes a backup.
var saving = batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "backup", Args: []string{"backup"}}}}}}

// ran is a Job that has ended, with what its pod told last.
func ran(f *status.Facts, name string, kind batchv1.JobConditionType, since time.Duration, code int32, told string) {
	f.Observed.Jobs = append(f.Observed.Jobs, batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name},
		Spec:       saving,
		Status: batchv1.JobStatus{Conditions: []batchv1.JobCondition{{
			Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: ago(since), Reason: "BackoffLimitExceeded", Message: "Job has reached the specified backoff limit",
		}}},
	})
	p := pod(stack.ComponentBackup, "backup", corev1.ContainerStatus{State: corev1.ContainerState{
		Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Message: told, FinishedAt: ago(since), Reason: "Error"},
	}})
	p.Labels[batchv1.JobNameLabel], p.Status.Phase = name, corev1.PodSucceeded
	if code != 0 {
		p.Status.Phase = corev1.PodFailed
	}
	f.Observed.Pods = append(f.Observed.Pods, p)
}

const told = `{"id":"docs-backup-1","pointInTime":"2026-11-01T02:00:05Z","documents":12,"bytes":3456,"kept":7}`

func TestTheConditionSaysWhetherThereIsABackupToComeBackTo(t *testing.T) {
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		change  func(*status.Facts)
		status  metav1.ConditionStatus
		reason  string
		message string
		again   time.Duration
	}{
		"none is due yet": {func(f *status.Facts) { f.Observed.CronJobs = append(f.Observed.CronJobs, backups(time.Hour)) },
			metav1.ConditionUnknown, status.ReasonNoBackupYet, "The first backup is due at 2026-11-02T02:00:00Z.", 16 * time.Hour},
		"one that succeeded": {func(f *status.Facts) {
			f.Observed.CronJobs = append(f.Observed.CronJobs, backups(9*day))
			ran(f, "docs-backup-1", batchv1.JobComplete, 10*time.Hour, 0, told)
		}, metav1.ConditionTrue, status.ReasonSameFailureDomain, "The newest backup, docs-backup-1, shows 2026-11-01T02:00:05Z.", 16 * time.Hour},
		"its Job is gone, and the CronJob remembers": {func(f *status.Facts) {
			c := backups(9 * day)
			c.Status.LastSuccessfulTime = new(ago(9 * time.Hour))
			f.Observed.CronJobs = append(f.Observed.CronJobs, c)
		}, metav1.ConditionTrue, status.ReasonSameFailureDomain, "what takes the cluster takes them too", 16 * time.Hour},
		"one that failed after one that succeeded": {func(f *status.Facts) {
			f.Observed.CronJobs = append(f.Observed.CronJobs, backups(9*day))
			ran(f, "docs-backup-1", batchv1.JobComplete, 34*time.Hour, 0, told)
			ran(f, "docs-backup-2", batchv1.JobFailed, 10*time.Hour, 1, "{\"level\":\"INFO\"}\ndbagent: writing archive.tar.zst of backup docs-backup-2: no space left on device\n")
		}, metav1.ConditionFalse, status.ReasonBackupFailed, "Job docs-backup-2 has failed: dbagent: writing archive.tar.zst of backup docs-backup-2: no space left on device. See `kubectl logs -n ns job/docs-backup-2`; " +
			"to try again, `kubectl create job -n ns --from=cronjob/docs-backup docs-backup-$(date +%s)`. The newest backup, docs-backup-1, shows", 0},
		"one that succeeded after one that failed": {func(f *status.Facts) {
			f.Observed.CronJobs = append(f.Observed.CronJobs, backups(9*day))
			ran(f, "docs-backup-2", batchv1.JobFailed, 10*time.Hour, 1, "dbagent: no")
			ran(f, "docs-backup-1", batchv1.JobComplete, 9*time.Hour, 0, told)
		}, metav1.ConditionTrue, status.ReasonSameFailureDomain, "docs-backup-1", 16 * time.Hour},
		"one that took too long, and its pod is gone": {func(f *status.Facts) {
			f.Observed.CronJobs = append(f.Observed.CronJobs, backups(9*day))
			ran(f, "docs-backup-2", batchv1.JobFailed, 10*time.Hour, 1, "")
			f.Observed.Pods = nil
		}, metav1.ConditionFalse, status.ReasonBackupFailed, "Job docs-backup-2 has failed: Job has reached the specified backoff limit.", 0},
		"none since yesterday": {func(f *status.Facts) {
			f.Observed.CronJobs = append(f.Observed.CronJobs, backups(9*day))
			ran(f, "docs-backup-1", batchv1.JobComplete, 34*time.Hour, 0, told)
		}, metav1.ConditionFalse, status.ReasonBackupOverdue, "A backup was due at 2026-11-01T02:00:00Z, and none has succeeded since. See `kubectl describe cronjob -n ns docs-backup`.", 0},
		"never one": {func(f *status.Facts) { f.Observed.CronJobs = append(f.Observed.CronJobs, backups(2*day)) },
			metav1.ConditionFalse, status.ReasonBackupOverdue, "A backup was due at 2026-10-31T02:00:00Z", 0},
		"late, and it may be": {func(f *status.Facts) {
			f.Observed.Deployment.Spec.Backup.Schedule = "0 11 * * *"
			f.Observed.CronJobs = append(f.Observed.CronJobs, backups(9*day))
			ran(f, "docs-backup-1", batchv1.JobComplete, 24*time.Hour, 0, told)
		}, metav1.ConditionTrue, status.ReasonSameFailureDomain, "", time.Hour},
		"a pod without room, after one that failed": {func(f *status.Facts) {
			f.Observed.CronJobs = append(f.Observed.CronJobs, backups(9*day))
			ran(f, "docs-backup-1", batchv1.JobFailed, 10*time.Hour, 1, "")
			f.Observed.Jobs = append(f.Observed.Jobs, batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "docs-backup-2"}, Spec: saving})
			p := pod(stack.ComponentBackup, "backup", corev1.ContainerStatus{})
			p.Labels[batchv1.JobNameLabel] = "docs-backup-2"
			p.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
				Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "0/3 nodes are available",
			}}}
			f.Observed.Pods = append(f.Observed.Pods, p)
		}, metav1.ConditionFalse, status.ReasonPodUnschedulable, "0/3 nodes are available", 0},
		"one that only listed backups": {func(f *status.Facts) {
			f.Observed.CronJobs = append(f.Observed.CronJobs, backups(2*day))
			ran(f, "docs-backups", batchv1.JobComplete, time.Hour, 0, "ID  POINT IN TIME")
			f.Observed.Jobs[0].Spec = batchv1.JobSpec{}
		}, metav1.ConditionFalse, status.ReasonBackupOverdue, "2026-10-31T02:00:00Z", 0},
		"a day that never comes, and one by hand": {func(f *status.Facts) {
			f.Observed.Deployment.Spec.Backup.Schedule = "0 0 31 2 *"
			f.Observed.CronJobs = append(f.Observed.CronJobs, backups(9*day))
			ran(f, "docs-backup-1", batchv1.JobComplete, 10*time.Hour, 0, told)
		}, metav1.ConditionFalse, status.ReasonBackupScheduleRefused, "no time that ever comes", 0},
		"suspended": {func(f *status.Facts) {
			f.Observed.Deployment.Spec.Backup.Suspend = new(true)
			f.Observed.CronJobs = append(f.Observed.CronJobs, backups(9*day))
		}, metav1.ConditionFalse, status.ReasonSuspended, "spec.backup.suspend", 0},
		"no schedule": {func(f *status.Facts) { f.Observed.Deployment.Spec.Backup.Schedule = "at night" },
			metav1.ConditionFalse, status.ReasonBackupScheduleRefused, "write five fields, such as 0 2 * * *", 0},
		"a day that never comes": {func(f *status.Facts) {
			f.Observed.Deployment.Spec.Backup.Schedule = "0 0 31 2 *"
			f.Observed.CronJobs = append(f.Observed.CronJobs, backups(9*day))
		}, metav1.ConditionFalse, status.ReasonBackupScheduleRefused, `"0 0 31 2 *" has no time that ever comes`, 0},
		"a server that is too old": {func(f *status.Facts) {
			f.Release.Content.Database = release.Database{Image: "docker.io/library/mongo:4.4.29"}
		}, metav1.ConditionFalse, status.ReasonBackupUnsupported, "MongoDB 5.0 or later", 0},
		"no CronJob yet": {func(*status.Facts) {}, metav1.ConditionUnknown, status.ReasonProgressing, "is being created", 0},
		"no room for its pod": {func(f *status.Facts) {
			f.Observed.CronJobs = append(f.Observed.CronJobs, backups(9*day))
			ran(f, "docs-backup-1", batchv1.JobComplete, 10*time.Hour, 0, told)
			f.Observed.Jobs = append(f.Observed.Jobs, batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "docs-backup-2"}, Spec: saving})
			p := pod(stack.ComponentBackup, "backup", waiting("ErrImagePull", "not found"))
			p.Labels[batchv1.JobNameLabel], p.Status.Phase = "docs-backup-2", corev1.PodPending
			f.Observed.Pods = append(f.Observed.Pods, p)
		}, metav1.ConditionFalse, status.ReasonImagePullFailed, "Correct the operator's --dbagent-image", 0},
	} {
		t.Run(name, func(t *testing.T) {
			f := serving()
			test.change(&f)
			got, again := status.Judge(f)
			c := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionBackupHealthy)
			if c == nil || c.Status != test.status || c.Reason != test.reason || !strings.Contains(c.Message, test.message) {
				t.Errorf("the condition is %+v", c)
			}
			if again != test.again {
				t.Errorf("it looks again after %s, want %s", again, test.again)
			}
			if ready := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionReady); ready.Status != metav1.ConditionTrue {
				t.Errorf("what serves is not Ready for its backups: %s", ready.Message)
			}
		})
	}
}

func TestTheNewestBackupIsRememberedWhenItsPodIsGone(t *testing.T) {
	f := serving()
	f.Observed.CronJobs = append(f.Observed.CronJobs, backups(time.Hour))
	ran(&f, "docs-backup-1", batchv1.JobComplete, 10*time.Hour, 0, told)
	got, _ := status.Judge(f)
	if last := got.Backup.Last; last == nil || last.ID != "docs-backup-1" || last.Documents != 12 || last.Size.Value() != 3456 {
		t.Fatalf("the newest backup is %+v", got.Backup.Last)
	}
	f.Observed.Deployment.Status, f.Observed.Pods, f.Observed.Jobs = got, nil, nil
	ran(&f, "docs-backup-0", batchv1.JobComplete, 34*time.Hour, 0, strings.ReplaceAll(told, "11-01", "10-31"))
	if got, _ = status.Judge(f); got.Backup.Last == nil || got.Backup.Last.ID != "docs-backup-1" {
		t.Errorf("the newest backup is %+v", got.Backup.Last)
	}
}

func TestADatabaseOfSomebodyElseHasNoBackupsHere(t *testing.T) {
	f := serving()
	f.Observed.Deployment.Spec.MongoDB.External = &v1alpha1.ExternalDatabaseSpec{}
	got, _ := status.Judge(f)
	if c := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionBackupHealthy); c != nil {
		t.Errorf("the condition is %+v", c)
	}
}
