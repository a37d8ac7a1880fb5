package rig

import (
	"context"
	"path/filepath"
	"strings"
)

// InstallOperator installs the chart with the images of the checkout and waits until the operator is
// available.
func (c Cluster) InstallOperator(ctx context.Context, settings ...string) error {
	helm, err := c.output(ctx, c.hack("tools", "tool.sh"), "helm")
	if err != nil {
		return err
	}
	repository, tag := splitReference(c.Images.Operator)
	args := []string{
		"upgrade", "--install", OperatorRelease, filepath.Join("charts", "chatpdf-operator"),
		"--namespace", OperatorNamespace, "--create-namespace", "--wait", "--timeout", "3m", "--hide-notes",
		"--set", "image.registry=", "--set", "image.repository=" + repository, "--set", "image.tag=" + tag,
		"--set", "operands.images.app=" + c.Images.App,
		"--set", "operands.images.dbagent=" + c.Images.DBAgent,
		"--set", "operands.images.mongodb=" + c.MongoDBImage,
	}
	for _, setting := range settings {
		args = append(args, "--set", setting)
	}
	return c.run(ctx, c.environment(), helm, args...)
}

// UninstallOperator removes the chart's release; the custom resource definition stays.
func (c Cluster) UninstallOperator(ctx context.Context) error {
	helm, err := c.output(ctx, c.hack("tools", "tool.sh"), "helm")
	if err != nil {
		return err
	}
	return c.run(ctx, c.environment(), helm, "uninstall", OperatorRelease, "--namespace", OperatorNamespace, "--ignore-not-found")
}

// splitReference splits registry/repository:tag.
func splitReference(reference string) (repository, tag string) {
	if i := strings.LastIndex(reference, ":"); i > strings.LastIndex(reference, "/") {
		return reference[:i], reference[i+1:]
	}
	return reference, ""
}
