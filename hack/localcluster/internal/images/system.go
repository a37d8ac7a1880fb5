package images

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The images that every node has. They exist nowhere else, so they carry a
// name that no registry answers to.
const (
	Pause         = "localhost/pause:1"
	CoreDNS       = "localhost/coredns:1.15.0"
	MetricsServer = "localhost/metrics-server:0.9.0"
)

// unprivileged is the user of the system images.
const unprivileged = 65532

// System makes sure that the archive of the system images is in the cache, and
// returns its path. Dirs holds the directories of the programs, by part.
func System(ctx context.Context, cache string, dirs map[string]string) (string, error) {
	hash := sha256.New()
	var system []Image
	for _, one := range []struct{ reference, part string }{
		{Pause, "pause"}, {CoreDNS, "coredns"}, {MetricsServer, "metrics-server"},
	} {
		fmt.Fprintln(hash, one.reference, filepath.Base(dirs[one.part]))
		system = append(system, singleProgram(one.reference, filepath.Join(dirs[one.part], one.part)))
	}
	file := filepath.Join(cache, "images", "system-"+hex.EncodeToString(hash.Sum(nil))[:12]+".tar")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	return file, WriteArchive(ctx, file, system...)
}

// singleProgram is an image of one static program, run by nobody special.
func singleProgram(reference, program string) Image {
	target := "/" + filepath.Base(program)
	return Image{
		Reference: reference,
		Files: []File{
			{Path: target, Source: program, Mode: 0o755},
			{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
			{Path: "/etc/passwd", Content: fmt.Sprintf("root:x:0:0::/:\nnonroot:x:%d:%d::/:\n", unprivileged, unprivileged), Mode: 0o644},
		},
		Config: v1.Config{Entrypoint: []string{target}, User: fmt.Sprintf("%d:%d", unprivileged, unprivileged), WorkingDir: "/"},
	}
}
