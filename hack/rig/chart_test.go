package rig

import (
	"slices"
	"testing"
)

func TestReferencesAreSplitIntoTheChartsValues(t *testing.T) {
	for reference, want := range map[string][]string{
		"localhost/chatpdf/chatpdf:abc":             {"image.registry=localhost", "image.repository=chatpdf/chatpdf", "image.tag=abc"},
		"127.0.0.1:5000/team/chatpdf:1.0.0":         {"image.registry=127.0.0.1:5000", "image.repository=team/chatpdf", "image.tag=1.0.0"},
		"registry.example.com:5000/chatpdf":         {"image.registry=registry.example.com:5000", "image.repository=chatpdf", "image.tag="},
		"docker.io/library/mongo:" + MongoDBVersion: {"image.registry=docker.io", "image.repository=library/mongo", "image.tag=" + MongoDBVersion},
	} {
		if got := imageValues("image", reference); !slices.Equal(got, want) {
			t.Errorf("%s became %q, want %q", reference, got, want)
		}
	}
}
