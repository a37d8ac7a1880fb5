package api

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/dbagent"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/podtest"
	"chatpdf.dev/operator/internal/stack"
)

// kubelet runs the database's pods for real: what the API server says should run has a mongod and an
// agent with the Secrets that the operator made.
type kubelet struct {
	*world
	key  types.NamespacedName
	pods *podtest.Cluster

	mu      sync.Mutex
	running map[string]*member
}

// member is a pod that runs.
type member struct {
	uid   types.UID
	pod   *podtest.Pod
	image string // the agent's
	agent string // its address
	stop  func() // ends it
}

func newKubelet(t *testing.T, w *world, key types.NamespacedName, members int) *kubelet {
	t.Helper()
	k := &kubelet{
		world: w, key: key, running: map[string]*member{}, pods: podtest.New(t, key.Name, key.Namespace, members),
	}
	k.pods.Refresh = 500 * time.Millisecond
	t.Cleanup(k.kill)
	return k
}

// running is a deployment that is Ready with so many members, and the operator that made it so.
func running(t *testing.T, members int32) (*kubelet, *operator) {
	t.Helper()
	w := newWorld(t)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Members: members}})
	k := newKubelet(t, w, key, int(members))
	o := startOperator(t, defaultConfig, k.dial)
	k.ready(t, o)
	return k, o
}

// sync plays the StatefulSet's controller once and then makes what runs what the API server says.
func (k *kubelet) sync(t *testing.T) {
	t.Helper()
	k.playDeployment(t, k.key.Name+"-backend")
	k.playDeployment(t, k.key.Name+"-frontend")
	k.playStatefulSet(t, k.key)
	if len(k.running) > 0 {
		k.mount(t)
	}
	for ordinal, pod := range k.pods.Pods {
		name := mongodb.PodName(k.key.Name, ordinal)
		var uid types.UID
		var agent string
		if exists[corev1.Pod](t, k.world, name) {
			if pod := get[corev1.Pod](t, k.world, name); k.startable(pod) {
				uid, agent = pod.UID, pod.Spec.InitContainers[0].Image
			}
		}
		if m := k.running[name]; m != nil && m.uid != uid {
			m.pod.Delete()
			k.end(name)
		}
		if uid != "" && k.running[name] == nil {
			k.mount(t)
			pod.Start(t)
			k.serve(t, name, &member{uid: uid, pod: pod}, agent)
		}
		if m := k.running[name]; m != nil && m.image != agent {
			m.stop()
			k.serve(t, name, m, agent)
			k.runs(t, get[corev1.Pod](t, k.world, name))
		}
	}
}

// kill ends everything as a power cut would.
func (k *kubelet) kill() {
	for name, m := range k.running {
		m.pod.Kill()
		k.end(name)
	}
}

func (k *kubelet) end(name string) {
	k.mu.Lock()
	m := k.running[name]
	delete(k.running, name)
	k.mu.Unlock()
	m.stop()
}

// serve runs an agent beside mongod that knows itself by the UID that the API server gave; none of an image that nobody has.
func (k *kubelet) serve(t *testing.T, name string, m *member, image string) {
	t.Helper()
	m = &member{uid: m.uid, pod: m.pod, image: image, stop: func() {}}
	defer func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.running[name] = m
	}()
	if !k.hasImage(image) {
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	k.must(t, err)
	binaries := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = dbagent.Serve(ctx, slog.New(slog.DiscardHandler), dbagent.Options{
			Self:          dbagent.Self{PodUID: string(m.uid), MemberHost: m.pod.Host, ReplicaSet: k.key.Name},
			Directories:   k.pods.Directories(m.pod.RunDirectory(), binaries),
			MongoDAddress: m.pod.MongoDAddress(), Listener: listener, Refresh: k.pods.Refresh,
		})
	}()
	m.agent = listener.Addr().String()
	m.stop = func() {
		cancel()
		<-ended
	}
}

// mount brings the pods what stands in the Secrets by now.
func (k *kubelet) mount(t *testing.T) {
	t.Helper()
	names := stack.NamesOf(k.key.Name)
	if exists[corev1.ConfigMap](t, k.world, names.Identity) {
		fenced := get[corev1.ConfigMap](t, k.world, names.Identity).Data[mongodb.KeyFenced]
		k.must(t, k.pods.WriteSecret("fence", mongodb.KeyFenced, fenced))
	}
	for directory, name := range map[string]string{
		"keyfile": names.KeyfileSecret, "tls": names.TLSSecret, "admin": names.DatabaseAdminSecret, "token": names.AgentSecret,
		"metrics": names.DatabaseMetricsSecret,
	} {
		for key, value := range get[corev1.Secret](t, k.world, name).Data {
			k.must(t, k.pods.WriteSecret(directory, key, string(value)))
			if key == stack.KeyCACertificate {
				k.pods.CA = value
			}
		}
	}
}

// dial reaches members by the names that stand in the replica set configuration.
func (k *kubelet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if port == strconv.Itoa(mongodb.AgentPort) {
		k.mu.Lock()
		defer k.mu.Unlock()
		for _, m := range k.running {
			if name, _, _ := net.SplitHostPort(m.pod.Host); name == host {
				return (&net.Dialer{}).DialContext(ctx, network, m.agent)
			}
		}
	}
	return k.pods.Dial(ctx, network, address)
}

// statefulSet is the database's.
func (k *kubelet) statefulSet(t *testing.T) *appsv1.StatefulSet {
	t.Helper()
	return get[appsv1.StatefulSet](t, k.world, k.key.Name+"-mongodb")
}

// trust is how a client of the database verifies its members.
func (k *kubelet) trust(t *testing.T) *tls.Config {
	t.Helper()
	authority := get[corev1.Secret](t, k.world, stack.NamesOf(k.key.Name).CASecret).Data[stack.KeyCACertificate]
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		t.Fatal("the certificate authority is no certificate")
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// dialer lets the driver use dial.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	return d(ctx, network, address)
}
