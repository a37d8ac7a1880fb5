package main_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"chatpdf.dev/operator/hack/localcluster/internal/images"
)

// The test's own cluster lives beside whatever else runs on the machine.
const (
	testName   = "e2e-own"
	testLink   = "cpf-e2e-own"
	testCgroup = "cpf-e2e-own"
	testAPI    = "10.98.0.1"    // the API server's Service in shape
	testHost   = "10.202.0.254" // the host in shape
)

var shape = []string{"--subnet=10.202.0.0/24", "--pod-cidr=10.246.0.0/16", "--service-cidr=10.98.0.0/16"}

// stand is one test's cluster.
type stand struct {
	*testing.T
	program, state string
}

// newStand builds the program and makes sure that nothing of the cluster
// outlives the test.
func newStand(t *testing.T) *stand {
	t.Helper()
	if os.Getenv("LOCALCLUSTER_E2E") == "" || os.Geteuid() != 0 {
		t.Skip("brings up real clusters: set LOCALCLUSTER_E2E=1 and run as root")
	}
	dir, err := os.MkdirTemp("", "lc-") //nolint:usetesting // t.TempDir makes a path that is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &stand{t, filepath.Join(dir, "localcluster"), filepath.Join(dir, "state")}
	s.build(s.program, ".")
	t.Cleanup(func() {
		s.run("down")
		s.nothingLeft()
	})
	return s
}

func (s *stand) build(target, dir string) {
	s.Helper()
	build := exec.CommandContext(s.Context(), "go", "build", "-o", target, ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		s.Fatalf("building %s: %v\n%s", dir, err, output)
	}
}

func (s *stand) command(args ...string) *exec.Cmd {
	// Cleanup runs after the test's context has ended.
	return exec.Command(s.program, append(args, "--name="+testName, "--state="+s.state)...)
}

