package stack_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	batchv1ac "k8s.io/client-go/applyconfigurations/batch/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/backup"
	"chatpdf.dev/operator/internal/stack"
)

func cronJob(t *testing.T, spec v1alpha1.ChatPDFDeploymentSpec) *batchv1ac.CronJobApplyConfiguration {
	t.Helper()
	objects := build(spec, func(in *stack.Input) { in.AgentImage = "dbagent:9" })
	if len(objects.CronJobs) != 1 || len(objects.Claims) != 1 {
		t.Fatalf("there are %d CronJobs and %d claims", len(objects.CronJobs), len(objects.Claims))
	}
	return objects.CronJobs[0]
}

func TestBackupsGoOnWithoutTheOperatorAndNeverTwoAtOnce(t *testing.T) {
	spec := cronJob(t, v1alpha1.ChatPDFDeploymentSpec{Backup: v1alpha1.BackupSpec{Schedule: "30 1 * * 1-5", TimeZone: "Europe/Zurich", DeadlineSeconds: 7200}}).Spec
	job := spec.JobTemplate.Spec
	switch {
	case *spec.Schedule != "30 1 * * 1-5" || *spec.TimeZone != "Europe/Zurich" || *spec.Suspend:
		t.Errorf("it runs at %s in %s, suspended: %t", *spec.Schedule, *spec.TimeZone, *spec.Suspend)
	case *spec.ConcurrencyPolicy != batchv1.ForbidConcurrent:
		t.Errorf("two may run at once: %s", *spec.ConcurrencyPolicy)
	case spec.StartingDeadlineSeconds == nil || *spec.StartingDeadlineSeconds == 0:
		t.Error("a backup that was missed is never made up for, or always")
	case *job.ActiveDeadlineSeconds != 7200 || *job.BackoffLimit != 2:
		t.Errorf("one may take %d s and fail %d times", *job.ActiveDeadlineSeconds, *job.BackoffLimit)
	}
	args := job.Template.Spec.Containers[0].Args
	if got := strings.Join(args, " "); !strings.Contains(got, "--id $(JOB_NAME) --run $(JOB_UID)") || !strings.Contains(got, "--keep-days 30 --keep-at-least 7") {
		t.Errorf("it runs %s", got)
	}
}

// TestABackupCanDoNothingButRead looks at what its pod is given.
func TestABackupCanDoNothingButRead(t *testing.T) {
	pod := cronJob(t, v1alpha1.ChatPDFDeploymentSpec{}).Spec.JobTemplate.Spec.Template.Spec
	if *pod.AutomountServiceAccountToken || *pod.Containers[0].Image != "dbagent:9" {
		t.Errorf("it has a token, or image %s", *pod.Containers[0].Image)
	}
	for _, volume := range pod.Volumes {
		if volume.Secret == nil {
			continue
		}
		var keys []string
		for _, item := range volume.Secret.Items {
			keys = append(keys, *item.Key)
		}
		want := map[string][]string{"docs-mongodb-backup": {"username", "password"}, "docs-mongodb-tls": {"ca.crt"}}[*volume.Secret.SecretName]
		if !slices.Equal(keys, want) || len(want) == 0 {
			t.Errorf("it sees %q of Secret %s", keys, *volume.Secret.SecretName)
		}
	}
}

func TestBackupsOutliveWhatTheyAreOf(t *testing.T) {
	claim := build(v1alpha1.ChatPDFDeploymentSpec{Backup: v1alpha1.BackupSpec{Volume: v1alpha1.BackupVolumeSpec{Size: quantity("50Gi"), StorageClassName: "slow"}}}, nil).Claims[0]
	if len(claim.OwnerReferences) != 0 || claim.Labels[stack.LabelKept] != "true" {
		t.Errorf("the claim goes with %v", claim.OwnerReferences)
	}
	if storage := claim.Spec.Resources.Requests.Storage(); storage.String() != "50Gi" || *claim.Spec.StorageClassName != "slow" {
		t.Errorf("it asks for %s of %s", storage, *claim.Spec.StorageClassName)
	}
}

