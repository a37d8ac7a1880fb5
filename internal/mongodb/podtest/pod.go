package podtest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"chatpdf.dev/operator/internal/dbagent"
	"chatpdf.dev/operator/internal/dbagent/protocol"
	"chatpdf.dev/operator/internal/mongodb"
)

// Pod is one member: mongod, its agent and its volume. Its methods are safe to call from several
// goroutines.
type Pod struct {
	// Ordinal in the StatefulSet.
	Ordinal int
	// Host with port, as it stands in the configuration.
	Host string

	cluster *Cluster
	address string // loopback address of its own
	dir     string

	mu       sync.Mutex
	uid      types.UID
	claimUID types.UID
	mongod   *process
	stop     context.CancelFunc // ends the agent
	agent    chan struct{}      // closed when the agent has ended
}

// UID of the pod; empty while it does not run.
func (p *Pod) UID() types.UID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.uid
}

// ClaimUID of the volume.
func (p *Pod) ClaimUID() types.UID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.claimUID
}

// Start makes a new pod on the volume that is there: first the agent, which writes the files, then
// mongod.
func (p *Pod) Start(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.uid != "" {
		return
	}
	p.uid = types.UID(rand.Text())
	if err := os.RemoveAll(p.RunDirectory()); err != nil { // it lives as long as a pod
		t.Fatal(err)
	}
	if err := p.startAgent(); err != nil {
		t.Fatal(err)
	}
	if err := p.startMongoD(); err != nil {
		t.Fatal(err)
	}
}

// Bootstrap has the agent make this pod the only member of a replica set of its own.
func (p *Pod) Bootstrap(ctx context.Context) error {
	body, err := json.Marshal(protocol.BootstrapRequest{PodUID: string(p.UID()), MemberHost: p.Host, ReplicaSet: p.cluster.Deployment})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+p.AgentAddress()+protocol.BootstrapPath, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+p.cluster.AgentToken)
	response, err := p.cluster.AgentClient().Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the agent answered %s", response.Status)
	}
	return nil
}

// Delete ends the pod in good order, as the kubelet does.
func (p *Pod) Delete() { p.end(func(m *process) { m.stop() }) }

// Kill ends the pod at once, as a lost node does.
func (p *Pod) Kill() { p.end(func(m *process) { m.kill() }) }

// KillMongoD ends mongod alone, with SIGKILL, and starts it again, as the kubelet does with a
// container.
func (p *Pod) KillMongoD(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mongod.kill()
	if err := p.startMongoD(); err != nil {
		t.Fatal(err)
	}
}

// RestartAgent ends the agent alone and starts it again.
func (p *Pod) RestartAgent(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopAgent()
	if err := p.startAgent(); err != nil {
		t.Fatal(err)
	}
}

// LoseVolume takes the volume away; the pod must not run. The next Start finds an empty one.
func (p *Pod) LoseVolume(t testing.TB) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.uid != "" {
		t.Fatal("the volume of a pod that runs cannot be lost")
	}
	if err := os.RemoveAll(filepath.Join(p.dir, "data")); err != nil {
		t.Fatal(err)
	}
	p.renewClaim()
}

// Freeze stops mongod from running without ending it, and Thaw lets it go on.
func (p *Pod) Freeze() { p.mongodProcess().freeze() }

// Thaw lets a frozen mongod go on.
func (p *Pod) Thaw() { p.mongodProcess().thaw() }

// MongoDAddress is where mongod listens, on loopback.
func (p *Pod) MongoDAddress() string {
	return net.JoinHostPort(p.address, strconv.Itoa(mongodb.Port))
}

// AgentAddress is where the agent listens, on loopback.
func (p *Pod) AgentAddress() string {
	return net.JoinHostPort(p.address, strconv.Itoa(mongodb.AgentPort))
}

// RunDirectory holds what the agent wrote for mongod.
func (p *Pod) RunDirectory() string { return filepath.Join(p.dir, "run") }

// Log is what mongod has written since it was started last.
func (p *Pod) Log() string {
	log, _ := os.ReadFile(filepath.Join(p.dir, "mongod.log"))
	return string(log)
}

