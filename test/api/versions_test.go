package api

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"chatpdf.dev/operator/api/v1alpha1"
)

const (
	otherPatch = "docker.io/library/mongo:6.0.27"
	nextMajor  = "docker.io/library/mongo:7.0.2"
)

func (k *kubelet) image(t *testing.T) string {
	t.Helper()
	return k.statefulSet(t).Spec.Template.Spec.Containers[0].Image
}

func (k *kubelet) setImage(t *testing.T, image string) {
	t.Helper()
	k.edit(t, k.key, func(s *v1alpha1.ChatPDFDeploymentSpec) { s.MongoDB.Image = image })
}

// stalled passes until the deployment is Stalled for that reason, with a sentence that says that.
func (k *kubelet) stalled(t *testing.T, o *operator, reason, says string) {
	t.Helper()
	k.until(t, o, reason, func() bool {
		c := k.condition(t, k.key, v1alpha1.ConditionStalled)
		return c.Reason == reason && strings.Contains(c.Message, says)
	})
}

func TestAVersionThatWouldNotOpenTheDataIsNotTakenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	k := newKubelet(t, w, key, 1)
	o := startOperator(t, defaultConfig, k.dial)
	k.ready(t, o)
	k.write(t, "kept")
	if got := get[v1alpha1.ChatPDFDeployment](t, w, "docs").Status.MongoDB; got.FeatureCompatibilityVersion != "6.0" || got.Image != defaultConfig.MongoDBImage {
		t.Errorf("status.mongodb is %+v", got)
	}
	pod := get[corev1.Pod](t, w, "docs-mongodb-0").UID

	k.setImage(t, "docker.io/library/mongo:8.0.4")
	k.stalled(t, o, "VersionRefused", "spec.mongodb.image to 7.0 first")
	k.setImage(t, "docker.io/library/mongo:latest")
	k.stalled(t, o, "VersionUnknown", "tag such as :6.0.27")
	k.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) {
		s.MongoDB.Image, s.MongoDB.FeatureCompatibilityVersion = defaultConfig.MongoDBImage, "7.0"
	})
	k.stalled(t, o, "VersionRefused", "set spec.mongodb.image to 7.0 first")
	if k.image(t) != defaultConfig.MongoDBImage || get[corev1.Pod](t, w, "docs-mongodb-0").UID != pod || !k.wrote(t, "kept") {
		t.Errorf("a version that was refused did something: image %s", k.image(t))
	}

	k.edit(t, key, func(s *v1alpha1.ChatPDFDeploymentSpec) {
		s.MongoDB.Image, s.MongoDB.FeatureCompatibilityVersion = otherPatch, ""
	})
	k.ready(t, o)
	if k.image(t) != otherPatch || get[corev1.Pod](t, w, "docs-mongodb-0").UID == pod {
		t.Errorf("another patch release was not taken up: image %s", k.image(t))
	}

	// The resource is made again over its volumes: what they hold still counts.
	w.remove(t, key)
	o.pass(t, key)
	k.sync(t)
	w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Image: "docker.io/library/mongo:8.0.4"}})
	k.stalled(t, o, "VersionRefused", "spec.mongodb.image to 7.0 first")
	if exists[corev1.Pod](t, w, "docs-mongodb-0") {
		t.Error("a pod was made that would not open the data")
	}
	k.setImage(t, otherPatch)
	k.ready(t, o)
	if !k.wrote(t, "kept") {
		t.Error("the data are gone")
	}
}

func TestMembersGoBackWhenTheFirstDoesNotStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.noImage = nextMajor
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Members: 3}})
	k := newKubelet(t, w, key, 3)
	o := startOperator(t, defaultConfig, k.dial)
	k.ready(t, o)
	k.write(t, "kept")
	before := map[string]string{}
	for _, name := range []string{"docs-mongodb-0", "docs-mongodb-1", "docs-mongodb-2"} {
		before[name] = string(get[corev1.Pod](t, w, name).UID)
	}

	k.setImage(t, nextMajor)
	k.until(t, o, "the trouble of the first member", func() bool {
		return k.condition(t, key, v1alpha1.ConditionReconciling).Reason == "ImagePullFailed"
	})
	if k.image(t) != nextMajor {
		t.Fatalf("it went back at once, to %s", k.image(t))
	}
	replaced := 0
	for name, uid := range before {
		if string(get[corev1.Pod](t, w, name).UID) != uid {
			replaced++
		}
	}
	if replaced != 1 {
		t.Errorf("%d members were restarted before the first one served", replaced)
	}
	k.write(t, "while one member is down")

	o.clock.SetTime(time.Now().Add(3 * time.Minute))
	k.until(t, o, "three members as before", func() bool {
		d := get[v1alpha1.ChatPDFDeployment](t, w, "docs")
		return d.Status.MongoDB.Ready == "3/3" && k.condition(t, key, v1alpha1.ConditionStalled).Reason == "DatabaseWentBack"
	})
	if message := k.condition(t, key, v1alpha1.ConditionStalled).Message; !strings.Contains(message, nextMajor) || !strings.Contains(message, "not found") {
		t.Errorf("it says %q", message)
	}
	if k.image(t) != defaultConfig.MongoDBImage || !k.wrote(t, "kept") || !k.wrote(t, "while one member is down") {
		t.Errorf("members run %s", k.image(t))
	}
	o.settle(t, key) // and does not try again by itself
	if k.image(t) != defaultConfig.MongoDBImage {
		t.Errorf("it was tried again: members run %s", k.image(t))
	}

	k.setImage(t, otherPatch)
	k.ready(t, o)
	if k.image(t) != otherPatch {
		t.Errorf("after a correction members run %s", k.image(t))
	}
}
