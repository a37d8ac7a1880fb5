package replset

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/podtest"
)

// Snapshots are compared: the same obstacle must read the same at every look.
func TestAMemberThatCannotBeReachedHasTheSameReasonEachTime(t *testing.T) {
	t.Parallel()
	cluster := podtest.New(t, "docs", "ns", 1)
	closing := listen(t, func(conn net.Conn) { conn.Close() })
	babbling := listen(t, func(conn net.Conn) { conn.Write([]byte("220 mail.example.com\r\n")) }) //nolint:errcheck // it may have gone
	for _, c := range []struct {
		name string
		dial DialFunc
		want string
	}{
		{"nobody listens", to("127.0.0.1:1"), "connection refused"},
		{"it closes the connection", to(closing), "it closed the connection"},
		{"it speaks another protocol", to(babbling), "it does not speak TLS"},
		{"no such name", func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "docs-mongodb-0", IsNotFound: true}
		}, "its name docs-mongodb-0 does not resolve"},
		{"no answer", func(ctx context.Context, _, _ string) (net.Conn, error) { return nil, context.DeadlineExceeded }, "no answer within 3s"},
		{"no pod", func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("its pod has no address yet")
		}, "its pod has no address yet"},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := Target{ReplicaSet: "docs", CA: cluster.CA, Dial: c.dial}
			first := probeMember(t.Context(), target, cluster.Pods[0].Host, mongodb.AdminUsername)
			if first.Reached || first.State != mongodb.StateUnreachable || !strings.Contains(first.Error, c.want) {
				t.Fatalf("probe %+v, want %q", first, c.want)
			}
			if again := probeMember(t.Context(), target, cluster.Pods[0].Host, mongodb.AdminUsername); again != first {
				t.Errorf("then %+v, now %+v", first, again)
			}
		})
	}
}

func TestAMemberWithAnotherCAIsNotReachedAndTheReasonSaysSo(t *testing.T) {
	t.Parallel()
	cluster := podtest.New(t, "docs", "ns", 1)
	cluster.Pods[0].Start(t)
	trusted := Target{ReplicaSet: "docs", CA: cluster.CA, Dial: cluster.Dial}
	if probe := probeMember(t.Context(), trusted, cluster.Pods[0].Host, mongodb.AdminUsername); !probe.Reached || probe.State != mongodb.StateNotYetInitialized {
		t.Fatalf("probe %+v", probe)
	}
	if err := cluster.RenewCertificates(); err != nil {
		t.Fatal(err)
	}
	stranger := Target{ReplicaSet: "docs", CA: cluster.CA, Dial: cluster.Dial}
	if probe := probeMember(t.Context(), stranger, cluster.Pods[0].Host, mongodb.AdminUsername); probe.Reached || !strings.Contains(probe.Error, "its certificate is not trusted") {
		t.Errorf("probe %+v", probe)
	}
	// The right CA, but another name.
	other := strings.Replace(cluster.Pods[0].Host, ".ns.", ".elsewhere.", 1)
	trusted.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return cluster.Dial(ctx, network, cluster.Pods[0].Host)
	}
	if probe := probeMember(t.Context(), trusted, other, mongodb.AdminUsername); probe.Reached || !strings.Contains(probe.Error, "its certificate is not trusted") {
		t.Errorf("probe %+v", probe)
	}
}

func TestAFrozenMemberIsGivenUpInBoundedTime(t *testing.T) {
	t.Parallel()
	cluster := podtest.New(t, "docs", "ns", 1)
	cluster.Pods[0].Start(t)
	cluster.Pods[0].Freeze()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	probe := probeMember(ctx, Target{ReplicaSet: "docs", CA: cluster.CA, Dial: cluster.Dial}, cluster.Pods[0].Host, mongodb.AdminUsername)
	if probe.Reached || probe.Error != "no answer within 3s" || ctx.Err() != nil {
		t.Errorf("probe %+v, %v", probe, ctx.Err())
	}
}

func to(address string) DialFunc {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
}

func listen(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serve(conn)
		}
	}()
	return listener.Addr().String()
}
