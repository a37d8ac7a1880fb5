package api

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
)

// TestAFencedMemberStopsAndTheOthersGoOn fences the primary of three and lets it go again.
func TestAFencedMemberStopsAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	k, o := running(t, 3)
	w, key := k.world, k.key
	primary := slices.IndexFunc(k.pods.Hosts(3), func(host string) bool { return host == o.Watcher.Snapshot(key).Primary })
	name := mongodb.PodName(key.Name, primary)
	state := func() string {
		for _, m := range get[v1alpha1.ChatPDFDeployment](t, w, key.Name).Status.MongoDB.Members {
			if m.Name == name {
				return m.State
			}
		}
		return ""
	}
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.FencedMembers = []int32{int32(primary)} })
	k.until(t, o, "the fenced member's end", func() bool { return state() == "FENCED" })
	k.ready(t, o) // the others serve, as is asked
	healthy := k.condition(t, key, v1alpha1.ConditionDatabaseHealthy)
	if healthy.Status != "False" || healthy.Reason != mongodb.ReasonMemberFenced || !strings.Contains(healthy.Message, name) {
		t.Errorf("condition %+v", healthy)
	}
	k.write(t, "without it")
	pod := get[corev1.Pod](t, w, name).UID
	k.ready(t, o) // the status tells that a member is behind for a moment
	before := get[v1alpha1.ChatPDFDeployment](t, w, key.Name).Status
	for range 3 {
		o.pass(t, key)
		k.sync(t)
	}
	if writes := o.transport.taken(); len(writes) > 0 {
		t.Errorf("while a member is fenced three passes wrote %q: the status was %+v and is %+v", writes, before,
			get[v1alpha1.ChatPDFDeployment](t, w, key.Name).Status)
	}
	// Another operator finds it so.
	o.stop()
	o = startOperator(t, defaultConfig, k.dial)
	k.ready(t, o)
	w.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.FencedMembers = nil })
	k.until(t, o, "the member's return", func() bool {
		return k.condition(t, key, v1alpha1.ConditionDatabaseHealthy).Status == "True" && state() == "SECONDARY"
	})
	if !k.wrote(t, "without it") || get[corev1.Pod](t, w, name).UID != pod {
		t.Error("the member's pod was restarted to release it, or a write is lost")
	}
	if fenced, still := k.identity(t)[mongodb.KeyFenced]; still {
		t.Errorf("still recorded: %q", fenced)
	}
}
