package invoker

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDirectoriesAreTheInvokers(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/xdg/cache")
	own := Invoker{UID: os.Getuid(), Home: "/home/me"}
	if got := own.Directory("XDG_CACHE_HOME", ".cache"); got != "/xdg/cache/chatpdf-operator" {
		t.Errorf("got %s", got)
	}
	// Behind sudo the variable is root's.
	behind := Invoker{UID: os.Getuid() + 1, Home: "/home/other"}
	if got := behind.Directory("XDG_CACHE_HOME", ".cache"); got != "/home/other/.cache/chatpdf-operator" {
		t.Errorf("got %s", got)
	}
	t.Setenv("XDG_CACHE_HOME", "relative")
	if got := own.Directory("XDG_CACHE_HOME", ".cache"); got != "/home/me/.cache/chatpdf-operator" {
		t.Errorf("a relative path counts, against the specification: %s", got)
	}
}

func TestCurrentIsThePersonBehindSudo(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can be behind sudo")
	}
	t.Setenv("SUDO_UID", "1")
	t.Setenv("SUDO_GID", "1")
	who, err := Current()
	if err != nil || who.UID != 1 || who.GID != 1 || who.Home == os.Getenv("HOME") {
		t.Errorf("got %+v (%v)", who, err)
	}
	t.Setenv("SUDO_UID", "nobody")
	if who, err := Current(); err == nil {
		t.Errorf("got %+v", who)
	}
}

func TestDirectoriesMadeAreHandedOver(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	me := Invoker{UID: os.Getuid(), GID: os.Getgid()}
	for range 2 {
		if err := me.MakeDirectory(dir); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := me.MakeDirectory(filepath.Join(file, "below")); err == nil {
		t.Error("a directory was made below a file")
	}
}
