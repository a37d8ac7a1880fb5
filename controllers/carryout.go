package controllers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/replset"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
	"chatpdf.dev/operator/internal/status"
)

// outcome is what came of carrying a plan out.
type outcome struct {
	blockers   []status.Trouble
	stepFailed *status.Trouble
	// troubles kept nothing else from being done.
	troubles []status.Trouble
	stepped  bool
	changed  bool
	err      error
}

// carryOut writes in an order that a crash between any two writes cannot hurt: what runs is recorded
// before it runs, and every Secret exists before a volume can.
func (r *ChatPDFDeploymentReconciler) carryOut(ctx context.Context, seen *observe.Observed, p plan) (done outcome) {
	var o outcome
	// First of all, and whatever else may be in the way: who asks for the data to be kept may delete next.
	if err := r.Apply.Retain(ctx, seen, seen.ToRetain()); err != nil {
		return o.failed(err)
	}
	if len(p.blockers) > 0 {
		return o
	}
	if err := r.Apply.Release(ctx, seen, p.objects.Owner, p.release); err != nil {
		return o.failed(err)
	}
	lost, err := r.Apply.Secrets(ctx, seen, p.objects.Secrets)
	if err != nil {
		return o.failed(err)
	}
	if len(lost) > 0 {
		o.blockers = append(o.blockers, status.LostSecrets(lost, seen.Deployment.Namespace))
	}
	// None of this is in a hurry: what is in its way is no reason to leave the rest undone.
	grown, growth := r.Apply.Grow(ctx, seen)
	rotated, rotation := r.Apply.Rotate(ctx, seen, p.rotations)
	certified, certificates := r.certify(ctx, seen, p.certificates.Change)
	rekeyed, rekeying := r.rekey(ctx, seen, p.keyfile.Change)
	patient := errors.Join(certificates, rekeying, growth, rotation, r.Apply.Delete(ctx, seen, seen.ToDelete()))
	r.tell(seen, grown, rotated)
	defer func() {
		done.err = errors.Join(done.err, patient)
		done.stepped = done.stepped || len(rotated) > 0 || certified || rekeyed
		if patient != nil && !apierrors.IsConflict(patient) {
			done.troubles = append(done.troubles, status.ApplyFailed(patient))
		}
	}()
	applied, err := r.Apply.Objects(ctx, seen, p.objects)
	o.changed = applied.Changed || grown
	for _, f := range applied.Foreign {
		o.blockers = append(o.blockers, status.Conflict(seen.Deployment, f.Kind, f.Name, f.Owner))
	}
	if err != nil {
		return o.failed(err)
	}
	return r.step(ctx, seen, p, o)
}

// certify carries a change of certificates out, and tells of it.
func (r *ChatPDFDeploymentReconciler) certify(ctx context.Context, seen *observe.Observed, change *stack.CertificateChange) (done bool, err error) {
	if change == nil {
		return false, nil
	}
	if done, err = r.Apply.ChangeCertificates(ctx, seen, *change); done && err == nil {
		r.Status.Certified(seen.Deployment, *change)
	}
	return done, err
}

// rekey carries a change of the keyfile out, and tells of it.
func (r *ChatPDFDeploymentReconciler) rekey(ctx context.Context, seen *observe.Observed, change *stack.KeyfileChange) (done bool, err error) {
	if change == nil {
		return false, nil
	}
	if done, err = r.Apply.ChangeKeyfile(ctx, seen, *change); done && err == nil {
		r.Status.Rekeyed(seen.Deployment, *change)
	}
	return done, err
}

// tell makes events of what was done.
func (r *ChatPDFDeploymentReconciler) tell(seen *observe.Observed, grown bool, rotated []stack.Rotation) {
	if grown {
		size := seen.VolumeSize()
		r.Status.Growing(seen.Deployment, size.String())
	}
	for _, rotation := range rotated {
		r.Status.Rotated(seen.Deployment, rotation)
	}
}

