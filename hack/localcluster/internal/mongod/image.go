package mongod

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"chatpdf.dev/operator/hack/localcluster/internal/images"
)

// user is the user and group of the image, the same as in the official one.
const user = 999

// libraryDir is where the dynamic linker of Debian looks by itself.
const libraryDir = "/usr/lib/x86_64-linux-gnu"

// Reference is the name of a version's image.
func (v Version) Reference() string { return "docker.io/library/mongo:" + v.Number }

// WriteImage writes the image of a version, whose directory is dir, to file:
// mongod, every library that it loads, the dynamic linker, and no shell.
func WriteImage(ctx context.Context, v Version, dir, file string) error {
	program := filepath.Join(dir, "bin", "mongod")
	if v.OldOpenSSL {
		program = filepath.Join(dir, "lib", "mongod")
	}
	files := []images.File{
		{Path: "/usr/bin/mongod", Source: program, Mode: 0o755},
		{Path: "/etc/passwd", Content: fmt.Sprintf("root:x:0:0:root:/:\nmongodb:x:%d:%d:mongodb:/data/db:\n", user, user), Mode: 0o644},
		{Path: "/etc/group", Content: fmt.Sprintf("root:x:0:\nmongodb:x:%d:\n", user), Mode: 0o644},
		{Path: "/etc/nsswitch.conf", Content: "passwd: files\ngroup: files\nhosts: files dns\n", Mode: 0o644},
		{Path: "/tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Path: "/data/db", Mode: fs.ModeDir | 0o755, UID: user, GID: user},
		{Path: "/data/configdb", Mode: fs.ModeDir | 0o755, UID: user, GID: user},
	}
	linker, loaded, err := closure(program, append([]string{filepath.Join(dir, "lib")}, systemDirs...))
	if err != nil {
		return fmt.Errorf("finding the libraries of mongod: %w", err)
	}
	files = append(files, images.File{Path: linker, Source: linker, Mode: 0o755})
	for name, source := range loaded {
		if name != filepath.Base(linker) {
			files = append(files, images.File{Path: filepath.Join(libraryDir, name), Source: source, Mode: 0o755})
		}
	}
	return images.WriteArchive(ctx, file, images.Image{
		Reference: v.Reference(),
		Files:     files,
		Config: v1.Config{
			User:         fmt.Sprintf("%d:%d", user, user),
			Env:          []string{"PATH=/usr/bin"},
			Cmd:          []string{"mongod"},
			WorkingDir:   "/",
			ExposedPorts: map[string]struct{}{"27017/tcp": {}},
			Volumes:      map[string]struct{}{"/data/db": {}, "/data/configdb": {}},
		},
	})
}

// systemDirs are searched for libraries in this order.
var systemDirs = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"}

// closure returns the dynamic linker of a program and all libraries that it
// loads, directly or through others, by name. Unlike ldd it does not run it.
func closure(program string, dirs []string) (linker string, loaded map[string]string, err error) {
	loaded = map[string]string{}
	queue := []string{program}
	for len(queue) > 0 {
		file := queue[0]
		queue = queue[1:]
		names, interpreter, err := imports(file)
		if err != nil {
			return "", nil, err
		}
		if interpreter != "" && linker == "" {
			linker = interpreter
		}
		for _, name := range names {
			if loaded[name] != "" {
				continue
			}
			source, err := locate(name, dirs)
			if err != nil {
				return "", nil, fmt.Errorf("%s needs %s: %w", filepath.Base(file), name, err)
			}
			loaded[name] = source
			queue = append(queue, source)
		}
	}
	if linker == "" {
		return "", nil, fmt.Errorf("%s names no dynamic linker", filepath.Base(program))
	}
	return linker, loaded, nil
}

// imports returns the libraries that an ELF file asks for, and the dynamic
// linker if it names one.
func imports(file string) (names []string, interpreter string, err error) {
	object, err := elf.Open(file)
	if err != nil {
		return nil, "", fmt.Errorf("reading %s: %w", file, err)
	}
	defer object.Close()
	if names, err = object.ImportedLibraries(); err != nil {
		return nil, "", fmt.Errorf("reading %s: %w", file, err)
	}
	at := slices.IndexFunc(object.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
	if at < 0 {
		return names, "", nil
	}
	text := make([]byte, object.Progs[at].Filesz)
	if _, err := object.Progs[at].ReadAt(text, 0); err != nil {
		return nil, "", fmt.Errorf("reading %s: %w", file, err)
	}
	return names, string(text[:max(0, len(text)-1)]), nil
}

func locate(name string, dirs []string) (string, error) {
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", errors.New("it is in none of the places where libraries are")
}
