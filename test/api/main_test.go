package api

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"chatpdf.dev/operator/api/v1alpha1"
)

// crdDirectory is the generated CRD; it is what users install.
var crdDirectory = filepath.Join("..", "..", "config", "crd", "bases")

// cluster is the API server that all tests of this package share; each test has a namespace of its own.
var cluster struct {
	config     *rest.Config
	kubeconfig []byte // the same, for a program
	scheme     *runtime.Scheme
}

func TestMain(m *testing.M) {
	flag.Parse()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" && testing.Short() {
		fmt.Println("skipped because of -short: needs kube-apiserver, etcd and kubectl in KUBEBUILDER_ASSETS")
		return
	}
	code, err := withCluster(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func withCluster(run func() int) (code int, err error) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		return 1, errors.New("KUBEBUILDER_ASSETS is not set: set it to the directory that " +
			"`go run -C hack/localcluster . build --print-dir kube-apiserver etcd kubectl` prints")
	}
	ctrl.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})))
	environment := &envtest.Environment{
		CRDDirectoryPaths:        []string{crdDirectory},
		ErrorIfCRDPathMissing:    true,
		ControlPlaneStartTimeout: 3 * time.Minute,
		ControlPlaneStopTimeout:  time.Minute,
	}
	config, err := environment.Start()
	if err != nil {
		// What did start would outlive the tests.
		return 1, errors.Join(fmt.Errorf("starting kube-apiserver and etcd: %w", err), environment.Stop())
	}
	defer func() { err = errors.Join(err, environment.Stop()) }()
	config.QPS = -1
	cluster.config, cluster.kubeconfig = config, environment.KubeConfig
	cluster.scheme = runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(cluster.scheme), v1alpha1.AddToScheme(cluster.scheme)); err != nil {
		return 1, err
	}
	return run(), nil
}
