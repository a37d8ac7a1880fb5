package api

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
)

// TestAnUpgradedOperatorExchangesTheAgentsOfPodsThatRunOn upgrades the operator twice: to one whose agent nobody can
// get, and to one whose agent runs.
func TestAnUpgradedOperatorExchangesTheAgentsOfPodsThatRunOn(t *testing.T) {
	t.Parallel()
	k, o := running(t, 3)
	w, key := k.world, k.key
	template := k.statefulSet(t).Spec.Template
	pods := map[string]types.UID{}
	for ordinal := range 3 {
		name := mongodb.PodName(key.Name, ordinal)
		pods[name] = get[corev1.Pod](t, w, name).UID
	}
	with := func(image string) (names []string) {
		for name := range pods {
			if get[corev1.Pod](t, w, name).Spec.InitContainers[0].Image == image {
				names = append(names, name)
			}
		}
		return names
	}
	o.stop()

	broken := defaultConfig
	broken.AgentImage = "registry.example.com/dbagent:broken"
	w.noImage = broken.AgentImage
	o = startOperator(t, broken, k.dial)
	reconciling := func() string { return k.condition(t, key, v1alpha1.ConditionReconciling).Message }
	k.until(t, o, "the trouble of the first agent", func() bool {
		return strings.Contains(reconciling(), "--dbagent-image") && strings.Contains(reconciling(), broken.AgentImage)
	})
	o.clock.SetTime(time.Now().Add(3 * time.Minute))
	for range 5 {
		o.pass(t, key)
		k.sync(t)
	}
	first := with(broken.AgentImage)
	if len(first) != 1 || !strings.Contains(reconciling(), first[0]) {
		t.Errorf("the agents beside %q were exchanged; the condition says %q", first, reconciling())
	}
	primary := slices.Index(k.pods.Hosts(3), o.Watcher.Snapshot(key).Primary)
	if primary < 0 || first[0] == mongodb.PodName(key.Name, primary) {
		t.Errorf("%s was exchanged first; primary %d", first[0], primary)
	}
	k.write(t, "beside a broken agent")
	o.stop()

	newer := defaultConfig
	newer.AgentImage = newerConfig.AgentImage
	o = startOperator(t, newer, k.dial)
	k.until(t, o, "all agents of the newer operator", func() bool { return len(with(newer.AgentImage)) == 3 })
	k.ready(t, o)
	o.settle(t, key)
	for name, uid := range pods {
		pod := get[corev1.Pod](t, w, name)
		if pod.UID != uid {
			t.Errorf("pod %s was replaced", name)
		}
		if update := mongodb.ParseAgentUpdate(pod.Annotations); update.Image != newer.AgentImage {
			t.Errorf("pod %s records %+v", name, update)
		}
	}
	if !k.wrote(t, "beside a broken agent") {
		t.Error("a write is lost")
	}
	if after := k.statefulSet(t).Spec.Template; after.Spec.InitContainers[0].Image != template.Spec.InitContainers[0].Image {
		t.Error("the upgrade changed the template")
	}
}

// TestAnAgentIsExchangedOnceWhereAWebhookNamesAMirror leaves a pod alone that has another image than was asked for.
func TestAnAgentIsExchangedOnceWhereAWebhookNamesAMirror(t *testing.T) {
	t.Parallel()
	k, o := running(t, 1)
	w, key := k.world, k.key
	mirror := func() {
		pod := get[corev1.Pod](t, w, mongodb.PodName(key.Name, 0))
		pod.Spec.InitContainers[0].Image = "mirror.example.org/" + pod.Spec.InitContainers[0].Image
		w.must(t, w.Update(t.Context(), pod))
		k.sync(t)
	}
	mirror()
	o.settle(t, key)
	o.stop()
	newer := defaultConfig
	newer.AgentImage = newerConfig.AgentImage
	o = startOperator(t, newer, k.dial)
	image := func() string { return get[corev1.Pod](t, w, mongodb.PodName(key.Name, 0)).Spec.InitContainers[0].Image }
	k.until(t, o, "the newer agent", func() bool { return image() == newer.AgentImage })
	mirror()
	k.ready(t, o)
	o.settle(t, key)
	if want := "mirror.example.org/" + newer.AgentImage; image() != want {
		t.Errorf("the agent runs %s, want %s", image(), want)
	}
}
