package observe

import (
	corev1 "k8s.io/api/core/v1"

	"chatpdf.dev/operator/internal/mongodb/keyfile"
	"chatpdf.dev/operator/internal/stack"
)

func liveKeyfile(secret *corev1.Secret, ours bool) stack.LiveKeyfile {
	content := secret.Data[stack.KeyKeyfile]
	live := stack.LiveKeyfile{
		Written: secret.Annotations[stack.AnnotationKeyfile], Before: secret.Annotations[stack.AnnotationKeyfileBefore],
		Request: secret.Annotations[stack.AnnotationRotationRequest], Ours: ours,
	}
	if keys, err := keyfile.Parse(content); err == nil {
		live.Keys, live.Fingerprint = len(keys), keyfile.Fingerprint(keys)
	}
	return live
}

// startedWithAnother says that the pod has to be restarted for its mongod to read the keyfile that there is now.
func (seen *Observed) startedWithAnother(host string, pod *corev1.Pod) bool {
	report := seen.Database.Reports[host]
	return report.PodUID == pod.UID && seen.Keyfile.Outdates(report.Keyfile)
}
