package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// step is a part of a tier; it shows what it does and counts what it ran.
type step interface {
	run(ctx context.Context, s settings) counts
}

// tier is a kind of tests, with what it needs.
type tier struct {
	name, about string
	steps       []step
}

// waiting is how many tests of a package run at once where most of their time goes into waiting for
// elections and restarts of real servers, on any number of cores.
const waiting = "4"

// onCluster is how many end-to-end tests run at once: their pods share the machine.
const onCluster = "3"

// defaultTiers are what runs when no tier is named; soak is asked for by name.
var defaultTiers = []string{"lint", "unit", "api", "web", "e2e"}

var tiers = []tier{
	{"lint", "vet, linters, generated files", []step{
		check{"go vet", "", []string{"go", "vet", "-tags", "e2e", "./..."}},
		check{"go vet hack/localcluster", "hack/localcluster", []string{"go", "vet", "./..."}},
		check{"golangci-lint", "", []string{"make", "--no-print-directory", "golangci-lint"}},
		check{"generated files are up to date", "", []string{"make", "--no-print-directory", "verify-generated"}},
		check{"npm ci", "", []string{"make", "--no-print-directory", "app/web/node_modules"}},
		check{"svelte-check", webDirectory, []string{"npm", "run", "--silent", "check"}},
		check{"eslint", webDirectory, []string{"npm", "run", "--silent", "lint"}},
	}},
	{"unit", "Go packages with the race detector, against real mongods where a database is needed", []step{
		goTest{list: unitPackages, flags: []string{"-race", "-parallel", waiting, "-timeout", "20m"}, env: mongodEnvironment},
		goTest{dir: "hack/localcluster", packages: []string{"./..."}, flags: []string{"-race", "-count", "1", "-timeout", "10m"}}, // they read files that are not of their module
	}},
	{"api", "a real kube-apiserver and etcd, and real mongods", []step{
		goTest{packages: []string{"./test/api/...", "./hack/chart"}, flags: []string{"-parallel", waiting, "-timeout", "30m"}, env: apiEnvironment},
	}},
	{"web", "the page, in a real browser against the real application", []step{
		check{"npm ci", "", []string{"make", "--no-print-directory", "app/web/node_modules"}},
		npmTests{name: "vitest", script: "test:unit", count: countVitest, args: func(report string) []string {
			return []string{"--reporter=default", "--reporter=json", "--outputFile.json=" + report}
		}},
		check{"page build", webDirectory, []string{"npm", "run", "--silent", "build"}},
		check{"size of the page", webDirectory, []string{"npm", "run", "--silent", "size"}},
		npmTests{name: "playwright", script: "test:page", count: countPlaywright, env: pageEnvironment, args: func(string) []string {
			return []string{"--reporter=list,json"}
		}},
	}},
	{"e2e", "the images, and everything on local clusters with real nodes", []step{
		check{"images", "", []string{"hack/images/test.sh"}},
		goTest{dir: "hack/localcluster", packages: []string{"."}, flags: []string{"-timeout", "20m", "-count", "1"}, env: ownClusters},
		goTest{packages: []string{"./test/e2e/..."}, flags: []string{"-tags", "e2e", "-parallel", onCluster, "-timeout", "60m", "-count", "1", "-v"}, env: clusterEnvironment},
	}},
	{"soak", "what takes longer, with seeds printed: SOAK_SEED repeats them", []step{
		goTest{packages: []string{"./internal/mongodb"}, flags: []string{"-timeout", "2h", "-count", "1", "-run", "Whatever|Majority"}, env: soakSeed},
		goTest{packages: []string{"./test/api"}, flags: []string{"-timeout", "4h", "-count", "1", "-run", "Whatever|Replaced"}, env: soakAPI},
		goTest{packages: []string{"./test/e2e/..."}, flags: []string{"-tags", "e2e,soak", "-timeout", "10h", "-count", "1", "-v", "-run", "Soak|Database"}, env: soakCluster},
	}},
}

func tierNames() []string {
	names := make([]string, 0, len(tiers))
	for _, t := range tiers {
		names = append(names, t.name)
	}
	return names
}

// settings are what every step may need to know.
type settings struct {
	root    string // the checkout
	reports string // directory for the runners' reports
	pattern string // of Go tests to run; empty for all
	seed    uint64 // of what is random in a soak
}

