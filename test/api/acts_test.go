package api

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/stack"
)

// act is something that is asked of a database that runs, by its spec or by another operator.
type act struct {
	name    string
	edit    func(*v1alpha1.ChatPDFDeploymentSpec)
	upgrade func(*stack.Config)
	// done says that the database is as the act wants it, apart from being whole.
	done func(t *testing.T, k *kubelet) bool
}

// members says that the set has so many, and that the StatefulSet runs no more.
func members(n int32) func(t *testing.T, k *kubelet) bool {
	return func(t *testing.T, k *kubelet) bool {
		d := get[v1alpha1.ChatPDFDeployment](t, k.world, k.key.Name)
		return d.Status.MongoDB.Ready == strconv.Itoa(int(n))+"/"+strconv.Itoa(int(n)) && len(d.Status.MongoDB.Members) == int(n) &&
			*k.statefulSet(t).Spec.Replicas == n
	}
}

// pods says that each of three members' pods is there and fits.
func pods(fits func(*corev1.Pod) bool) func(t *testing.T, k *kubelet) bool {
	return func(t *testing.T, k *kubelet) bool {
		for ordinal := range 3 {
			name := mongodb.PodName(k.key.Name, ordinal)
			if !exists[corev1.Pod](t, k.world, name) || !fits(get[corev1.Pod](t, k.world, name)) {
				return false
			}
		}
		return true
	}
}

// thirdMember says that the third member's state is that.
func thirdMember(state mongodb.State) func(t *testing.T, k *kubelet) bool {
	return func(t *testing.T, k *kubelet) bool {
		members := get[v1alpha1.ChatPDFDeployment](t, k.world, k.key.Name).Status.MongoDB.Members
		return len(members) == 3 && members[2].State == string(state)
	}
}

var acts = []act{
	{name: "members 1 to 3", edit: func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Members = 3 }, done: members(3)},
	{
		name: "another template",
		edit: func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Resources.Limits.Memory = quantity("3Gi") },
		done: pods(func(pod *corev1.Pod) bool { return slices.Contains(pod.Spec.Containers[0].Args, "1.00") }),
	},
	{
		name:    "operator upgraded",
		upgrade: func(c *stack.Config) { c.AgentImage = newerConfig.AgentImage },
		done:    pods(func(pod *corev1.Pod) bool { return pod.Spec.InitContainers[0].Image == newerConfig.AgentImage }),
	},
	{
		name: "member fenced",
		edit: func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.FencedMembers = []int32{2} },
		done: thirdMember(mongodb.StateFenced),
	},
	{
		name: "member released",
		edit: func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.FencedMembers = nil },
		done: thirdMember(mongodb.StateSecondary),
	},
	{name: "members 3 to 1", edit: func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Members = 1 }, done: members(1)},
}

// TestWhateverWriteTheOperatorDiesAtTheNextOneFinishes does every act with an operator that is killed before one of its
// writes, chosen by a seed; with SOAK_SEED before each of them in turn.
func TestWhateverWriteTheOperatorDiesAtTheNextOneFinishes(t *testing.T) {
	t.Parallel()
	if text := os.Getenv("SOAK_SEED"); text != "" {
		for write, died := 0, true; died; write++ {
			t.Run(fmt.Sprint("before write ", write), func(t *testing.T) { // whose volumes go with it
				died = everyAct(t, func(int) int { return write })
			})
		}
		return
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	const fewest = 6 // writes of an act
	everyAct(t, func(int) int { return random.IntN(fewest) })
}

// everyAct does all acts on one database; it says whether any operator came to its death.
func everyAct(t *testing.T, budget func(act int) int) (died bool) {
	t.Helper()
	w := newWorld(t)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	k := newKubelet(t, w, key, 3)
	o := startOperator(t, defaultConfig, k.dial)
	k.ready(t, o)
	k.write(t, "before")
	identity, secrets := k.identity(t)["replicaSetID"], w.secrets(t)
	config := defaultConfig
	for i, act := range acts {
		o.stop()
		if act.upgrade != nil {
			act.upgrade(&config)
		}
		o = startOperator(t, config, k.dial)
		o.transport.budget = budget(i)
		if act.edit != nil {
			w.edit(t, key, act.edit)
		}
		whole := func() bool {
			return act.done(t, k) && k.condition(t, key, v1alpha1.ConditionReady).Status == "True"
		}
		k.until(t, o, act.name, whole)
		if o.transport.died() {
			died = true
		}
		o.stop()
		o = startOperator(t, config, k.dial)
		k.until(t, o, act.name+", by the next operator", whole)
		k.ready(t, o)
		if !k.wrote(t, "before") {
			t.Errorf("%s: what was written before is gone", act.name)
		}
		k.write(t, act.name)
		if got := k.identity(t)["replicaSetID"]; got != identity {
			t.Errorf("%s: the replica set is %s, was %s", act.name, got, identity)
		}
		if !equality.Semantic.DeepEqual(secrets, w.secrets(t)) {
			t.Errorf("%s: a Secret changed", act.name)
		}
		for ordinal, pod := range k.pods.Pods {
			if n := strings.Count(pod.Log(), "replSetInitiate config object"); n > 1 || n == 1 && ordinal > 0 {
				t.Errorf("%s: %s was initiated %d times", act.name, pod.Host, n)
			}
		}
	}
	o.stop()
	k.kill()
	return died
}
