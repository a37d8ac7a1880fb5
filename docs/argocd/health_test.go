// Package argocd tests what this directory gives to Argo CD, with the Lua that Argo CD embeds.
package argocd

import (
	"os"
	"path/filepath"
	"testing"

	lua "github.com/yuin/gopher-lua"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"chatpdf.dev/operator/api/v1alpha1"
)

type healthStatus struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestHealthIsWhatArgoCDShouldShow(t *testing.T) {
	var suite struct {
		Tests []struct {
			HealthStatus healthStatus `json:"healthStatus"`
			InputPath    string       `json:"inputPath"`
		} `json:"tests"`
	}
	if err := yaml.UnmarshalStrict(read(t, "health_test.yaml"), &suite); err != nil {
		t.Fatal(err)
	}
	inputs, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(inputs) != len(suite.Tests) {
		t.Errorf("%d inputs and %d tests, want one for each: %v", len(inputs), len(suite.Tests), err)
	}
	script := string(read(t, "health.lua"))
	for _, test := range suite.Tests {
		t.Run(test.InputPath, func(t *testing.T) {
			input := read(t, test.InputPath)
			if err := yaml.UnmarshalStrict(input, &v1alpha1.ChatPDFDeployment{}); err != nil {
				t.Errorf("this is no ChatPDFDeployment: %v", err)
			}
			if got := health(t, script, input); got != test.HealthStatus {
				t.Errorf("got %+v, want %+v", got, test.HealthStatus)
			}
		})
	}
}

// health runs a script as Argo CD does: the base library alone, the resource as the global obj.
func health(t *testing.T, script string, resource []byte) healthStatus {
	t.Helper()
	var content map[string]any
	if err := yaml.Unmarshal(resource, &content); err != nil {
		t.Fatal(err)
	}
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	state.Push(state.NewFunction(lua.OpenBase))
	state.Call(0, 0)
	state.SetGlobal("obj", luaValue(state, content))
	if err := state.DoString(script); err != nil {
		t.Fatal(err)
	}
	result, is := state.Get(-1).(*lua.LTable)
	if !is {
		t.Fatalf("the script returns a %s, not a table", state.Get(-1).Type())
	}
	return healthStatus{Status: lua.LVAsString(result.RawGetString("status")), Message: lua.LVAsString(result.RawGetString("message"))}
}

func luaValue(state *lua.LState, v any) lua.LValue {
	switch v := v.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, item := range v {
			table.RawSetString(key, luaValue(state, item))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, item := range v {
			table.Append(luaValue(state, item))
		}
		return table
	case string:
		return lua.LString(v)
	case float64:
		return lua.LNumber(v)
	case bool:
		return lua.LBool(v)
	}
	return lua.LNil
}

func TestPatchCarriesTheSameScript(t *testing.T) {
	var patch corev1.ConfigMap
	if err := yaml.UnmarshalStrict(read(t, "argocd-cm.yaml"), &patch); err != nil {
		t.Fatal(err)
	}
	got := patch.Data["resource.customizations.health.chatpdf.dev_ChatPDFDeployment"]
	if want := string(read(t, "health.lua")); got != want || len(patch.Data) != 1 {
		t.Errorf("argocd-cm.yaml has:\n%s\nhealth.lua is:\n%s", got, want)
	}
}