func newSettings(ctx context.Context, pattern string) (settings, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return settings{}, fmt.Errorf("finding the module (run from the checkout): %w", err)
	}
	reports, err := os.MkdirTemp("", "chatpdf-test-reports-")
	if err != nil {
		return settings{}, err
	}
	seed := rand.Uint64()
	if text := os.Getenv("SOAK_SEED"); text != "" {
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			return settings{}, fmt.Errorf("SOAK_SEED is %q: it must be a number", text)
		}
	}
	return settings{root: strings.TrimSpace(string(out)), reports: reports, pattern: pattern, seed: seed}, nil
}

// unitPackages are all packages but those that need a cluster's API. The chart's tests run once, in the API tier: two
// of them need an API server, and the others wait for helm, where a race detector has nothing to see.
func unitPackages(ctx context.Context, s settings) ([]string, error) {
	command := exec.CommandContext(ctx, "go", "list", "./...")
	command.Dir = s.root
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, err
	}
	var packages []string
	for p := range strings.FieldsSeq(string(out)) {
		if !strings.Contains(p, "/test/") && !strings.HasSuffix(p, "/hack/chart") {
			packages = append(packages, p)
		}
	}
	return packages, nil
}

// localcluster runs the local cluster's tool and answers what it printed.
func localcluster(ctx context.Context, s settings, args ...string) (string, error) {
	return script(ctx, s, "localcluster.sh", args...)
}

// script runs one of hack's scripts and answers what it printed.
func script(ctx context.Context, s settings, name string, args ...string) (string, error) {
	command := exec.CommandContext(ctx, filepath.Join(s.root, "hack", name), args...)
	command.Dir = s.root
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("hack/%s %s: %w", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

func mongodEnvironment(ctx context.Context, s settings) ([]string, error) {
	directory, err := localcluster(ctx, s, "mongod")
	if err != nil {
		return nil, err
	}
	return []string{"MONGOD_BIN=" + filepath.Join(directory, "bin", "mongod")}, nil
}

func apiEnvironment(ctx context.Context, s settings) ([]string, error) {
	environment, err := mongodEnvironment(ctx, s)
	if err != nil {
		return nil, err
	}
	directory, err := localcluster(ctx, s, "build", "--print-dir", "kubernetes", "etcd")
	if err != nil {
		return nil, err
	}
	certManager, err := script(ctx, s, "tools/tool.sh", "certmanager")
	if err != nil {
		return nil, err
	}
	return append(environment, "KUBEBUILDER_ASSETS="+directory, "CERT_MANAGER_BIN="+certManager), nil
}

func pageEnvironment(ctx context.Context, s settings, report string) ([]string, error) {
	environment, err := mongodEnvironment(ctx, s)
	if err != nil {
		return nil, err
	}
	binary := filepath.Join(s.reports, "chatpdf")
	if err := stream(ctx, s, "", nil, "go", "build", "-o", binary, "./app"); err != nil {
		return nil, fmt.Errorf("building the application: %w", err)
	}
	browser, err := script(ctx, s, "tools/chromium.sh")
	if err != nil {
		return nil, fmt.Errorf("finding a browser: %w", err)
	}
	return append(environment, "CHROMIUM_BIN="+browser, "CHATPDF_BIN="+binary, "PLAYWRIGHT_JSON_OUTPUT_NAME="+report), nil
}

// ownClusters has the tests of the local cluster bring up clusters, of parts that are built by then.
func ownClusters(ctx context.Context, s settings) ([]string, error) {
	if _, err := localcluster(ctx, s, "build"); err != nil {
		return nil, err
	}
	return []string{"LOCALCLUSTER_E2E=1"}, nil
}

// soakSeed repeats the seed of the environment, or is another one each time.
func soakSeed(_ context.Context, s settings) ([]string, error) {
	fmt.Printf("     SOAK_SEED=%d repeats what is random here\n", s.seed)
	return []string{fmt.Sprintf("SOAK_SEED=%d", s.seed)}, nil
}

func soakAPI(ctx context.Context, s settings) ([]string, error) {
	seed, _ := soakSeed(ctx, s)
	environment, err := apiEnvironment(ctx, s)
	return append(environment, seed...), err
}

// soakCluster has every test do all that it can.
func soakCluster(ctx context.Context, s settings) ([]string, error) {
	seed, _ := soakSeed(ctx, s)
	environment, err := clusterEnvironment(ctx, s)
	return append(append(environment, "E2E_THOROUGH=1"), seed...), err
}

// clusterEnvironment has tests that were asked for by name do all that they can.
func clusterEnvironment(_ context.Context, s settings) ([]string, error) {
	environment := []string{"CHATPDF_ROOT=" + s.root}
	if s.pattern != "" {
		environment = append(environment, "E2E_THOROUGH=1")
	}
	return environment, nil
}
