package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"chatpdf.dev/operator/hack/localcluster/internal/console"
	"chatpdf.dev/operator/hack/localcluster/internal/images"
	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// importTimeout bounds the import of one archive on one node.
const importTimeout = 10 * time.Minute

// Load imports image archives into every node. A node that has all images of
// an archive, with the same content, is left alone.
func (c Cluster) Load(ctx context.Context, files []string) error {
	lock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer c.unlock(lock)
	s, err := c.Spec()
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := c.loadOne(ctx, s, file); err != nil {
			return err
		}
	}
	return nil
}

func (c Cluster) loadOne(ctx context.Context, s spec.Spec, file string) error {
	archived, err := images.List(file)
	if err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("looking at %s: %w", file, err)
	}
	name := fmt.Sprintf("%s, %d MB", describe(file, archived), info.Size()/1e6)
	return c.Console.Step(name, func(step *console.Step) error {
		outcomes := make([]bool, s.Nodes)
		errs := make([]error, s.Nodes)
		var nodes sync.WaitGroup
		for i := range s.Nodes {
			nodes.Go(func() { outcomes[i], errs[i] = importInto(ctx, s, i+1, file, archived) })
		}
		nodes.Wait()
		imported := 0
		for _, done := range outcomes {
			if done {
				imported++
			}
		}
		switch {
		case imported == 0:
			step.Report("there already")
		default:
			step.Report("into %d of %d node(s)", imported, s.Nodes)
		}
		return errors.Join(errs...)
	})
}

func describe(file string, archived []images.Archived) string {
	if len(archived) == 0 {
		return file
	}
	var names []string
	for _, image := range archived {
		names = append(names, image.Reference)
	}
	return strings.Join(names, ", ")
}

// importInto imports an archive into one node, unless all of it is there.
func importInto(ctx context.Context, s spec.Spec, i int, file string, archived []images.Archived) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, importTimeout)
	defer cancel()
	listing, err := ctr(ctx, s, i, "images", "list")
	if err != nil {
		return false, err
	}
	have := targets(listing)
	absent := func(image images.Archived) bool {
		target := have[image.Reference]
		// Kubernetes names an image by its ID too, and both names lead to the
		// same content if and only if the node has this very image.
		return target == "" || have[image.ID] != target
	}
	if len(archived) > 0 && !slices.ContainsFunc(archived, absent) {
		return false, nil
	}
	_, err = ctr(ctx, s, i, "images", "import", file)
	return err == nil, err
}

// targets reads ctr's list of images: what digest does each name lead to?
func targets(listing string) map[string]string {
	have := map[string]string{}
	for line := range strings.Lines(listing) {
		if fields := strings.Fields(line); len(fields) > 2 && strings.HasPrefix(fields[2], "sha256:") {
			have[fields[0]] = fields[2]
		}
	}
	return have
}

func ctr(ctx context.Context, s spec.Spec, i int, args ...string) (string, error) {
	all := append([]string{"--address=" + s.Containerd(i), "--namespace=k8s.io"}, args...)
	output, err := exec.CommandContext(ctx, s.Program("ctr"), all...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ctr %s on %s: %w\n%s", strings.Join(args, " "), spec.NodeName(i), err, strings.TrimSpace(string(output)))
	}
	return string(output), nil
}
