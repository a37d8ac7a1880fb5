package rig

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Images are the references of the built images and where their tarballs lie.
type Images struct {
	Operator, App, DBAgent          string
	OperatorTar, AppTar, DBAgentTar string
}

// BuildImages builds the images of the checkout, if they are not built already. The tag is settled
// first: an edit during the build changes neither what is built nor what is loaded.
func (c Checkout) BuildImages(ctx context.Context, flags ...string) (Images, error) {
	script := c.hack("images", "build.sh")
	printed, err := c.output(ctx, script, "--print")
	if err != nil {
		return Images{}, err
	}
	values := map[string]string{}
	for line := range strings.Lines(printed) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			values[key] = strings.Trim(value, `"'`)
		}
	}
	built := Images{
		Operator: values["OPERATOR_IMAGE"], OperatorTar: values["OPERATOR_TAR"],
		App: values["APP_IMAGE"], AppTar: values["APP_TAR"],
		DBAgent: values["DBAGENT_IMAGE"], DBAgentTar: values["DBAGENT_TAR"],
	}
	if built.Operator == "" || built.App == "" || built.DBAgent == "" {
		return Images{}, fmt.Errorf("build.sh --print named no images: %q", printed)
	}
	return built, c.run(ctx, []string{"TAG=" + values["TAG"]}, script, flags...)
}

// mongodTar makes the image of mongod for local clusters, once.
func (c Checkout) mongodTar(ctx context.Context, version string) (string, error) {
	tar := filepath.Join(CacheDirectory(), "images", "mongod-"+version+".tar")
	_, err := os.Stat(tar)
	if errors.Is(err, fs.ErrNotExist) {
		err = c.run(ctx, nil, c.hack("localcluster.sh"), "mongod-image", "--version", version, "--output", tar)
	}
	return tar, err
}
