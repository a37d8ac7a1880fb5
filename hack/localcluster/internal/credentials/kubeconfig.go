package credentials

import (
	"encoding/base64"
	"fmt"

	"chatpdf.dev/operator/hack/localcluster/internal/pki"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// kubeconfig holds everything inline, so that the file can be copied anywhere
// on the machine. Cluster, user and context carry the cluster's name.
func kubeconfig(s spec.Spec, authority *pki.Authority, user pki.Pair) []byte {
	encode := base64.StdEncoding.EncodeToString
	return fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters:
- name: %[1]s
  cluster:
    server: %[2]s
    certificate-authority-data: %[3]s
users:
- name: %[1]s
  user:
    client-certificate-data: %[4]s
    client-key-data: %[5]s
contexts:
- name: %[1]s
  context: {cluster: %[1]s, user: %[1]s}
current-context: %[1]s
`, s.Name, s.APIServer(), encode(authority.PEM()), encode(user.Certificate), encode(user.Key))
}
