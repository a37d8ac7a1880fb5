// Command diagram draws docs/images/system.svg: the objects that the operator makes of the production
// sample, as internal/stack builds them, and what ties them.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/release"
	"chatpdf.dev/operator/internal/stack"
)

const (
	source = "config/samples/production.yaml"
	target = "docs/images/system.svg"
)

func main() {
	if len(os.Args) > 1 {
		fmt.Printf("Draws %s from %s. Run it in the checkout.\n\nexample: go run ./hack/diagram\n", target, source)
		return
	}
	if err := write(); err != nil {
		fmt.Fprintln(os.Stderr, "diagram:", err)
		os.Exit(1)
	}
}

func write() error {
	raw, err := os.ReadFile(filepath.FromSlash(source))
	if err != nil {
		return fmt.Errorf("%w (run it in the checkout)", err)
	}
	var deployment v1alpha1.ChatPDFDeployment
	if err := yaml.UnmarshalStrict(raw, &deployment); err != nil {
		return err
	}
	deployment.Name, deployment.Namespace = "docs", "team"
	config := stack.Config{AppImage: "chatpdf", MongoDBImage: "mongo:6.0", AgentImage: "chatpdf-dbagent", ClusterDomain: "cluster.local"}
	objects := stack.Build(stack.Input{
		Deployment: &deployment,
		Owner:      metav1.OwnerReference{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ChatPDFDeployment", Name: deployment.Name},
		Release:    stack.Candidate(&deployment, config, release.Content{}),
		Members:    deployment.Spec.MongoDB.Members,
	})
	var svg bytes.Buffer
	draw(&svg, graphOf(objects))
	return os.WriteFile(filepath.FromSlash(target), svg.Bytes(), 0o644)
}
