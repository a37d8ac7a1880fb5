package dbagent_test

import (
	"context"
	"crypto/tls"
	"testing"
	"time"

	"chatpdf.dev/operator/internal/mongodb/podtest"
)

// startEager starts a pod whose agent reads what is mounted all the time.
func startEager(t *testing.T) (*podtest.Cluster, *podtest.Pod) {
	t.Helper()
	cluster := podtest.New(t, "docs", "ns", 1)
	cluster.Refresh = 200 * time.Millisecond
	cluster.Pods[0].Start(t)
	return cluster, cluster.Pods[0]
}

// serial is the number of the certificate that a new connection to mongod is shown.
func serial(t *testing.T, pod *podtest.Pod) string {
	t.Helper()
	connection, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}).DialContext(t.Context(), "tcp", pod.MongoDAddress())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	return connection.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.String()
}

func TestARenewedCertificateIsServedWithoutARestart(t *testing.T) {
	cluster, pod := startEager(t)
	if err := pod.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := serial(t, pod)
	kept, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}).DialContext(t.Context(), "tcp", pod.MongoDAddress())
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	if err := cluster.RenewCertificate(); err != nil {
		t.Fatal(err)
	}
	served(t, pod, before)
	// Connections that were open stay open: nothing was restarted.
	if err := kept.SetReadDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := kept.Read(make([]byte, 1)); err == nil || !isTimeout(err) {
		t.Errorf("an open connection ended with %v", err)
	}
}

// served waits until another certificate is.
func served(t *testing.T, pod *podtest.Pod, before string) {
	t.Helper()
	until(t, "another certificate", func() bool { return serial(t, pod) != before })
}

func until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-ctx.Done():
			t.Fatalf("gave up waiting for %s", what)
		case <-tick.C:
		}
	}
}

// TestACertificateThatHasExpiredIsReplacedToo renews too late: the one that is served cannot be verified any more.
func TestACertificateThatHasExpiredIsReplacedToo(t *testing.T) {
	cluster, pod := startEager(t)
	if err := pod.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, end := serial(t, pod), time.Now().Add(10*time.Second)
	if err := cluster.RenewCertificateUntil(end); err != nil {
		t.Fatal(err)
	}
	served(t, pod, before)
	until(t, "its end", func() bool { return time.Now().After(end.Add(time.Second)) })
	before = serial(t, pod)
	if err := cluster.RenewCertificate(); err != nil {
		t.Fatal(err)
	}
	served(t, pod, before)
}

func isTimeout(err error) bool {
	timeout, is := err.(interface{ Timeout() bool })
	return is && timeout.Timeout()
}
