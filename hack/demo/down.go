package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"

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
	if err := stopForward(); err != nil {
		return err
	}
	steps.step("removing namespace %s with its ChatPDF and its volumes", demoNamespace)
	if err := deleteNamespace(ctx, kubectl, demoNamespace); err != nil {
		return err
	}
	steps.step("removing the operator; the custom resource definition stays, for it may serve others")
	if err := (rig.Cluster{Checkout: checkout}).UninstallOperator(ctx); err != nil {
		return err
	}
	return deleteNamespace(ctx, kubectl, rig.OperatorNamespace)
}

func deleteNamespace(ctx context.Context, kubectl, name string) error {
	command := exec.CommandContext(ctx, kubectl, "delete", "namespace", name, "--ignore-not-found")
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("deleting namespace %s: %w", name, err)
	}
	return nil
}
