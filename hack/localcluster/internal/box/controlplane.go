package box

import (
	"path/filepath"

	"chatpdf.dev/operator/hack/localcluster/internal/spec"
	"chatpdf.dev/operator/hack/localcluster/internal/supervise"
)

func program(s spec.Spec, name string, args ...string) supervise.Program {
	return supervise.Program{
		Name: name,
		Argv: append([]string{s.Program(name)}, args...),
		Env:  environment(),
		Log:  s.Log(name),
	}
}

const etcdURL = "http://127.0.0.1:2379"

func etcd(s spec.Spec) supervise.Program {
	return program(s, "etcd",
		"--data-dir="+filepath.Join(s.Dir, "etcd"),
		"--listen-client-urls="+etcdURL,
		"--advertise-client-urls="+etcdURL,
		"--listen-peer-urls=http://127.0.0.1:2380",
		// The data lives no longer than the cluster.
		"--unsafe-no-fsync",
	)
}

func apiServer(s spec.Spec) supervise.Program {
	pki := func(file string) string { return filepath.Join(s.PKI(), file) }
	return program(s, "kube-apiserver",
		"--etcd-servers="+etcdURL,
		"--advertise-address="+s.Box().String(),
		"--secure-port=6443",
		"--service-cluster-ip-range="+s.ServiceCIDR.String(),
		"--allow-privileged",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--client-ca-file="+pki("ca.crt"),
		"--tls-cert-file="+pki("apiserver.crt"),
		"--tls-private-key-file="+pki("apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-signing-key-file="+pki("service-accounts.key"),
		"--service-account-key-file="+pki("service-accounts.pub"),
		"--kubelet-certificate-authority="+pki("ca.crt"),
		"--kubelet-client-certificate="+pki("apiserver-kubelet-client.crt"),
		"--kubelet-client-key="+pki("apiserver-kubelet-client.key"),
		// Node names do not resolve here.
		"--kubelet-preferred-address-types=InternalIP",
		// kube-proxy does not run beside the API server, so it calls the pods
		// behind a Service (metrics-server, webhooks) by their own addresses.
		"--enable-aggregator-routing",
		"--requestheader-client-ca-file="+pki("front-proxy-ca.crt"),
		"--requestheader-allowed-names=front-proxy",
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file="+pki("front-proxy.crt"),
		"--proxy-client-key-file="+pki("front-proxy.key"),
	)
}

func controllerManager(s spec.Spec) supervise.Program {
	pki := func(file string) string { return filepath.Join(s.PKI(), file) }
	return program(s, "kube-controller-manager",
		"--kubeconfig="+s.Kubeconfig("kube-controller-manager"),
		"--leader-elect=false",
		"--use-service-account-credentials",
		"--root-ca-file="+pki("ca.crt"),
		"--service-account-private-key-file="+pki("service-accounts.key"),
		"--cluster-signing-cert-file="+pki("ca.crt"),
		"--cluster-signing-key-file="+pki("ca.key"),
		// Every controller fetches a token of its own as it starts: the default
		// rate makes that five seconds.
		"--kube-api-qps=200",
		"--kube-api-burst=400",
		// Its default would be made on the host.
		"--flex-volume-plugin-dir=/run/flex-volumes",
		// Autoscaling is tried out in seconds here, not in minutes.
		"--horizontal-pod-autoscaler-sync-period=5s",
		"--horizontal-pod-autoscaler-downscale-stabilization=15s",
		"--horizontal-pod-autoscaler-cpu-initialization-period=20s",
		"--horizontal-pod-autoscaler-initial-readiness-delay=5s",
	)
}

func scheduler(s spec.Spec) supervise.Program {
	return program(s, "kube-scheduler",
		"--kubeconfig="+s.Kubeconfig("kube-scheduler"),
		"--leader-elect=false",
	)
}
