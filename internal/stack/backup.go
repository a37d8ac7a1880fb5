package stack

import (
	"cmp"
	"fmt"
	"strconv"
	"time"

	"github.com/robfig/cron/v3"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	batchv1ac "k8s.io/client-go/applyconfigurations/batch/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
)

const (
	// BackupContainer is the one container of a backup's pod.
	BackupContainer = "backup"
	pathBackups     = "/backups"
	// backupTries of one backup: the first, and two more if a pod of it fails.
	backupTries = 3
	// backupLateSeconds is how late a backup may begin if the CronJob controller was away at its time.
	backupLateSeconds = 3600
)

// snapshots is the first series that reads a database as it was at one moment.
var snapshots = mongodb.Series{Major: 5}

// SavesSnapshots says that what an image runs can be saved.
func SavesSnapshots(image string) bool {
	series := mongodb.SeriesOfImage(image)
	return series.Known() && !series.Before(snapshots)
}

// backups is the CronJob that saves the database, and the volume that it saves it to. Nothing of it needs the operator
// to be there.
func backups(in Input) ([]*batchv1ac.CronJobApplyConfiguration, []*corev1ac.PersistentVolumeClaimApplyConfiguration) {
	d, names := in.Deployment, NamesOf(in.Deployment.Name)
	schedule := BackupSchedule(d.Spec)
	if !SavesSnapshots(in.Release.Database.Image) {
		return nil, nil
	}
	labels := Labels(d.Name, ComponentBackup)
	job := batchv1ac.JobSpec().
		WithBackoffLimit(backupTries - 1).
		WithActiveDeadlineSeconds(int64(schedule.Deadline / time.Second)).
		// A pod that had to leave its node has not failed.
		WithPodFailurePolicy(batchv1ac.PodFailurePolicy().WithRules(batchv1ac.PodFailurePolicyRule().
			WithAction(batchv1.PodFailurePolicyActionIgnore).
			WithOnPodConditions(batchv1ac.PodFailurePolicyOnPodConditionsPattern().
				WithType(corev1.DisruptionTarget).WithStatus(corev1.ConditionTrue)))).
		WithTemplate(template(d.Name, ComponentBackup, backupPod(in)))
	cronJob := batchv1ac.CronJob(names.Backup, d.Namespace).
		WithLabels(labels).WithOwnerReferences(owner(in.Owner)).
		WithSpec(batchv1ac.CronJobSpec().
			WithSchedule(schedule.Schedule).WithTimeZone(schedule.TimeZone).WithSuspend(schedule.Suspended).
			WithConcurrencyPolicy(batchv1.ForbidConcurrent).
			WithStartingDeadlineSeconds(backupLateSeconds).
			WithSuccessfulJobsHistoryLimit(3).WithFailedJobsHistoryLimit(3).
			WithJobTemplate(batchv1ac.JobTemplateSpec().WithLabels(labels).WithSpec(job)))
	return []*batchv1ac.CronJobApplyConfiguration{cronJob}, []*corev1ac.PersistentVolumeClaimApplyConfiguration{backupClaim(d)}
}

// backupClaim belongs to nobody: backups are for when what they were made of is gone.
func backupClaim(d *v1alpha1.ChatPDFDeployment) *corev1ac.PersistentVolumeClaimApplyConfiguration {
	size := *resource.NewQuantity(defaultBackupVolumeSize, resource.BinarySI)
	if asked := d.Spec.Backup.Volume.Size; asked != nil {
		size = asked.DeepCopy()
		size.RoundUp(0)
	}
	spec := corev1ac.PersistentVolumeClaimSpec().
		WithAccessModes(corev1.ReadWriteOnce).
		WithResources(corev1ac.VolumeResourceRequirements().WithRequests(corev1.ResourceList{corev1.ResourceStorage: size}))
	if class := d.Spec.Backup.Volume.StorageClassName; class != "" {
		spec.WithStorageClassName(class)
	}
	return corev1ac.PersistentVolumeClaim(NamesOf(d.Name).Backup, d.Namespace).
		WithLabels(kept(Labels(d.Name, ComponentBackup))).WithSpec(spec)
}

