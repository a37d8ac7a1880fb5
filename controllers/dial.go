package controllers

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/internal/mongodb/replset"
)

// dialTimeout bounds one connection to a member.
const dialTimeout = 3 * time.Second

// PodDialer dials members of replica sets, which are called POD.SERVICE.NAMESPACE.svc.DOMAIN, at
// the address that their pod has now. Unlike a lookup of the name this works beside the cluster too,
// and sees a new pod at once: DNS servers remember for a while that a name did not exist.
func PodDialer(reader client.Reader) replset.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("dialling %s: %w", address, err)
		}
		parts := strings.SplitN(host, ".", 4)
		if len(parts) < 4 {
			return nil, fmt.Errorf("dialling %s: it is not the name of a member", address)
		}
		var pod corev1.Pod
		if err := reader.Get(ctx, client.ObjectKey{Namespace: parts[2], Name: parts[0]}, &pod); err != nil {
			return nil, fmt.Errorf("dialling %s: looking for its pod: %w", address, err)
		}
		if pod.Status.PodIP == "" {
			return nil, fmt.Errorf("dialling %s: its pod has no address yet", address)
		}
		dialer := net.Dialer{Timeout: dialTimeout}
		return dialer.DialContext(ctx, network, net.JoinHostPort(pod.Status.PodIP, port))
	}
}
