// Package credentials writes the keys, certificates and kubeconfigs of one
// cluster. Every program has an identity of its own, so that what it may do is
// what it may do on any cluster.
package credentials

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"chatpdf.dev/operator/hack/localcluster/internal/pki"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

const administrators = "system:masters"

// Write makes everything anew.
func Write(s spec.Spec) error {
	if err := os.MkdirAll(s.PKI(), 0o700); err != nil {
		return fmt.Errorf("making the directory of the cluster's keys: %w", err)
	}
	authority, err := writeAuthorities(s)
	if err != nil {
		return err
	}
	for name, id := range servers(s) {
		if err := issue(s, authority, name, id); err != nil {
			return err
		}
	}
	for name, id := range users(s) {
		pair, err := authority.Issue(id)
		if err != nil {
			return err
		}
		if err := os.WriteFile(s.Kubeconfig(name), kubeconfig(s, authority, pair), 0o600); err != nil {
			return fmt.Errorf("writing the kubeconfig of %s: %w", name, err)
		}
	}
	pair, err := authority.Issue(pki.Identity{User: "admin", Groups: []string{administrators}})
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.AdminKubeconfig(), kubeconfig(s, authority, pair), 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	return nil
}

// writeAuthorities makes the cluster's authority, the separate one that the
// API server shows to extension servers, and the key of the tokens.
func writeAuthorities(s spec.Spec) (*pki.Authority, error) {
	authority, err := pki.NewAuthority("kubernetes")
	if err != nil {
		return nil, err
	}
	frontProxy, err := pki.NewAuthority("front-proxy-ca")
	if err != nil {
		return nil, err
	}
	key, err := authority.Key()
	if err != nil {
		return nil, err
	}
	private, public, err := pki.SigningKey()
	if err != nil {
		return nil, err
	}
	err = errors.Join(
		pki.Pair{Certificate: authority.PEM(), Key: key}.Write(s.PKI(), "ca"),
		os.WriteFile(filepath.Join(s.PKI(), "front-proxy-ca.crt"), frontProxy.PEM(), 0o644),
		os.WriteFile(filepath.Join(s.PKI(), "service-accounts.key"), private, 0o600),
		os.WriteFile(filepath.Join(s.PKI(), "service-accounts.pub"), public, 0o644),
		issue(s, frontProxy, "front-proxy", pki.Identity{User: "front-proxy"}),
	)
	if err != nil {
		return nil, fmt.Errorf("writing the cluster's authorities: %w", err)
	}
	return authority, nil
}

func issue(s spec.Spec, authority *pki.Authority, name string, id pki.Identity) error {
	pair, err := authority.Issue(id)
	if err != nil {
		return err
	}
	if err := pair.Write(s.PKI(), name); err != nil {
		return fmt.Errorf("writing the certificate of %s: %w", name, err)
	}
	return nil
}

// servers are the identities that are used as certificate files.
func servers(s spec.Spec) map[string]pki.Identity {
	ids := map[string]pki.Identity{
		"apiserver": {
			User: "kube-apiserver",
			Names: []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
				"kubernetes.default.svc.cluster.local"},
			Addresses: []net.IP{net.IPv4(127, 0, 0, 1), s.KubernetesService().AsSlice(), s.Box().AsSlice()},
		},
		"apiserver-kubelet-client": {User: "kube-apiserver-kubelet-client", Groups: []string{administrators}},
	}
	for i := 1; i <= s.Nodes; i++ {
		ids["kubelet-"+spec.NodeName(i)] = pki.Identity{
			User: spec.NodeName(i), Names: []string{spec.NodeName(i)}, Addresses: []net.IP{s.Node(i).AsSlice()},
		}
	}
	return ids
}

// users are the identities that are used as kubeconfigs.
func users(s spec.Spec) map[string]pki.Identity {
	ids := map[string]pki.Identity{
		"kube-controller-manager": {User: "system:kube-controller-manager"},
		"kube-scheduler":          {User: "system:kube-scheduler"},
		"kube-proxy":              {User: "system:kube-proxy"},
		"provisioner":             {User: "localcluster:provisioner"},
	}
	for i := 1; i <= s.Nodes; i++ {
		ids["kubelet-"+spec.NodeName(i)] = pki.Identity{
			User: "system:node:" + spec.NodeName(i), Groups: []string{"system:nodes"},
		}
	}
	return ids
}
