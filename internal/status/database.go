package status

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/release"
)

// health sets the condition of the members; it is Unknown while nobody could be asked.
func (c conditions) health(h mongodb.Health) {
	status := truth(h.Healthy)
	if !h.Known {
		status = metav1.ConditionUnknown
	}
	c.set(v1alpha1.ConditionDatabaseHealthy, status, h.Reason, h.Message)
}

// startPatience is how long a new member's containers may fail to start before its template is to
// blame: an image may be slow to pull, and a registry away for a moment.
const startPatience = 2 * time.Minute

// MemberNotStarting is why a member of the newest template does not start; empty while none has had
// startPatience to do so and failed. A pod that fits on no node does not count: a node may come.
func MemberNotStarting(seen *observe.Observed, now time.Time) string {
	for _, pod := range seen.NewMembers() {
		if now.Sub(notReadySince(&pod)) < startPatience {
			continue
		}
		statuses := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
		if mongodb.ParseAgentUpdate(pod.Annotations).Image != "" {
			statuses = pod.Status.ContainerStatuses // its agent is not the template's any more
		}
		if trouble := containersTrouble(&pod, statuses, "spec.mongodb"); trouble != nil {
			return trouble.Message
		}
	}
	return ""
}

// notReadySince is since when a pod that is not ready is not: one that ran well for days and crashes gets
// its patience from then on.
func notReadySince(pod *corev1.Pod) time.Time {
	since := pod.CreationTimestamp.Time
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady && c.LastTransitionTime.After(since) {
			since = c.LastTransitionTime.Time
		}
	}
	return since
}

// Refused is the trouble of an image that may not be taken up.
func Refused(r mongodb.Refusal) *Trouble {
	return &Trouble{Reason: r.Reason, Message: r.Message, NeedsPerson: !r.Passes, Unwatched: r.Passes}
}

// WentBack is the trouble of members that run as before because they did not start otherwise.
func WentBack(now release.Database) *Trouble {
	back := now.GoneBack
	return &Trouble{Reason: ReasonDatabaseWentBack, NeedsPerson: true, Message: fmt.Sprintf(
		"The members run %s as before, because with what spec.mongodb asks for now (%s) one did not start: %s Change spec.mongodb, and it is tried again.",
		now.Image, back.Image, back.Because)}
}