// step takes the one step of the database. The database's part comes first: what it has not
// confirmed is not recorded.
func (r *ChatPDFDeploymentReconciler) step(ctx context.Context, seen *observe.Observed, p plan, o outcome) outcome {
	d := seen.Deployment
	key := types.NamespacedName{Namespace: d.Namespace, Name: d.Name}
	if external := d.Spec.MongoDB.External; external != nil {
		r.Watcher.Watch(key, replset.Target{
			SecretsVersion: secretsVersion(seen),
			External: func(ctx context.Context) (replset.ConnectionString, error) {
				return r.connectionString(ctx, key.Namespace, *external)
			},
		})
		return o
	}
	if seen.CA == nil {
		return o
	}
	r.Watcher.Watch(key, replset.Target{
		ReplicaSet: d.Name, Hosts: p.hosts, Fenced: p.fenced, CA: seen.CA, Certificate: seen.Trust.Serves(), Keyfile: seen.Keyfile.Fingerprint, Dial: r.Dial, SecretsVersion: secretsVersion(seen),
		Credentials: func(ctx context.Context) (replset.Credentials, error) { return r.credentials(ctx, key) },
	})
	step := p.decision.Step
	if step == nil || len(o.blockers) > 0 {
		return o
	}
	err := r.Watcher.Execute(ctx, key, *step)
	if err == nil {
		err = r.Apply.Step(ctx, seen, step)
	}
	if err != nil {
		o.err = fmt.Errorf("%s %s: %w", step.Kind, step.Host, err)
		o.stepFailed = new(status.StepFailed(p.decision.Message, err))
		return o
	}
	r.Status.StepTaken(d, string(step.Kind), p.decision.Message)
	o.stepped = true
	return o
}

// secretsVersion changes when a person or the operator writes one of the Secrets that credentials or connectionString reads.
func secretsVersion(seen *observe.Observed) string {
	var versions []string
	if external := seen.Deployment.Spec.MongoDB.External; external != nil {
		for _, ref := range []v1alpha1.SecretKeyRef{external.URISecretRef, ptr.Deref(external.CASecretRef, v1alpha1.SecretKeyRef{})} {
			versions = append(versions, ref.Name, ref.Key, seen.Secrets[ref.Name].Version)
		}
		return strings.Join(versions, "/")
	}
	names := stack.NamesOf(seen.Deployment.Name)
	for _, name := range []string{names.DatabaseAdminSecret, names.DatabaseAppSecret, names.DatabaseMetricsSecret, names.DatabaseBackupSecret, names.AgentSecret} {
		versions = append(versions, seen.Secrets[name].Version)
	}
	return strings.Join(versions, "/")
}

// connectionString is read when it is needed and kept by nobody here.
func (r *ChatPDFDeploymentReconciler) connectionString(ctx context.Context, namespace string, external v1alpha1.ExternalDatabaseSpec) (c replset.ConnectionString, err error) {
	read := func(ref v1alpha1.SecretKeyRef) ([]byte, error) {
		var secret corev1.Secret
		if err := r.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, &secret); err != nil {
			return nil, fmt.Errorf("reading Secret %s: %w", ref.Name, err)
		}
		if len(secret.Data[ref.Key]) == 0 {
			return nil, fmt.Errorf("reading Secret %s: it has nothing under %s", ref.Name, ref.Key)
		}
		return secret.Data[ref.Key], nil
	}
	uri, err := read(external.URISecretRef)
	if err == nil && external.CASecretRef != nil {
		c.CA, err = read(*external.CASecretRef)
	}
	c.URI = strings.TrimSpace(string(uri))
	return c, err
}

// credentials are read when they are needed and kept by nobody here.
func (r *ChatPDFDeploymentReconciler) credentials(ctx context.Context, key types.NamespacedName) (replset.Credentials, error) {
	names := stack.NamesOf(key.Name)
	var admin, app, metrics, backup, agent corev1.Secret
	for name, secret := range map[string]*corev1.Secret{
		names.DatabaseAdminSecret: &admin, names.DatabaseAppSecret: &app, names.DatabaseMetricsSecret: &metrics,
		names.DatabaseBackupSecret: &backup, names.AgentSecret: &agent,
	} {
		err := r.Client.Get(ctx, client.ObjectKey{Namespace: key.Namespace, Name: name}, secret)
		if name == names.DatabaseMetricsSecret || name == names.DatabaseBackupSecret {
			err = client.IgnoreNotFound(err) // the database is looked after without them too
		}
		if err != nil {
			return replset.Credentials{}, fmt.Errorf("reading Secret %s: %w", name, err)
		}
	}
	return replset.Credentials{
		Admin: rotating(&admin), App: rotating(&app), Metrics: rotating(&metrics), Backup: rotating(&backup),
		AgentToken: string(agent.Data[stack.KeyToken]),
	}, nil
}

func rotating(secret *corev1.Secret) replset.Rotating {
	read := func(key string) string { return mongodb.Credential(secret.Data[key]) }
	return replset.Rotating{
		Login:    replset.Login{Username: read(stack.KeyUsername), Password: read(stack.KeyPassword)},
		Next:     replset.Login{Username: read(stack.KeyNextUsername), Password: read(stack.KeyNextPassword)},
		Replaced: secret.Annotations[stack.AnnotationReplacedUser],
	}
}

// failed reports an error of the API server, unless it only says that somebody was quicker.
func (o outcome) failed(err error) outcome {
	o.err = err
	if !apierrors.IsConflict(err) {
		o.blockers = append(o.blockers, status.ApplyFailed(err))
	}
	return o
}
