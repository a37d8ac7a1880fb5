package main

import (
	"errors"
	"flag"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func nothing(string) string { return "" }

func TestFlagsWinOverEnvironmentAndEnvironmentOverDefaults(t *testing.T) {
	environment := func(name string) string {
		return map[string]string{"APP_IMAGE": "env/app:1", "DBAGENT_IMAGE": "env/agent:1"}[name]
	}
	o, err := parse([]string{"--app-image=flag/app:2", "--watch-namespaces=a, b,", "--log-level=debug"}, environment, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.config.AppImage != "flag/app:2" || o.config.AgentImage != "env/agent:1" || o.config.MongoDBImage != "docker.io/library/mongo:6.0.5" {
		t.Errorf("images are %+v", o.config)
	}
	if !slices.Equal(o.namespaces, []string{"a", "b"}) || o.logLevel != slog.LevelDebug || o.config.ClusterDomain != "cluster.local" {
		t.Errorf("options are %+v", o)
	}
	if namespaces := cacheOptions(nil).DefaultNamespaces; namespaces != nil {
		t.Errorf("without --watch-namespaces it works in %v alone", namespaces)
	}
}

func TestAWrongFlagIsASentence(t *testing.T) {
	for argument, says := range map[string]string{
		"--max-concurrent-reconciles=0": "must be 1 or more",
		"--log-format=xml":              "must be json or text",
		"--log-level=loud":              "invalid value",
		"--watch-namespace=a":           "not defined",
		"start":                         `unexpected argument "start"`,
	} {
		if _, err := parse([]string{argument}, nothing, io.Discard); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s ends with %v, want %q", argument, err, says)
		}
	}
	if _, err := parse([]string{"--help"}, nothing, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("--help ends with %v", err)
	}
}

func TestBothLogFormatsLogAtTheirLevel(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		o, err := parse([]string{"--log-format=" + format, "--log-level=warn"}, nothing, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if h := o.logHandler(io.Discard); h.Enabled(t.Context(), slog.LevelInfo) || !h.Enabled(t.Context(), slog.LevelWarn) {
			t.Errorf("%s logs at another level", format)
		}
	}
}