func TestMongoDKeepsAMomentForAsLongAsABackupMayTake(t *testing.T) {
	const old, known = "docker.io/library/mongo:4.4.29", "docker.io/library/mongo:5.0.4"
	arguments := func(image string, seconds int32) *corev1ac.ContainerApplyConfiguration {
		spec := v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Image: image}, Backup: v1alpha1.BackupSpec{DeadlineSeconds: seconds}}
		return &candidate(spec).Database.Template.Spec.Containers[0]
	}
	for name, test := range map[string]struct {
		image   string
		seconds int32
		want    string
	}{
		"absent":          {known, 0, "minSnapshotHistoryWindowInSeconds=3600"},
		"two hours":       {known, 7200, "minSnapshotHistoryWindowInSeconds=7200"},
		"before 5.0":      {old, 7200, ""},
		"version unknown": {"registry.example.com/mongo@sha256:" + strings.Repeat("0", 64), 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			args := arguments(test.image, test.seconds).Args
			if got := slices.Contains(args, test.want); got != (test.want != "") || strings.Contains(strings.Join(args, " "), "Snapshot") != (test.want != "") {
				t.Errorf("mongod gets %q", args)
			}
		})
	}
	if objects := build(v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Image: old}}, nil); len(objects.CronJobs) != 0 {
		t.Error("a server that cannot be read as it was at one moment is saved")
	}
}

// TestMembersAreNotRestartedForAFieldThatIsAbsent compares with the digest that releases of operators without backups
// have recorded for the empty spec.
func TestMembersAreNotRestartedForAFieldThatIsAbsent(t *testing.T) {
	absent, given := candidate(v1alpha1.ChatPDFDeploymentSpec{}), candidate(v1alpha1.ChatPDFDeploymentSpec{Backup: v1alpha1.BackupSpec{DeadlineSeconds: 7200}})
	const recorded = "44136fa355"
	if absent.Database.Inputs != recorded {
		t.Errorf("the empty spec has digest %s, and it was %s", absent.Database.Inputs, recorded)
	}
	if given.Database.Inputs == recorded {
		t.Error("another deadline is not taken up")
	}
	scheduled := candidate(v1alpha1.ChatPDFDeploymentSpec{Backup: v1alpha1.BackupSpec{Schedule: "@hourly"}})
	if scheduled.Database.Inputs != recorded || scheduled.App.Inputs != absent.App.Inputs {
		t.Error("pods are restarted for a schedule")
	}
}

func TestASchedulePromisesTimesInItsZone(t *testing.T) {
	start := time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		spec    v1alpha1.BackupSpec
		want    string
		refused string
	}{
		"absent":             {v1alpha1.BackupSpec{}, "2026-03-29T02:00:00Z", ""},
		"in a zone":          {v1alpha1.BackupSpec{TimeZone: "America/New_York"}, "2026-03-29T06:00:00Z", ""},
		"a word":             {v1alpha1.BackupSpec{Schedule: "@weekly"}, "2026-03-29T00:00:00Z", ""},
		"no schedule":        {v1alpha1.BackupSpec{Schedule: "at night"}, "2026-03-29T02:00:00Z", `spec.backup.schedule "at night" is no schedule`},
		"six fields":         {v1alpha1.BackupSpec{Schedule: "0 0 2 * * *"}, "2026-03-29T02:00:00Z", "is no schedule: write five fields"},
		"no zone":            {v1alpha1.BackupSpec{TimeZone: "Mars/Olympus", Schedule: "@hourly"}, "2026-03-29T02:00:00Z", `spec.backup.timeZone "Mars/Olympus" is not known`},
		"a day that is none": {v1alpha1.BackupSpec{Schedule: "0 0 31 2 *"}, "0001-01-01T00:00:00Z", ""},
	} {
		t.Run(name, func(t *testing.T) {
			times := stack.BackupSchedule(v1alpha1.ChatPDFDeploymentSpec{Backup: test.spec})
			if got := times.After(start).UTC().Format(time.RFC3339); got != test.want {
				t.Errorf("it comes next at %s, want %s", got, test.want)
			}
			if !strings.Contains(times.Refused, test.refused) || (times.Refused == "") != (test.refused == "") {
				t.Errorf("what is wrong with it is %q", times.Refused)
			}
		})
	}
}

// TestNoBackupOutlivesWhatIsTakenForAbandoned holds the API's longest deadline to that of the jobs.
func TestNoBackupOutlivesWhatIsTakenForAbandoned(t *testing.T) {
	if longest := stack.BackupSchedule(v1alpha1.ChatPDFDeploymentSpec{Backup: v1alpha1.BackupSpec{DeadlineSeconds: 86400}}).Deadline; longest > backup.MaxDeadline {
		t.Errorf("a backup may take %s", longest)
	}
}
