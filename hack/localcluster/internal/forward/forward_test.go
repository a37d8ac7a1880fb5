package forward

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTargetsAreRead(t *testing.T) {
	want := Target{"chatpdf", "docs-frontend", "http"}
	if got, err := ParseTarget("chatpdf/docs-frontend:http"); err != nil || got != want {
		t.Errorf("got %v (%v)", got, err)
	}
	for _, wrong := range []string{"", "docs:80", "a/b", "a/b:", "/b:80", "a/b/c:80", "A/b:80"} {
		if got, err := ParseTarget(wrong); err == nil || !strings.Contains(err.Error(), "NAMESPACE/SERVICE:PORT") {
			t.Errorf("%q is read as %v (%v)", wrong, got, err)
		}
	}
}

func TestServersOutsideAreRead(t *testing.T) {
	for text, want := range map[string]Outside{
		"api.openai.com:443":  {Name: "api.openai.com", Host: "api.openai.com", Port: 443},
		"API.example.com:443": {Name: "api.example.com", Host: "api.example.com", Port: 443},
		"model-server:8000":   {Name: "model-server", Host: "model-server", Port: 8000},
		// In a pod these would be the pod itself, or a route that is not there.
		"localhost:8000":  {Host: "localhost", Port: 8000},
		"127.0.0.1:8000":  {Host: "127.0.0.1", Port: 8000},
		"[::1]:8000":      {Host: "::1", Port: 8000},
		"192.0.2.1:65535": {Host: "192.0.2.1", Port: 65535},
	} {
		if got, err := ParseOutside(text); err != nil || got != want {
			t.Errorf("%s is read as %+v (%v)", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"": "HOST:PORT", "api.openai.com": "HOST:PORT", "api.openai.com:https": "HOST:PORT", "api.openai.com:0": "HOST:PORT", "a:65536": "HOST:PORT",
		"https://api.openai.com:443": "HOST:PORT", "a b.com:443": "HOST:PORT", "x {\n}:443": "HOST:PORT", "a..b:443": "HOST:PORT", "-a.com:443": "HOST:PORT",
		"docs-frontend.chatpdf.svc.cluster.local:80": "cluster's own",
	} {
		if got, err := ParseOutside(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is read as %+v (%v), want an error that says %q", text, got, err, want)
		}
	}
}

func TestAServicesPortIsFoundByNumberAndByName(t *testing.T) {
	service := &v1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "b"},
		Spec:       v1.ServiceSpec{ClusterIP: "10.96.3.4", Ports: []v1.ServicePort{{Name: "http", Port: 80}}},
	}
	for _, port := range []string{"80", "http"} {
		if got, err := addressOf(service, port); err != nil || got != "10.96.3.4:80" {
			t.Errorf("%s: %s (%v)", port, got, err)
		}
	}
	if got, err := addressOf(service, "443"); err == nil || !strings.Contains(err.Error(), "80") {
		t.Errorf("a port that is not there: %s (%v)", got, err)
	}
	service.Spec.ClusterIP = v1.ClusterIPNone
	if got, err := addressOf(service, "80"); err == nil {
		t.Errorf("a headless Service has the address %s", got)
	}
}

// TestAnAnswerArrivesAfterTheClientHasSaidAll: a client that closes its half
// must still get what the server sends.
func TestAnAnswerArrivesAfterTheClientHasSaidAll(t *testing.T) {
	server := listen(t)
	go func() {
		for {
			connection, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				said, _ := io.ReadAll(connection)
				_, _ = io.WriteString(connection, "heard "+string(said))
			}()
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	front := listen(t)
	resolver := &Resolver{address: server.Addr().String(), asked: time.Now().Add(time.Hour)}
	ended := make(chan error)
	go func() { ended <- Run(ctx, front, resolver.Address, slog.New(slog.DiscardHandler)) }()
	for range 3 {
		client, err := net.Dial("tcp", front.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.WriteString(client, "question")
		if err := errors.Join(err, client.(*net.TCPConn).CloseWrite()); err != nil {
			t.Fatal(err)
		}
		if answer, err := io.ReadAll(client); err != nil || string(answer) != "heard question" {
			t.Errorf("the answer is %q (%v)", answer, err)
		}
		client.Close()
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the forwarder ended with %v", err)
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}
