//go:build images

// Package images proves on the built tarballs what the images promise. hack/images/test.sh builds them and runs it.
package images

import (
	"bytes"
	"context"
	"debug/elf"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// built is an image under test: the program in it and how to ask that program for its version.
type built struct {
	name, program string
	version       []string
	reference     string
	*archive
}

var (
	operator = built{name: "OPERATOR", program: "/manager", version: []string{"--version"}}
	app      = built{name: "APP", program: "/chatpdf", version: []string{"version"}}
	dbagent  = built{name: "DBAGENT", program: "/dbagent", version: []string{"version"}}
)

// load reads the image; the environment says where it is, in the words of build.sh --print.
func (b built) load(t *testing.T) built {
	t.Helper()
	var err error
	b.reference = os.Getenv(b.name + "_IMAGE")
	if b.archive, err = readArchive(os.Getenv(b.name + "_TAR")); err != nil {
		t.Fatalf("%v (run hack/images/test.sh, which builds the images first)", err)
	}
	return b
}

// each runs a test on all three images.
func each(t *testing.T, test func(*testing.T, built)) {
	t.Helper()
	for _, image := range []built{operator, app, dbagent} {
		t.Run(strings.ToLower(image.name), func(t *testing.T) { test(t, image.load(t)) })
	}
}

// unpack writes the image's program to a directory of the test and answers its path.
func (b built) unpack(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), filepath.Base(b.program))
	if err := os.WriteFile(program, b.files[b.program].content, 0o700); err != nil {
		t.Fatal(err)
	}
	return program
}

func TestImagesRunAsANumericUserThatIsNotRoot(t *testing.T) {
	each(t, func(t *testing.T, image built) {
		// Kubernetes can check runAsNonRoot for a number only.
		if image.config.User != "65532:65532" {
			t.Errorf("runs as %q", image.config.User)
		}
		if !slices.Equal(image.config.Entrypoint, []string{image.program}) {
			t.Errorf("starts %q, not %s", image.config.Entrypoint, image.program)
		}
	})
}

func TestImagesHoldOneProgramAndNoShell(t *testing.T) {
	each(t, func(t *testing.T, image built) {
		for name, file := range image.files {
			if file.mode.IsRegular() && file.mode&0o111 != 0 && name != image.program {
				t.Errorf("%s is executable, too", name)
			}
			if file.mode&(os.ModeSetuid|os.ModeSetgid) != 0 {
				t.Errorf("%s changes the user", name)
			}
		}
		if mode := image.files[image.program].mode; mode.Perm() != 0o555 {
			t.Errorf("%s has mode %v: every user must be able to run it and none to change it", image.program, mode)
		}
	})
}

func TestProgramsNeedNoLibraries(t *testing.T) {
	each(t, func(t *testing.T, image built) {
		program, err := elf.NewFile(bytes.NewReader(image.files[image.program].content))
		if err != nil {
			t.Fatal(err)
		}
		for _, segment := range program.Progs {
			if segment.Type == elf.PT_INTERP {
				t.Error("needs a dynamic linker")
			}
		}
	})
}

func TestProgramsSayTheVersionOfTheirImage(t *testing.T) {
	each(t, func(t *testing.T, image built) {
		version, commit := os.Getenv("VERSION"), os.Getenv("COMMIT")
		if label := image.config.Labels["org.opencontainers.image.version"]; label != version {
			t.Errorf("the image says version %q, not %q", label, version)
		}
		if label := image.config.Labels["org.opencontainers.image.revision"]; label != commit {
			t.Errorf("the image says revision %q, not %q", label, commit)
		}
		command := exec.CommandContext(t.Context(), image.unpack(t), image.version...)
		command.Env = []string{}
		said, err := command.CombinedOutput()
		if err != nil || !strings.Contains(string(said), version) || !strings.Contains(string(said), commit) {
			t.Errorf("%s %s says %q (%v), which lacks %q or %q", image.program, image.version, said, err, version, commit)
		}
	})
}

func TestImagesHoldCertificatesTimeZonesAndATemporaryDirectory(t *testing.T) {
	each(t, func(t *testing.T, image built) {
		if !bytes.Contains(image.files["/etc/ssl/certs/ca-certificates.crt"].content, []byte("BEGIN CERTIFICATE")) {
			t.Error("holds no certificate authorities")
		}
		if _, err := time.LoadLocationFromTZData("Europe/Berlin", image.files["/usr/share/zoneinfo/Europe/Berlin"].content); err != nil {
			t.Errorf("the time zone Europe/Berlin: %v", err)
		}
		if mode := image.files["/tmp"].mode; !mode.IsDir() || mode.Perm() != 0o777 || mode&os.ModeSticky == 0 {
			t.Errorf("/tmp has mode %v", mode)
		}
	})
}

func TestImagesKeepNothingOfTheBuildingMachine(t *testing.T) {
	each(t, func(t *testing.T, image built) {
		for _, variable := range image.config.Env {
			if name, _, _ := strings.Cut(variable, "="); name != "PATH" && name != "SSL_CERT_FILE" {
				t.Errorf("the image sets %s", name)
			}
		}
		if !slices.Contains(image.tags, image.reference) {
			t.Errorf("the tarball holds %q, not %s", image.tags, image.reference)
		}
		for name, file := range image.files {
			if strings.HasPrefix(name, "/run/secrets/") && file.mode.IsRegular() {
				t.Errorf("the secret %s stayed in the image", name)
			}
		}
	})
}

func TestAppImageServesThePage(t *testing.T) {
	address := freeAddress(t)
	command := exec.CommandContext(t.Context(), app.load(t).unpack(t), "frontend")
	command.Env = []string{"LISTEN_ADDRESS=" + address, "METRICS_ADDRESS=" + freeAddress(t), "BACKEND_URL=http://" + freeAddress(t)}
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	page := get(t, "http://"+address+"/", 30*time.Second)
	if err := command.Process.Signal(os.Interrupt); err != nil {
		t.Error(err)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("the frontend ended with %v and said:\n%s", err, said.String())
	}
	if !regexp.MustCompile(`<script type="module"[^>]* src="[^"]*assets/[^"]+-[^"]+\.js"`).MatchString(page) {
		t.Errorf("the frontend serves no built page, but:\n%s", page)
	}
}

// freeAddress answers an address on the loopback that nobody listened on a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// get fetches a URL of a server that is still starting.
func get(t *testing.T, url string, patience time.Duration) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for again := time.NewTicker(50 * time.Millisecond); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			body, err := io.ReadAll(response.Body)
			response.Body.Close()
			if err != nil || response.StatusCode != http.StatusOK {
				t.Fatalf("%s answers %s (%v)", url, response.Status, err)
			}
			return string(body)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("%s does not answer within %v", url, patience)
		}
	}
}
