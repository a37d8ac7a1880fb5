package forward

import (
	"context"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// Target is a port of a Service.
type Target struct {
	Namespace, Service string
	// Port is a number or a name.
	Port string
}

var targetPattern = regexp.MustCompile(`^([a-z0-9-]+)/([a-z0-9.-]+):([a-z0-9-]+)$`)

// ParseTarget reads NAMESPACE/SERVICE:PORT.
func ParseTarget(text string) (Target, error) {
	parts := targetPattern.FindStringSubmatch(text)
	if parts == nil {
		return Target{}, fmt.Errorf("%q must be NAMESPACE/SERVICE:PORT, such as default/web:80", text)
	}
	return Target{parts[1], parts[2], parts[3]}, nil
}

// remember is how long the address of a Service is believed.
const remember = 2 * time.Second

// Resolver finds a target's address.
type Resolver struct {
	target Target
	client kubernetes.Interface

	mu      sync.Mutex
	address string
	asked   time.Time
}

// NewResolver returns a resolver for the cluster of a kubeconfig.
func NewResolver(kubeconfig string, target Target) (*Resolver, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's kubeconfig: %w", err)
	}
	config.Timeout = dialTimeout
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client of the cluster: %w", err)
	}
	return &Resolver{target: target, client: client}, nil
}

// Address returns the target's address and port.
func (r *Resolver) Address(ctx context.Context) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.asked) < remember {
		return r.address, nil
	}
	service, err := r.client.CoreV1().Services(r.target.Namespace).Get(ctx, r.target.Service, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("looking up the Service: %w", err)
	}
	address, err := addressOf(service, r.target.Port)
	if err != nil {
		return "", err
	}
	r.address, r.asked = address, time.Now()
	return address, nil
}

func addressOf(service *v1.Service, port string) (string, error) {
	if service.Spec.ClusterIP == "" || service.Spec.ClusterIP == v1.ClusterIPNone {
		return "", fmt.Errorf("the Service %s/%s has no address of its own (clusterIP): it cannot be published", service.Namespace, service.Name)
	}
	var known []string
	for _, p := range service.Spec.Ports {
		number := strconv.Itoa(int(p.Port))
		if port == number || port == p.Name {
			return net.JoinHostPort(service.Spec.ClusterIP, number), nil
		}
		known = append(known, number)
	}
	return "", fmt.Errorf("the Service %s/%s has no port %s: it has %v", service.Namespace, service.Name, port, known)
}
