package rig

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
)

// InstallOperator installs the chart with the images of the checkout and waits until the operator is
// available.
func (c Cluster) InstallOperator(ctx context.Context, settings ...string) error {
	helm, err := c.output(ctx, c.hack("tools", "tool.sh"), "helm")
	if err != nil {
		return err
	}
	args := []string{
		"upgrade", "--install", OperatorRelease, filepath.Join("charts", "chatpdf-operator"),
		"--namespace", OperatorNamespace, "--create-namespace", "--wait", "--timeout", "3m", "--hide-notes",
	}
	settings = append(slices.Concat(
		imageValues("image", c.Images.Operator),
		ImageSettings("app", c.Images.App),
		ImageSettings("dbagent", c.Images.DBAgent),
		ImageSettings("mongodb", c.MongoDBImage),
	), settings...)
	for _, setting := range settings {
		args = append(args, "--set-string", setting)
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

// ImageSettings are the chart's values for an image of what the operator deploys: app, dbagent or mongodb.
func ImageSettings(image, reference string) []string {
	return imageValues("operands.images."+image, reference)
}

// imageValues are the chart's values for an image given as registry/repository:tag.
func imageValues(prefix, reference string) []string {
	name, tag := reference, ""
	if i := strings.LastIndex(reference, ":"); i > strings.LastIndex(reference, "/") {
		name, tag = reference[:i], reference[i+1:]
	}
	registry, repository, _ := strings.Cut(name, "/")
	return []string{prefix + ".registry=" + registry, prefix + ".repository=" + repository, prefix + ".tag=" + tag}
}
