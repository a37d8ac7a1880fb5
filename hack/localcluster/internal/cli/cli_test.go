package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"chatpdf.dev/operator/hack/localcluster/internal/cluster"
)

func TestEveryCommandHasAnExample(t *testing.T) {
	for _, cmd := range Root().Commands() {
		if !cmd.Hidden && (cmd.Example == "" || cmd.Short == "") {
			t.Errorf("%s has no example or no description", cmd.Name())
		}
	}
}

func TestARunningClusterIsMeasuredByTheFlagsThatWereGiven(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		fits bool
	}{
		"no flag":           {nil, true},
		"the same":          {[]string{"--nodes=2"}, true},
		"other nodes":       {[]string{"--nodes=3"}, false},
		"other addresses":   {[]string{"--subnet=10.201.0.0/24"}, false},
		"the same, in full": {[]string{"--nodes=2", "--pod-cidr=10.244.0.0/16"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			f, cmd := &shape{}, &cobra.Command{}
			f.register(cmd)
			s := &settings{name: "chatpdf"}
			have, err := f.spec(s, "/state") // of the defaults, but for:
			have.Nodes = 2
			if err == nil {
				err = cmd.ParseFlags(test.args)
			}
			if err != nil {
				t.Fatal(err)
			}
			want, err := f.spec(s, "/state")
			if err != nil {
				t.Fatal(err)
			}
			err = fits(cmd, want, have)
			if (err == nil) != test.fits {
				t.Errorf("got %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), "localcluster down") {
				t.Errorf("%v does not say what to do", err)
			}
		})
	}
}

func TestAnAddressRangeThatIsNoneIsRefused(t *testing.T) {
	f := &shape{nodes: 1, subnet: "10.200.0.0", podCIDR: "10.244.0.0/16", serviceCIDR: "10.96.0.0/16"}
	if _, err := f.spec(&settings{name: "x"}, "/state"); err == nil || !strings.Contains(err.Error(), "--subnet") {
		t.Errorf("got %v", err)
	}
}

func TestTheCacheIsWhereTheEnvironmentSays(t *testing.T) {
	t.Setenv("CHATPDF_CACHE", "/somewhere/cache")
	s := &settings{}
	if err := s.resolve(); err != nil || s.cache != "/somewhere/cache" {
		t.Errorf("the cache is %s (%v)", s.cache, err)
	}
	s = &settings{cache: "given"}
	if err := s.resolve(); err != nil || !filepath.IsAbs(s.cache) || filepath.Base(s.cache) != "given" {
		t.Errorf("the cache is %s (%v)", s.cache, err)
	}
}

func TestStatusOfNoClusterFailsAndSaysHowToStartOne(t *testing.T) {
	root := Root()
	root.SetArgs([]string{"status", "--state", t.TempDir()})
	if err := root.Execute(); err == nil || !strings.Contains(err.Error(), cluster.ErrDown.Error()) {
		t.Errorf("got %v", err)
	}
}

// growing hands what is written to it over, piece by piece.
type growing chan string

func (g growing) Write(p []byte) (int, error) {
	g <- string(p)
	return len(p), nil
}

func TestAFollowedLogGoesOnAlsoAfterItWasEmptied(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	if err := os.WriteFile(path, []byte("the first lines"), 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var once bytes.Buffer
	if err := tail(t.Context(), &once, file, false); err != nil || once.String() != "the first lines" {
		t.Errorf("without following it gave %q (%v)", once.String(), err)
	}
	if _, err := file.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, ended := make(growing), make(chan error, 1)
	go func() { ended <- tail(ctx, out, file, true) }()
	if got := <-out; got != "the first lines" {
		t.Errorf("it began with %q", got)
	}
	if err := os.WriteFile(path, []byte("anew"), 0o644); err != nil { // truncates
		t.Fatal(err)
	}
	if got := <-out; got != "anew" {
		t.Errorf("it went on with %q", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("interrupted, it ended with %v", err)
	}
}
