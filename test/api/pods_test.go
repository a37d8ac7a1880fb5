package api

import (
	"io"
	"net"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/controllers"
)

// TestEveryPodIsAdmittedUnderTheRestrictedStandard asks a namespace that enforces it.
func TestEveryPodIsAdmittedUnderTheRestrictedStandard(t *testing.T) {
	w := newWorld(t)
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", everything())
	o.settle(t, key)
	for name, template := range map[string]corev1.PodTemplateSpec{
		"backend":  get[appsv1.Deployment](t, w, "docs-backend").Spec.Template,
		"frontend": get[appsv1.Deployment](t, w, "docs-frontend").Spec.Template,
		"mongodb":  get[appsv1.StatefulSet](t, w, "docs-mongodb").Spec.Template,
	} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "try-" + name}, Spec: template.Spec}
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
		if err := w.Create(t.Context(), pod, client.DryRunAll); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if pod.Spec.AutomountServiceAccountToken == nil || *pod.Spec.AutomountServiceAccountToken {
			t.Errorf("%s mounts a token", name)
		}
	}
	bad := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "bad"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}}
	if err := w.Create(t.Context(), bad, client.DryRunAll); err == nil {
		t.Error("the namespace enforces nothing: this test proves nothing")
	}
}

func TestMembersAreDialledWhereTheirPodIs(t *testing.T) {
	w := newWorld(t)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	w.must(t, err)
	defer listener.Close()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			io.WriteString(conn, "hello") //nolint:errcheck // the test would notice
			conn.Close()
		}
	}()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	w.must(t, err)
	o := startOperator(t, defaultConfig, nil)
	key := w.deployment(t, "docs", everything())
	o.settle(t, key)
	dial := controllers.PodDialer(w)
	host := "docs-mongodb-0.docs-mongodb." + w.namespace + ".svc.cluster.local"
	if _, err := dial(t.Context(), "tcp", net.JoinHostPort(host, port)); err == nil {
		t.Error("a pod that does not exist answers")
	}
	w.play(t, key)
	pod := get[corev1.Pod](t, w, "docs-mongodb-0")
	pod.Status.PodIP, pod.Status.PodIPs = "127.0.0.1", []corev1.PodIP{{IP: "127.0.0.1"}}
	w.must(t, w.Status().Update(t.Context(), pod))
	conn, err := dial(t.Context(), "tcp", net.JoinHostPort(host, port))
	w.must(t, err)
	defer conn.Close()
	if said, err := io.ReadAll(conn); err != nil || string(said) != "hello" {
		t.Errorf("heard %q (%v)", said, err)
	}
	if _, err := dial(t.Context(), "tcp", "mongodb.example.com:27017"); err == nil {
		t.Error("it dials hosts that are no members")
	}
}
