package status

import (
	"fmt"
	"slices"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/backup"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
)

// backups says whether there is something to come back to, and after what time that may be otherwise. Jobs are the truth:
// nothing is remembered of a backup but what they and their pods tell.
func (c conditions) backups(s *v1alpha1.BackupStatus, f Facts) time.Duration {
	seen := f.Observed
	if seen.Deployment.Spec.MongoDB.External != nil {
		c.remove(v1alpha1.ConditionBackupHealthy)
		*s = v1alpha1.BackupStatus{}
		return 0
	}
	cronJob := observe.Named(seen.CronJobs, stack.NamesOf(seen.Deployment.Name).Backup)
	runs := backupRuns(seen)
	if runs.last != nil && (s.Last == nil || !runs.last.PointInTime.Before(s.Last.PointInTime.Time)) {
		s.Last = record(*runs.last)
	}
	if cronJob != nil {
		s.LastScheduleTime = cronJob.Status.LastScheduleTime
		if success := cronJob.Status.LastSuccessfulTime; success != nil && success.After(runs.succeeded) {
			runs.succeeded = success.Time
		}
	}
	j := judgeBackups(f, cronJob, runs, newest(*s))
	c.set(v1alpha1.ConditionBackupHealthy, j.status, j.reason, j.message)
	return j.again
}

type backupJudgement struct {
	status          metav1.ConditionStatus
	reason, message string
	again           time.Duration
}

func judgeBackups(f Facts, cronJob *batchv1.CronJob, runs runs, newest string) backupJudgement {
	times, image := stack.BackupSchedule(f.Observed.Deployment.Spec), f.Release.Content.Database.Image
	bad := func(reason, format string, args ...any) backupJudgement {
		return backupJudgement{metav1.ConditionFalse, reason, fmt.Sprintf(format, args...) + newest, 0}
	}
	switch {
	case image != "" && !stack.SavesSnapshots(image):
		return bad(ReasonBackupUnsupported, "Image %s is not known to be MongoDB 5.0 or later, which backups need: take up one, by spec.mongodb.image.", image)
	case times.Refused != "":
		return bad(ReasonBackupScheduleRefused, "%s Until then backups are made at %s, %s.", times.Refused, times.Schedule, times.TimeZone)
	case times.Suspended:
		return bad(ReasonSuspended, "No backups are made while spec.backup.suspend is true.")
	case cronJob == nil:
		return backupJudgement{metav1.ConditionUnknown, ReasonProgressing, "The CronJob of backups is being created." + newest, 0}
	case runs.trouble != nil: // of a Job that goes on: why the one before failed is told no better
		return bad(runs.trouble.Reason, "%s", runs.trouble.Message)
	case runs.failed.After(runs.succeeded):
		return bad(ReasonBackupFailed, "Job %s has failed: %s. See `kubectl logs -n %s job/%s`; to try again, `kubectl create job -n %s --from=cronjob/%s %s-$(date +%%s)`.",
			runs.failedJob, runs.why, cronJob.Namespace, runs.failedJob, cronJob.Namespace, cronJob.Name, cronJob.Name)
	}
	since := runs.succeeded
	if since.IsZero() {
		since = cronJob.CreationTimestamp.Time
	}
	due := times.After(since)
	overdue := due.Add(times.Patience()).Sub(f.Now)
	switch {
	case due.IsZero():
		return bad(ReasonBackupScheduleRefused, "spec.backup.schedule %q has no time that ever comes.", times.Schedule)
	case overdue <= 0:
		return bad(ReasonBackupOverdue, "A backup was due at %s, and none has succeeded since. See `kubectl describe cronjob -n %s %s`.",
			due.UTC().Format(time.RFC3339), cronJob.Namespace, cronJob.Name)
	case runs.succeeded.IsZero():
		return backupJudgement{metav1.ConditionUnknown, ReasonNoBackupYet, fmt.Sprintf("The first backup is due at %s.", due.UTC().Format(time.RFC3339)), overdue}
	}
	return backupJudgement{metav1.ConditionTrue, ReasonSameFailureDomain,
		fmt.Sprintf("Backups are as new as the schedule promises, on volume %s of this cluster: what takes the cluster takes them too. Copy them elsewhere.", cronJob.Name) + newest, overdue}
}