// run runs localcluster and returns all its output.
func (s *stand) run(args ...string) string {
	s.Helper()
	output, err := s.command(args...).CombinedOutput()
	if err != nil {
		s.Fatalf("localcluster %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	s.Logf("localcluster %s\n%s", strings.Join(args, " "), output)
	return string(output)
}

func (s *stand) kubectl(args ...string) string {
	s.Helper()
	output, err := s.tryKubectl(args...)
	if err != nil {
		s.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return output
}

func (s *stand) tryKubectl(args ...string) (string, error) {
	programs, err := exec.CommandContext(s.Context(), s.program, "build", "kubernetes", "--print-dir").Output()
	if err != nil {
		return "", err
	}
	kubectl := filepath.Join(strings.TrimSpace(string(programs)), "kubectl")
	config := filepath.Join(s.state, "clusters", testName, "kubeconfig")
	output, err := exec.CommandContext(s.Context(), kubectl, append([]string{"--kubeconfig=" + config}, args...)...).CombinedOutput()
	return strings.TrimSpace(string(output)), err
}

// eventually asks until the answer is as wanted.
func (s *stand) eventually(what string, ask func() (string, bool)) string {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		answer, fine := ask()
		if fine {
			return answer
		}
		select {
		case <-ctx.Done():
			s.Fatalf("%s: last answer: %s", what, answer)
		case <-tick.C:
		}
	}
}

func (s *stand) get(address, path string, values url.Values) (string, error) {
	client := http.Client{Timeout: 20 * time.Second}
	response, err := client.Get("http://" + address + path + "?" + values.Encode())
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}

// nothingLeft fails the test if anything of the cluster is still there.
func (s *stand) nothingLeft() {
	s.Helper()
	if _, err := net.InterfaceByName(testLink); err == nil {
		s.Errorf("the link %s is still there", testLink)
	}
	if _, err := os.Stat(s.state); !errors.Is(err, os.ErrNotExist) {
		s.Errorf("the state %s is still there: %v", s.state, err)
	}
	if left, _ := filepath.Glob("/sys/fs/cgroup/*/" + testCgroup); len(left) > 0 {
		s.Errorf("these cgroups are still there: %v", left)
	}
	if _, err := os.Stat("/sys/fs/cgroup/" + testCgroup); err == nil {
		s.Error("the cgroup is still there")
	}
	for _, file := range []string{"/proc/self/mounts", "/proc/net/route"} {
		content, err := os.ReadFile(file)
		if err != nil || strings.Contains(string(content), s.state) || strings.Contains(string(content), testLink) {
			s.Errorf("%s still names the cluster (%v):\n%s", file, err, content)
		}
	}
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		s.Fatal(err)
	}
	for _, process := range processes {
		if line, err := os.ReadFile(process); err == nil && strings.Contains(string(line), s.state) {
			s.Errorf("%s still runs: %q", process, line)
		}
	}
}

func (s *stand) probeImage() string {
	s.Helper()
	program := filepath.Join(s.TempDir(), "probe")
	s.build(program, "testdata/probe")
	archive := filepath.Join(s.TempDir(), "probe.tar")
	probe := images.Image{Reference: "localhost/probe:1", Files: []images.File{{Path: "/probe", Source: program, Mode: 0o755}}}
	probe.Config.Entrypoint = []string{"/probe"}
	if err := images.WriteArchive(s.Context(), archive, probe); err != nil {
		s.Fatal(err)
	}
	return archive
}

func TestClusterOfTwoNodesDoesWhatAClusterDoes(t *testing.T) {
	s := newStand(t)
	s.run(append([]string{"up", "--nodes=2"}, shape...)...)

	archive := s.probeImage()
	s.run("load", archive)
	if again := s.run("load", archive); !strings.Contains(again, "there already") {
		t.Errorf("loading the same image again was not skipped: %s", again)
	}
	s.kubectl("apply", "--filename=testdata/workload.yaml")
	s.kubectl("wait", "--for=condition=Ready", "pod/writer", "--timeout=120s")
	s.kubectl("wait", "--for=condition=Available", "deployment/spread", "--timeout=120s")

	pod := s.kubectl("get", "pod", "writer", "--output=jsonpath={.status.podIP}") + ":8080"
	t.Run("a volume belongs to the pod's fsGroup", func(t *testing.T) {
		owner, err := s.get(pod, "/write", url.Values{"path": {"/data/file"}, "content": {"kept"}})
		if err != nil || owner != "1000:2000" {
			t.Errorf("the file written by user 1000 with fsGroup 2000 belongs to %q (%v)", owner, err)
		}
	})
	t.Run("DNS answers from inside", func(t *testing.T) {
		for name, want := range map[string]string{
			"kubernetes.default":               "[" + testAPI + "]",
			"writer.default.svc.cluster.local": "[" + s.kubectl("get", "service", "writer", "--output=jsonpath={.spec.clusterIP}") + "]",
		} {
			if got, err := s.get(pod, "/resolve", url.Values{"name": {name}}); err != nil || got != want {
				t.Errorf("%s resolves to %s (%v), not to %s", name, got, err, want)
			}
		}
		if got, err := s.get(pod, "/resolve", url.Values{"name": {"example.com"}}); err != nil || !strings.Contains(got, "no such host") {
			t.Errorf("a name of the world resolves to %s (%v)", got, err)
		}
	})
	t.Run("a pod reaches the host and nothing beyond", func(t *testing.T) {
		listener, err := net.Listen("tcp", testHost+":0")
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the host") })}
		go func() { _ = server.Serve(listener) }()
		defer server.Close()
		if got, err := s.get(pod, "/fetch", url.Values{"url": {"http://" + listener.Addr().String()}}); err != nil || got != "the host" {
			t.Errorf("from the host it got %q (%v)", got, err)
		}
		if got, err := s.get(pod, "/fetch", url.Values{"url": {"http://192.0.2.200/"}}); err != nil || !strings.Contains(got, "unreachable") && !strings.Contains(got, "no route") {
			t.Errorf("from beyond it got %q (%v)", got, err)
		}
	})
	t.Run("a pod reaches a server outside that is relayed, by its name", func(t *testing.T) { s.relays(pod) })
	t.Run("an image that is nowhere fails at once", func(t *testing.T) {
		s.eventually("the reason of the pod without image", func() (string, bool) {
			reason, _ := s.tryKubectl("get", "pod", "no-such-image", "--output=jsonpath={.status.containerStatuses[0].state.waiting.reason}")
			return reason, strings.Contains(reason, "ErrImagePull") || strings.Contains(reason, "ImagePullBackOff")
		})
	})
	t.Run("kubectl exec and logs reach every node", func(t *testing.T) {
		for pod := range strings.FieldsSeq(s.kubectl("get", "pods", "--selector=app=spread", "--output=name")) {
			if output, err := s.tryKubectl("exec", pod, "--", "/probe", "-h"); err == nil || !strings.Contains(output, "address already in use") {
				t.Errorf("a second server in %s did not find the port taken: %s (%v)", pod, output, err)
			}
			s.kubectl("logs", pod)
		}
	})
	t.Run("a Service is published on the host", func(t *testing.T) { s.publishes() })
	t.Run("a node that lost power comes back with its pods", func(t *testing.T) { s.losesPower() })
	t.Run("a drain moves pods to the other node", func(t *testing.T) { s.drains() })
	t.Run("deleting a claim deletes its data", func(t *testing.T) {
		kept, err := filepath.Glob(filepath.Join(s.state, "clusters", testName, "volumes", "*", "file"))
		if err != nil || len(kept) != 1 {
			t.Fatalf("the volume's file is not where it should be: %v (%v)", kept, err)
		}
		s.kubectl("delete", "pod/writer", "pvc/data", "--grace-period=1")
		s.eventually("the volume's directory", func() (string, bool) {
			_, err := os.Stat(filepath.Dir(kept[0]))
			return fmt.Sprint(err), errors.Is(err, os.ErrNotExist)
		})
	})
	if again := s.run("up"); !strings.Contains(again, "up already") {
		t.Errorf("up on a running cluster did not leave it alone: %s", again)
	}
	if output, err := s.command("up", "--nodes=3").CombinedOutput(); err == nil || !strings.Contains(string(output), "localcluster down") {
		t.Errorf("up with another shape must say what to do, got %v: %s", err, output)
	}
}

func (s *stand) publishes() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	s.run("publish", "default/writer:http", "--address="+address)
	s.eventually("the published Service", func() (string, bool) {
		name, err := s.get(address, "/hostname", nil)
		return fmt.Sprint(name, err), name == "writer"
	})
	if again := s.run("publish", "default/writer:http", "--address="+address); !strings.Contains(again, "already") {
		s.Errorf("publishing the same again did not keep it: %s", again)
	}
	if output, err := s.command("publish", "default/none:80", "--address="+address).CombinedOutput(); err == nil || !strings.Contains(string(output), "not found") {
		s.Errorf("publishing a Service that does not exist: %v: %s", err, output)
	}
}

