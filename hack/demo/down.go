package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"

	"chatpdf.dev/operator/hack/rig"
)

// takeDown removes all that the demo made.
func takeDown(ctx context.Context, o options, steps *progress) error {
	checkout := rig.Checkout{Root: o.root, Out: os.Stdout}
	if o.cluster == "local" {
		steps.step("removing the local cluster with everything in it")
		return checkout.Down(ctx, clusterName)
	}
	kubectl, err := exec.LookPath("kubectl")
	if err != nil {
		return errors.New("kubectl is not there: install it, and point it at the cluster of the demo")
	}
	if err := stopForward(strconv.Itoa(o.port)); err != nil {
		return err
	}
	steps.step("removing namespace %s with its ChatPDF and its volumes", demoNamespace)
	if err := deleteNamespace(ctx, kubectl, demoNamespace); err != nil {
		return err
	}
	steps.step("removing the operator")
	if err := (rig.Cluster{Checkout: checkout}).UninstallOperator(ctx); err != nil {
		return err
	}
	if err := deleteNamespace(ctx, kubectl, rig.OperatorNamespace); err != nil {
		return err
	}
	return deleteDefinition(ctx, kubectl, steps)
}

// deleteDefinition removes the custom resource definition, which the chart keeps, if the demo's release
// brought it and nobody has a resource of that kind: with the definition every one of them would go.
func deleteDefinition(ctx context.Context, kubectl string, steps *progress) error {
	const definition = "chatpdfdeployments.chatpdf.dev"
	const owner = `{.metadata.annotations.meta\.helm\.sh/release-namespace}/{.metadata.annotations.meta\.helm\.sh/release-name}`
	asked := exec.CommandContext(ctx, kubectl, "get", "customresourcedefinition", definition, "--ignore-not-found", "-o", "jsonpath="+owner)
	from, err := asked.Output()
	if err != nil {
		return fmt.Errorf("reading the custom resource definition: %w", err)
	}
	if len(from) == 0 {
		return nil
	}
	resources, err := exec.CommandContext(ctx, kubectl, "get", definition, "--all-namespaces", "-o", "name").Output()
	if err != nil {
		return fmt.Errorf("looking for other ChatPDFDeployments: %w", err)
	}
	if string(from) != rig.OperatorNamespace+"/"+rig.OperatorRelease || len(resources) > 0 {
		steps.step("the custom resource definition stays: it serves others")
		return nil
	}
	steps.step("removing the custom resource definition")
	command := exec.CommandContext(ctx, kubectl, "delete", "customresourcedefinition", definition)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("deleting the custom resource definition: %w", err)
	}
	return nil
}

func deleteNamespace(ctx context.Context, kubectl, name string) error {
	command := exec.CommandContext(ctx, kubectl, "delete", "namespace", name, "--ignore-not-found")
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("deleting namespace %s: %w", name, err)
	}
	return nil
}
