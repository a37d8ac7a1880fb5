package main

import (
	"context"
	"strings"
	"testing"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestAWrongModelServerIsRefusedBeforeAnythingIsBuilt(t *testing.T) {
	for name, test := range map[string]struct {
		values map[string]string
		want   string
	}{
		"nothing":                 {nil, ""},
		"a key alone":             {map[string]string{"OPENAI_API_KEY": "k"}, ""},
		"a server of one's own":   {map[string]string{"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "http://localhost:8000/v1"}, ""},
		"a server without a key":  {map[string]string{"OPENAI_BASE_URL": "http://localhost:8000/v1"}, "give a key"},
		"no scheme":               {map[string]string{"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "localhost:8000/v1"}, "OPENAI_BASE_URL must look like"},
		"a password in the URL":   {map[string]string{"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://me:hunter2@example.com/v1"}, "without user"},
		"a query behind the path": {map[string]string{"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://example.com/v1?key=hunter2"}, "query"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := modelOf(environment(test.values))
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "hunter2")):
				t.Errorf("got %v, want an error that says %q and no password", err, test.want)
			}
		})
	}
}

func TestPodsAreGivenAURLThatTheyReach(t *testing.T) {
	// As localcluster relay answers: names stay what they are, addresses become one of the host's.
	relay := func(_ context.Context, target string) (string, error) {
		for _, own := range []string{"127.0.0.1", "localhost"} {
			if rest, found := strings.CutPrefix(target, own); found {
				return "10.200.0.253" + rest, nil
			}
		}
		return target, nil
	}
	for base, want := range map[string]string{
		"":                                "https://api.openai.com/v1",
		"https://models.example.com/v1":   "https://models.example.com/v1",
		"http://127.0.0.1:8000/v1":        "http://10.200.0.253:8000/v1",
		"http://localhost/api/v1":         "http://10.200.0.253:80/api/v1",
		"http://model-server.lan:8000/v1": "http://model-server.lan:8000/v1",
	} {
		got, err := model{apiKey: "k", baseURL: base}.through(t.Context(), relay)
		if err != nil || got != want {
			t.Errorf("%q became %q (%v), want %q", base, got, err, want)
		}
	}
	if got, err := (model{apiKey: "k", baseURL: "https://127.0.0.1:8443/v1"}).through(t.Context(), relay); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("https under another address became %q (%v)", got, err)
	}
}
