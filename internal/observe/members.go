package observe

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/stack"
)

// MongoDB is what package mongodb needs to decide the next step. domain is the cluster domain that
// the members' names were made with. It fails if the identity cannot be read: guessing could
// initiate a replica set twice.
func (seen *Observed) MongoDB(domain string) (mongodb.Observed, error) {
	d, names := seen.Deployment, stack.NamesOf(seen.Deployment.Name)
	o := mongodb.Observed{
		Deployment: d.Name,
		Desired:    stack.Members(d.Spec),
		Database:   seen.Database,

		FeatureCompatibility: mongodb.ParseSeries(d.Spec.MongoDB.FeatureCompatibilityVersion),
		CredentialsExist: seen.has(names.DatabaseAdminSecret) && seen.has(names.DatabaseAppSecret) &&
			seen.has(names.KeyfileSecret) && seen.has(names.AgentSecret),
	}
	if forced := d.Spec.MongoDB.ForcedReconfiguration; forced != nil {
		o.ForcedReconfiguration = forced.Request
	}
	for _, ordinal := range d.Spec.MongoDB.FencedMembers {
		o.Fenced = append(o.Fenced, int(ordinal))
	}
	set := seen.StatefulSet()
	if set != nil && set.Spec.Replicas != nil {
		o.StatefulSetReplicas = *set.Spec.Replicas
	}
	o.RolloutUnseen = set != nil && set.Status.ObservedGeneration < set.Generation
	if seen.Identity != nil {
		identity, err := mongodb.ParseIdentity(seen.Identity.Data)
		if err != nil {
			return mongodb.Observed{}, fmt.Errorf("reading ConfigMap %s: %w", names.Identity, err)
		}
		o.Identity = identity
	}
	count := max(int(o.Desired), int(o.StatefulSetReplicas))
	for i := range seen.Pods {
		count = max(count, ordinal(names.MongoDB+"-", seen.Pods[i].Name)+1)
	}
	for i := range seen.Claims {
		count = max(count, ordinal("data-"+names.MongoDB+"-", seen.Claims[i].Name)+1)
	}
	for n := range min(count, mongodb.MaxMembers) {
		o.Members = append(o.Members, seen.member(n, domain, set))
	}
	return o, nil
}

// StatefulSet is the database's; nil if there is none.
func (seen *Observed) StatefulSet() *appsv1.StatefulSet {
	return Named(seen.StatefulSets, stack.NamesOf(seen.Deployment.Name).MongoDB)
}

func (seen *Observed) has(secret string) bool {
	_, ok := seen.Secrets[secret]
	return ok
}

func (seen *Observed) member(n int, domain string, set *appsv1.StatefulSet) mongodb.Member {
	d := seen.Deployment
	m := mongodb.Member{Ordinal: n, Host: mongodb.MemberHost(d.Name, d.Namespace, domain, n)}
	if pod := Named(seen.Pods, mongodb.PodName(d.Name, n)); pod != nil {
		m.PodUID = pod.UID
		m.PodTerminating = pod.DeletionTimestamp != nil
		m.PodRunning = !m.PodTerminating && containerRuns(pod, "mongod")
		m.PodReady = podReady(pod)
		m.PodOutdated = outdated(pod, set) || seen.startedWithAnother(m.Host, pod)
		m.Agent = agent(pod)
	}
	if claim := Named(seen.Claims, mongodb.ClaimName(d.Name, n)); claim != nil && claim.DeletionTimestamp == nil {
		m.ClaimUID = claim.UID
		m.ClaimOurs = seen.ours(claim)
		m.Claim = mongodb.ParseClaimRecord(claim.Annotations)
	}
	return m
}

// outdated compares revisions only once the StatefulSet's controller has seen its latest spec: until
// then its update revision is the one before.
func outdated(pod *corev1.Pod, set *appsv1.StatefulSet) bool {
	if set == nil || set.Status.ObservedGeneration < set.Generation || set.Status.UpdateRevision == "" {
		return false
	}
	return pod.Labels[appsv1.ControllerRevisionHashLabelKey] != set.Status.UpdateRevision
}

// NewMembers are the database's pods that were made from the template that its StatefulSet has now.
func (seen *Observed) NewMembers() []corev1.Pod {
	set := seen.StatefulSet()
	if set == nil || set.Status.ObservedGeneration < set.Generation {
		return nil
	}
	var current []corev1.Pod
	for i := range seen.Pods {
		pod := &seen.Pods[i]
		if pod.Labels[stack.LabelComponent] == stack.ComponentMongoDB && pod.DeletionTimestamp == nil && !outdated(pod, set) {
			current = append(current, *pod)
		}
	}
	return current
}

func containerRuns(pod *corev1.Pod, name string) bool {
	for _, c := range pod.Status.ContainerStatuses {
		if c.Name == name {
			return c.State.Running != nil
		}
	}
	return false
}

// agent is what is known of the sidecar. What its status says of a container that is to be replaced does not count; one that
// ended by itself or was ended, and has no successor, has failed: the kubelet does not say that an image cannot be had once
// a container before it has ended well.
func agent(pod *corev1.Pod) mongodb.Agent {
	a := mongodb.Agent{Update: mongodb.ParseAgentUpdate(pod.Annotations)}
	for _, c := range pod.Spec.InitContainers {
		if c.Name == mongodb.AgentContainer {
			a.Image = c.Image
		}
	}
	for _, c := range pod.Status.InitContainerStatuses {
		if c.Name == mongodb.AgentContainer {
			a.Container = c.ContainerID
			a.Ready = c.Ready && c.State.Running != nil && !a.Update.Pending(c.ContainerID, a.Image)
			a.Failed = c.State.Terminated != nil || c.State.Waiting != nil && !slices.Contains(onItsWay, c.State.Waiting.Reason)
		}
	}
	return a
}

// onItsWay are the kubelet's reasons for a container that waits without anything being wrong.
var onItsWay = []string{"", "ContainerCreating", "PodInitializing"}

func podReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// ordinal is the number at the end of name; -1 if name does not start with prefix or ends otherwise.
func ordinal(prefix, name string) int {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return -1
	}
	n, err := strconv.Atoi(rest)
	if err != nil || n < 0 {
		return -1
	}
	return n
}
