package parts

import (
	"cmp"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestEveryPartIsPinnedToTheVersionItIsNamedBy(t *testing.T) {
	for _, p := range All() {
		t.Run(p.Name, func(t *testing.T) {
			files, err := p.sources()
			if err != nil {
				t.Fatal(err)
			}
			module := string(files["go.mod"])
			if module == "" {
				t.Fatal("it has no go.mod")
			}
			if p.Name == "pause" {
				return // our own
			}
			if !regexp.MustCompile(`(?m) v` + regexp.QuoteMeta(p.Version) + `( // indirect)?$`).MatchString(module) {
				t.Errorf("its go.mod requires nothing of version %s", p.Version)
			}
			if len(files["go.sum"]) == 0 {
				t.Error("its dependencies have no checksums")
			}
			for _, pkg := range p.Programs {
				known := strings.Contains(module, pkg) || strings.HasPrefix(pkg, "localcluster.parts/")
				if !known {
					t.Errorf("its go.mod does not name %s, so go mod tidy would drop what it needs", pkg)
				}
			}
		})
	}
}

// Client-go, grpc and OpenTelemetry alone are most of what several parts are compiled from. Each further version of
// one module is compiled again, with everything that imports it: minutes on a new machine.
func TestWhatIsBuiltOnANewMachineIsCompiledFromOneVersionOfEachModule(t *testing.T) {
	modules := map[string]string{}
	for _, p := range All() {
		if !p.Essential {
			continue
		}
		files, err := p.sources()
		if err != nil {
			t.Fatal(err)
		}
		modules[p.Name] = string(files["go.mod"])
	}
	tools := filepath.Join("..", "..", "..", "tools")
	for _, name := range []string{"helm", "certmanager"} {
		content, err := os.ReadFile(filepath.Join(tools, name, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		modules[name] = string(content)
	}
	requirement := regexp.MustCompile(`(?m)^(?:\t|require )(\S+\.\S+) (v\S+)( // indirect)?$`)
	replacement := regexp.MustCompile(`(?m)^(?:\t|replace )(\S+) => \S+ (v\S+)$`)
	versions, users := map[string]string{}, map[string]string{}
	shared := 0
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		replaced := map[string]string{}
		for _, line := range replacement.FindAllStringSubmatch(modules[name], -1) {
			replaced[line[1]] = line[2]
		}
		for _, line := range requirement.FindAllStringSubmatch(modules[name], -1) {
			module, version := line[1], cmp.Or(replaced[line[1]], line[2])
			first, seen := versions[module]
			if !seen {
				versions[module], users[module] = version, name
				continue
			}
			shared++
			if version != first {
				t.Errorf("%s has %s %s, and %s has %s: take the newer in both", name, module, version, users[module], first)
			}
		}
	}
	if shared == 0 {
		t.Error("no module was found in two parts: the pattern reads nothing")
	}
}

func TestKubernetesIsStampedWithItsVersion(t *testing.T) {
	kubernetes, err := Named([]string{"kubernetes"})
	if err != nil {
		t.Fatal(err)
	}
	args := strings.Join(kubernetes[0].buildArgs("/out"), " ")
	if !strings.Contains(args, "-X k8s.io/component-base/version.gitVersion=v"+kubernetes[0].Version) {
		t.Errorf("kubectl would report v0.0.0: %s", args)
	}
}

func TestBuildArgumentsLeaveNothingToChance(t *testing.T) {
	p := Part{
		Name: "x", Programs: map[string]string{"b": "example.com/b", "a": "example.com/a"},
		Tags: []string{"one", "two"}, Variables: map[string]string{"v": "1"},
	}
	got := p.buildArgs("/out")
	want := []string{"build", "-v", "-mod=readonly", "-buildvcs=false", "-trimpath", "-gcflags=all=-dwarf=false",
		"-ldflags=-s -w -X v=1", "-tags=one,two", "-o", "/out/", "example.com/a", "example.com/b"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestAnotherFlagIsAnotherDirectory(t *testing.T) {
	for _, p := range All() {
		before, err := p.key()
		if err != nil {
			t.Fatal(err)
		}
		p.Tags = append(slices.Clone(p.Tags), "another")
		if after, err := p.key(); err != nil || after == before {
			t.Errorf("%s keeps its directory %s with another tag (%v)", p.Name, before, err)
		}
	}
}

func TestDefaultNamesAreThoseOfTheGoCommand(t *testing.T) {
	for pkg, want := range map[string]string{
		"go.etcd.io/etcd/server/v3":     "server",
		"k8s.io/kubernetes/cmd/kubectl": "kubectl",
		"example.com/tool/cmd/v2ray":    "v2ray",
	} {
		if got := defaultName(pkg); got != want {
			t.Errorf("%s is called %s, not %s", pkg, got, want)
		}
	}
}

func TestUnknownPartIsAnsweredWithTheKnownOnes(t *testing.T) {
	if _, err := Named([]string{"etcd", "kubernete"}); err == nil || !strings.Contains(err.Error(), "kubernetes") {
		t.Errorf("got %v", err)
	}
}

func TestAssembledDirectoryHoldsEveryProgram(t *testing.T) {
	b := Builder{Cache: t.TempDir()}
	wanted := []Part{
		{Name: "one", Programs: map[string]string{"a": "", "b": ""}},
		{Name: "two", Programs: map[string]string{"c": ""}},
	}
	dirs := map[string]string{}
	for _, p := range wanted {
		dirs[p.Name] = filepath.Join(b.Cache, "bin", p.Name)
		if err := os.MkdirAll(dirs[p.Name], 0o755); err != nil {
			t.Fatal(err)
		}
		for program := range p.Programs {
			if err := os.WriteFile(filepath.Join(dirs[p.Name], program), []byte(program), 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	first, err := b.Assemble(wanted, dirs)
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"a", "b", "c"} {
		if content, err := os.ReadFile(filepath.Join(first, program)); err != nil || string(content) != program {
			t.Errorf("%s holds %q (%v)", program, content, err)
		}
	}
	if again, err := b.Assemble(wanted, dirs); err != nil || again != first {
		t.Errorf("a second time it is %s (%v), not %s", again, err, first)
	}
}
