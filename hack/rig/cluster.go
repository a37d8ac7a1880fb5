package rig

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Local says which local cluster is wanted; zero values are the tool's defaults.
type Local struct {
	Name  string
	Nodes int
	// CSI is for a StorageClass growing, whose volumes can grow.
	CSI                          bool
	Subnet, PodCIDR, ServiceCIDR string
}

func (l Local) flags() []string {
	flags := []string{"--name", l.Name}
	for _, f := range []struct{ flag, value string }{{"--subnet", l.Subnet}, {"--pod-cidr", l.PodCIDR}, {"--service-cidr", l.ServiceCIDR}} {
		if f.value != "" {
			flags = append(flags, f.flag, f.value)
		}
	}
	if l.Nodes > 0 {
		flags = append(flags, "--nodes", strconv.Itoa(l.Nodes))
	}
	if l.CSI {
		flags = append(flags, "--csi")
	}
	return flags
}

// Up brings a local cluster up and loads the images of the checkout into it.
func (c Checkout) Up(ctx context.Context, l Local, step func(format string, args ...any)) (Cluster, error) {
	cluster, err := c.Bare(ctx, l, step)
	if err != nil {
		return Cluster{}, err
	}
	step("images: from this checkout")
	if cluster.Images, err = c.BuildImages(ctx); err != nil {
		return Cluster{}, err
	}
	images := cluster.Images
	return cluster, c.load(ctx, l.Name, images.OperatorTar, images.AppTar, images.DBAgentTar)
}

// Bare brings a local cluster up that has nothing of the checkout in it, but for the image of mongod,
// which a cluster with a way out would pull.
func (c Checkout) Bare(ctx context.Context, l Local, step func(format string, args ...any)) (Cluster, error) {
	tool := c.hack("localcluster.sh")
	step("cluster: a Kubernetes of its own on this machine")
	if err := c.run(ctx, nil, tool, append([]string{"up"}, l.flags()...)...); err != nil {
		return Cluster{}, err
	}
	mongod, err := c.mongodTar(ctx, MongoDBVersion)
	if err != nil {
		return Cluster{}, err
	}
	if err := c.load(ctx, l.Name, mongod); err != nil {
		return Cluster{}, err
	}
	kubeconfig, err := c.output(ctx, tool, "kubeconfig", "--name", l.Name, "--path")
	if err != nil {
		return Cluster{}, err
	}
	binaries, err := c.output(ctx, tool, "build", "--print-dir", "kubernetes")
	if err != nil {
		return Cluster{}, err
	}
	return Cluster{
		Checkout: c, Name: l.Name, Kubeconfig: kubeconfig, Kubectl: filepath.Join(binaries, "kubectl"),
		MongoDBImage: "docker.io/library/mongo:" + MongoDBVersion,
	}, nil
}

// LoadMongoDB makes another version of MongoDB one of a local cluster's images, and answers its name.
func (c Cluster) LoadMongoDB(ctx context.Context, version string) (string, error) {
	tar, err := c.mongodTar(ctx, version)
	if err != nil {
		return "", err
	}
	return "docker.io/library/mongo:" + version, c.load(ctx, c.Name, tar)
}

func (c Checkout) load(ctx context.Context, cluster string, archives ...string) error {
	return c.run(ctx, nil, c.hack("localcluster.sh"), append([]string{"load", "--name", cluster}, archives...)...)
}

// Down removes a local cluster and everything in it.
func (c Checkout) Down(ctx context.Context, name string) error {
	return c.run(ctx, nil, c.hack("localcluster.sh"), "down", "--name", name)
}

// Current takes the cluster of the current kubeconfig and pushes the images of the checkout to
// IMG_REGISTRY.
func (c Checkout) Current(ctx context.Context, step func(format string, args ...any)) (Cluster, error) {
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		return Cluster{}, errors.New("kubectl is not there: install it, and point it at your cluster")
	}
	server, err := c.output(ctx, kubectl, "config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")
	if err != nil {
		return Cluster{}, err
	}
	step("cluster: %s, of the current kubeconfig", server)
	step("images: from this checkout, pushed to your registry")
	images, err := c.BuildImages(ctx, "--push")
	if err != nil {
		return Cluster{}, err
	}
	return Cluster{Checkout: c, Kubectl: kubectl, Images: images, MongoDBImage: "docker.io/library/mongo:" + MongoDBVersion}, nil
}

func (c Cluster) environment() []string {
	if c.Kubeconfig == "" {
		return nil
	}
	return []string{"KUBECONFIG=" + c.Kubeconfig}
}

// Publish makes a Service of a local cluster reachable on a loopback address until the cluster goes
// down. service is NAMESPACE/NAME:PORT.
func (c Cluster) Publish(ctx context.Context, service, address string) error {
	return c.run(ctx, nil, c.hack("localcluster.sh"), "publish", "--name", c.Name, service, "--address", address)
}

// Relay lets pods of a local cluster reach one server outside of it, until the cluster goes down.
// target and the answer are HOST:PORT: the answer is what pods reach the server by.
func (c Cluster) Relay(ctx context.Context, target string) (string, error) {
	return c.output(ctx, c.hack("localcluster.sh"), "relay", "--name", c.Name, target)
}

// Registry runs an image registry on a loopback address of the host, from which the nodes of a local
// cluster pull what is pushed there.
func (c Cluster) Registry(ctx context.Context, address string) error {
	return c.run(ctx, nil, c.hack("localcluster.sh"), "registry", "--name", c.Name, "--address", address)
}