// relays lets pods reach a server that listens on the host's loopback address,
// where no route of theirs leads.
func (s *stand) relays(pod string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "outside, asked as "+r.Host) }))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		s.Fatal(err)
	}
	// A name that is this machine without being called localhost.
	name, err := os.Hostname()
	if err != nil {
		s.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", name} {
		if addresses, err := net.LookupHost(host); err != nil || !slices.Contains(addresses, "127.0.0.1") {
			s.Logf("%s is %v (%v) here: not relayed by this name", host, addresses, err)
			continue
		}
		target := net.JoinHostPort(host, port)
		output, err := s.command("relay", target).Output()
		reached := strings.TrimSpace(string(output))
		if err != nil || host == name && reached != target {
			s.Fatalf("relay %s printed %q (%v)", target, reached, err)
		}
		s.eventually("an answer from "+target, func() (string, bool) {
			got, err := s.get(pod, "/fetch", url.Values{"url": {"http://" + reached}})
			return fmt.Sprint(got, err), got == "outside, asked as "+reached
		})
		if again, err := s.command("relay", target).Output(); err != nil || strings.TrimSpace(string(again)) != reached {
			s.Errorf("relaying the same again printed %q (%v)", again, err)
		}
	}
	if status := s.run("status"); !strings.Contains(status, "RELAY TO") {
		s.Errorf("status does not show the relays: %s", status)
	}
}

// losesPower kills the first process of the node of the pod writer.
func (s *stand) losesPower() {
	home := s.kubectl("get", "pod", "writer", "--output=jsonpath={.spec.nodeName}")
	line := strings.Join([]string{"internal", "node", filepath.Join(s.state, "clusters", testName), strings.TrimPrefix(home, "node")}, "\x00")
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		s.Fatal(err)
	}
	killed := 0
	for _, process := range processes {
		content, err := os.ReadFile(process)
		if err != nil || !strings.Contains(string(content), line) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(process)))
		if err != nil {
			s.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			s.Fatal(err)
		}
		killed++
	}
	if killed != 1 {
		s.Fatalf("%d processes are the first of %s", killed, home)
	}
	s.eventually("the pod after the power cut", func() (string, bool) {
		state, err := s.tryKubectl("get", "pod", "writer", "--output=jsonpath={.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}")
		return state, err == nil && state == "1 true"
	})
	s.kubectl("wait", "--for=condition=Ready", "node/"+home, "--timeout=120s")
}

func (s *stand) drains() {
	const nodes = "--output=jsonpath={.items[*].spec.nodeName}"
	before := s.kubectl("get", "pods", "--selector=app=spread", nodes)
	if !strings.Contains(before, "node1") || !strings.Contains(before, "node2") {
		s.Errorf("the pods are not spread over both nodes: %s", before)
	}
	home := s.kubectl("get", "pod", "writer", "--output=jsonpath={.spec.nodeName}")
	other := map[string]string{"node1": "node2", "node2": "node1"}[home]
	s.kubectl("drain", other, "--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=120s")
	s.kubectl("wait", "--for=condition=Available", "deployment/spread", "--timeout=120s")
	s.eventually("pods after the drain", func() (string, bool) {
		after := s.kubectl("get", "pods", "--selector=app=spread", "--field-selector=status.phase=Running", nodes)
		return after, after == home+" "+home
	})
}

func TestAStartCutShortIsRemovedByDown(t *testing.T) {
	s := newStand(t)
	up := s.command(append([]string{"up"}, shape...)...)
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	s.eventually("the first program of the cluster", func() (string, bool) {
		_, err := os.Stat(filepath.Join(s.state, "clusters", testName, "log", "etcd.log"))
		return fmt.Sprint(err), err == nil
	})
	if err := up.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = up.Wait() // it was killed, and says so
	s.run("down")
	s.nothingLeft()
	s.run("down")
}