// MongoDRuns says whether mongod was started, which it is not in a pod that is fenced.
func (p *Pod) MongoDRuns() bool { return p.mongodProcess() != nil }

func (p *Pod) mongodProcess() *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mongod
}

func (p *Pod) end(how func(*process)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.uid == "" {
		return
	}
	if p.mongod != nil {
		how(p.mongod)
	}
	p.stopAgent()
	p.uid, p.mongod = "", nil
}

func (p *Pod) renewClaim() { p.claimUID = types.UID(rand.Text()) }

func (p *Pod) startAgent() error {
	for _, directory := range []string{p.RunDirectory(), filepath.Join(p.dir, "bin")} {
		if err := os.MkdirAll(directory, 0o700); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", p.AgentAddress()) //nolint:noctx // the agent closes it
	if err != nil {
		return fmt.Errorf("starting the agent: %w", err)
	}
	options := dbagent.Options{
		Self:          dbagent.Self{PodUID: string(p.uid), MemberHost: p.Host, ReplicaSet: p.cluster.Deployment},
		Directories:   p.cluster.Directories(p.RunDirectory(), filepath.Join(p.dir, "bin")),
		MongoDAddress: p.MongoDAddress(),
		Refresh:       p.cluster.Refresh,
		Listener:      listener,
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	p.stop, p.agent = stop, ended
	var failure error
	go func() {
		defer close(ended)
		failure = dbagent.Serve(ctx, slog.New(slog.DiscardHandler), options)
	}()
	if err := p.startupProbe(ended); err != nil {
		stop()
		<-ended
		return errors.Join(err, failure)
	}
	return nil
}

// startupProbe waits until the agent has written the files, as the kubelet does before it starts
// mongod.
func (p *Pod) startupProbe(ended <-chan struct{}) error {
	client := p.cluster.AgentClient()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(startTimeout)
	for {
		response, err := client.Get("https://" + p.AgentAddress() + "/startupz") //nolint:noctx // the client has a timeout
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-ended:
			return errors.New("the agent ended at once")
		case <-deadline:
			return fmt.Errorf("the agent is not ready: %w", err)
		}
	}
}

// AgentClient reaches agents by their loopback addresses.
func (c *Cluster) AgentClient() *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(c.CA)
	return &http.Client{
		Timeout:   startTimeout,
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "localhost", MinVersion: tls.VersionTLS12}},
	}
}

func (p *Pod) stopAgent() {
	p.stop()
	<-p.agent
}

// startReleased starts mongod as soon as the member is not fenced, if it is still the same pod, as `dbagent exec` does.
func (p *Pod) startReleased(uid types.UID) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		p.mu.Lock()
		same := p.uid == uid
		if same && !dbagent.Fenced(p.RunDirectory()) {
			if err := p.startMongoD(); err != nil {
				panic(fmt.Sprintf("a mongod that was fenced did not start: %v", err)) // nobody waits here to be told
			}
			same = false
		}
		p.mu.Unlock()
		if !same {
			return
		}
	}
}

func (p *Pod) startMongoD() error {
	data, run := filepath.Join(p.dir, "data"), p.RunDirectory()
	if dbagent.Fenced(run) {
		go p.startReleased(p.uid)
		return nil
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	mongod, err := startProcess(p.cluster.hostsFile, filepath.Join(p.dir, "mongod.log"), p.MongoDAddress(),
		p.cluster.binary, "--bind_ip", p.address, "--port", strconv.Itoa(mongodb.Port), "--dbpath", data,
		"--replSet", p.cluster.Deployment, "--keyFile", filepath.Join(run, "keyfile"), "--nounixsocket",
		"--tlsMode", "requireTLS", "--tlsCertificateKeyFile", filepath.Join(run, "server.pem"),
		"--tlsCAFile", filepath.Join(run, "ca.crt"), "--tlsAllowConnectionsWithoutCertificates",
		"--wiredTigerCacheSizeGB", "0.25",
		// In good order, and without the time that drivers elsewhere get to notice.
		"--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100", "--setParameter", "diagnosticDataCollectionEnabled=false")
	p.mongod = mongod
	return err
}