// backupPod reads the database as a user that can do nothing else, and has no token for the API server.
func backupPod(in Input) *corev1ac.PodSpecApplyConfiguration {
	d, names, r := in.Deployment, NamesOf(in.Deployment.Name), resolve(v1alpha1.ResourcesSpec{}, backupResources)
	host := names.MongoDB + "." + d.Namespace + ".svc." + in.Release.ClusterDomain + ":" + decimal(mongodb.Port)
	retention := d.Spec.Backup.Retention
	args := []string{
		"backup", "--id", "$(JOB_NAME)", "--run", "$(JOB_UID)", "--namespace", d.Namespace, "--deployment", d.Name,
		"--hosts", host, "--replica-set", d.Name, "--database", database, "--volume", pathBackups,
		"--keep-days", strconv.Itoa(int(cmp.Or(retention.Days, DefaultBackupDays))),
		"--keep-at-least", strconv.Itoa(int(cmp.Or(retention.KeepAtLeast, DefaultBackupsKept))),
		"--result", corev1.TerminationMessagePathDefault,
	}
	for _, recipient := range d.Spec.Backup.Encryption.Recipients {
		args = append(args, "--recipient", recipient)
	}
	return podSpec(names.Backup, mongodbUser).
		WithRestartPolicy(corev1.RestartPolicyNever).
		WithVolumes(
			corev1ac.Volume().WithName("backups").WithPersistentVolumeClaim(corev1ac.PersistentVolumeClaimVolumeSource().WithClaimName(names.Backup)),
			secretVolume("user", names.DatabaseBackupSecret, KeyUsername, KeyPassword),
			secretVolume("tls", names.TLSSecret, KeyCACertificate)).
		WithContainers(container(BackupContainer, in.AgentImage, r).
			WithCommand("/dbagent").WithArgs(args...).
			WithEnv(podField("JOB_NAME", "metadata.labels['"+batchv1.JobNameLabel+"']"), podField("JOB_UID", "metadata.labels['"+batchv1.ControllerUidLabel+"']"), env("GOMEMLIMIT", r.goMemoryLimit(agentMemoryPercent))).
			WithVolumeMounts(mount("backups", pathBackups), readOnlyMount("user", "/etc/dbagent/user"), readOnlyMount("tls", "/etc/dbagent/tls")))
}

// BackupTimes are when backups are made.
type BackupTimes struct {
	Schedule, TimeZone string
	Suspended          bool
	// Deadline is the most that one may take.
	Deadline time.Duration
	// Refused says what is wrong with the schedule that the spec asks for; empty if nothing is. The default stands in for
	// it: a slip of the pen must not end the backups.
	Refused string

	parsed cron.Schedule
	zone   *time.Location
}

// BackupSchedule is what the spec asks for. What is wrong with it is said as the API server would refuse it in a CronJob.
func BackupSchedule(spec v1alpha1.ChatPDFDeploymentSpec) BackupTimes {
	asked := spec.Backup
	t := BackupTimes{
		Suspended: asked.Suspend != nil && *asked.Suspend,
		Deadline:  time.Duration(backupDeadlineSeconds(spec)) * time.Second,
	}
	schedule, zone := cmp.Or(asked.Schedule, DefaultBackupSchedule), cmp.Or(asked.TimeZone, DefaultBackupTimeZone)
	if t.Refused = t.parse(schedule, zone); t.Refused != "" {
		t.parse(DefaultBackupSchedule, DefaultBackupTimeZone)
	}
	return t
}

// parse takes a schedule up, or says what is wrong with it.
func (t *BackupTimes) parse(schedule, zone string) (refused string) {
	parsed, err := cron.ParseStandard(schedule)
	if err != nil {
		return fmt.Sprintf("spec.backup.schedule %q is no schedule: write five fields, such as 0 2 * * * for every night at two.", schedule)
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return fmt.Sprintf("spec.backup.timeZone %q is not known: write a name such as Europe/Zurich or Etc/UTC.", zone)
	}
	t.Schedule, t.TimeZone, t.parsed, t.zone = schedule, zone, parsed, location
	return ""
}

func backupDeadlineSeconds(spec v1alpha1.ChatPDFDeploymentSpec) int32 {
	return cmp.Or(spec.Backup.DeadlineSeconds, DefaultBackupDeadlineSeconds)
}

// After is when the next backup is due after a moment; zero if the schedule has no such time.
func (t BackupTimes) After(moment time.Time) time.Time { return t.parsed.Next(moment.In(t.zone)) }

// Patience is how long after its time a backup must be there: it may begin late, and takes its time.
func (t BackupTimes) Patience() time.Duration {
	return backupLateSeconds*time.Second + t.Deadline
}