// newest tells of the newest backup, as a sentence after others.
func newest(s v1alpha1.BackupStatus) string {
	if s.Last == nil {
		return ""
	}
	return fmt.Sprintf(" The newest backup, %s, shows %s.", s.Last.ID, s.Last.PointInTime.UTC().Format(time.RFC3339))
}

func record(r backup.Result) *v1alpha1.BackupRecord {
	return &v1alpha1.BackupRecord{
		ID: r.ID, PointInTime: metav1.NewTime(r.PointInTime), Documents: r.Documents, Size: resource.NewQuantity(r.Bytes, resource.BinarySI),
	}
}

// runs are what the Jobs of backups that are still there tell.
type runs struct {
	// last is the newest backup of which a pod tells.
	last *backup.Result
	// succeeded and failed are when a Job last did.
	succeeded, failed time.Time
	failedJob, why    string
	// trouble keeps the pod of a Job from running that has yet to end.
	trouble *Trouble
}

func backupRuns(seen *observe.Observed) runs {
	var r runs
	running := map[string]bool{}
	for i := range seen.Jobs {
		job := &seen.Jobs[i]
		if !saves(job) {
			continue
		}
		switch at, failure := ended(job); {
		case at.IsZero():
			running[job.Name] = true
		case failure == nil && at.After(r.succeeded):
			r.succeeded = at
		case failure != nil && at.After(r.failed):
			r.failed, r.failedJob, r.why = at, job.Name, words(failure.Message, failure.Reason)
		}
	}
	var waiting []corev1.Pod
	var said time.Time
	for i := range seen.Pods {
		pod := &seen.Pods[i]
		if pod.Labels[stack.LabelComponent] != stack.ComponentBackup {
			continue
		}
		job := pod.Labels[batchv1.JobNameLabel]
		end := terminated(pod)
		switch result, told := backup.ParseResult(message(end)); {
		case told && end.ExitCode == 0 && (r.last == nil || result.PointInTime.After(r.last.PointInTime)):
			r.last = &result
		case end != nil && end.ExitCode != 0 && job == r.failedJob && !end.FinishedAt.Time.Before(said):
			said, r.why = end.FinishedAt.Time, words(lastLine(end.Message), end.Reason)
		case running[job] && pod.Status.Phase == corev1.PodPending:
			waiting = append(waiting, *pod)
		}
	}
	r.trouble = podsTrouble(waiting, stack.ComponentBackup, "the operator's backup")
	return r
}

// saves tells Jobs that make backups from others that people make of the CronJob, to list them for example.
func saves(job *batchv1.Job) bool {
	return slices.ContainsFunc(job.Spec.Template.Spec.Containers, func(c corev1.Container) bool {
		return c.Name == stack.BackupContainer && len(c.Args) > 0 && c.Args[0] == "backup"
	})
}

// ended is when a Job came to its end, and why it failed if it did; zero while it goes on.
func ended(job *batchv1.Job) (time.Time, *batchv1.JobCondition) {
	for i := range job.Status.Conditions {
		condition := &job.Status.Conditions[i]
		if condition.Status != corev1.ConditionTrue {
			continue
		}
		switch condition.Type {
		case batchv1.JobComplete:
			return condition.LastTransitionTime.Time, nil
		case batchv1.JobFailed:
			return condition.LastTransitionTime.Time, condition
		}
	}
	return time.Time{}, nil
}

// terminated is how the one container of a job's pod ended; nil while it has not.
func terminated(pod *corev1.Pod) *corev1.ContainerStateTerminated {
	for i := range pod.Status.ContainerStatuses {
		if end := pod.Status.ContainerStatuses[i].State.Terminated; end != nil {
			return end
		}
	}
	return nil
}

func message(end *corev1.ContainerStateTerminated) string {
	if end == nil {
		return ""
	}
	return end.Message
}
