package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"chatpdf.dev/operator/app/config"
)

const uri = "MONGODB_URI=mongodb://u:hunter2@db/chatpdf?replicaSet=rs0"

func TestDefaultsAreThoseOfTheContract(t *testing.T) {
	c, err := config.LoadBackend([]string{uri})
	if err != nil {
		t.Fatal(err)
	}
	if c.ListenAddress != ":8080" || c.MetricsAddress != ":9090" || c.OpenAIBaseURL.String() != "https://api.openai.com/v1" ||
		c.OpenAIChatModel != "gpt-4o-mini" || c.OpenAIEmbeddingModel != "text-embedding-3-small" || c.InitialAdminUsername != "admin" ||
		bool(c.Debug) || c.Log().Minimum() != slog.LevelInfo || c.LogFormat != "json" || c.WorkerCount != 2 || c.MaxConnections != 100 ||
		c.Timeout() != 30*time.Second || c.MaxFileSize != 10485760 || c.MaxPages != 10000 || c.RateLimit != 100 ||
		c.RateLimitPerSecond != 10 || c.RateLimitBurst != 20 || c.CacheDir != filepath.Join(os.TempDir(), "chatpdf") || c.OpenAIAPIKey.IsSet() {
		t.Errorf("%+v", c)
	}
}

func TestEveryWrongValueIsOneSentence(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"LISTEN_ADDRESS=8080":                    `LISTEN_ADDRESS is "8080": it must be an address such as :8080`,
		"METRICS_ADDRESS=:99999":                 `METRICS_ADDRESS is ":99999": it must be an address such as :9090`,
		"MONGODB_CA=nonsense":                    `MONGODB_CA holds no certificate: it must be certificates in PEM form`,
		"OPENAI_BASE_URL=ftp://x":                `OPENAI_BASE_URL is "ftp://x": it must be an http:// or https:// URL without user, query or fragment`,
		"OPENAI_BASE_URL=https://user:pw@x":      `OPENAI_BASE_URL is "https://user:pw@x": it must be an http:// or https:// URL without user, query or fragment`,
		"INITIAL_ADMIN_USERNAME=a b":             `INITIAL_ADMIN_USERNAME is "a b": it must be 1 to 64 letters, digits and the characters . _ @ + -`,
		"INITIAL_ADMIN_PASSWORD=seven77":         `INITIAL_ADMIN_PASSWORD is wrong (its value is secret): it must be 8 to 1024 bytes long`,
		"DEBUG=yes":                              `DEBUG is "yes": it must be True or False`,
		"LOG_LEVEL=LOUD":                         `LOG_LEVEL is "LOUD": it must be DEBUG, INFO, WARNING or ERROR`,
		"LOG_FORMAT=xml":                         `LOG_FORMAT is "xml": it must be json or text`,
		"WORKER_COUNT=0":                         `WORKER_COUNT is "0": it must be a whole number from 1 to 64`,
		"WORKER_COUNT=2.5":                       `WORKER_COUNT is "2.5": it must be a whole number from 1 to 64`,
		"MAX_CONNECTIONS=99999999999999999999":   `MAX_CONNECTIONS is "99999999999999999999": it must be a whole number from 4 to 10000`,
		"TIMEOUT=30s":                            `TIMEOUT is "30s": it must be a whole number from 1 to 3600`,
		"ALLOWED_ORIGINS=https://a.example/path": `ALLOWED_ORIGINS is "https://a.example/path": it must be a comma-separated list of origins such as https://chat.example.com, without *`,
		"ALLOWED_ORIGINS=https://a.example,*":    `ALLOWED_ORIGINS is "https://a.example,*": it must be a comma-separated list of origins such as https://chat.example.com, without *`,
		"ALLOWED_ORIGINS=https://*.example.com":  `ALLOWED_ORIGINS is "https://*.example.com": it must be a comma-separated list of origins such as https://chat.example.com, without *`,
		"MAX_FILE_SIZE=10Mi":                     `MAX_FILE_SIZE is "10Mi": it must be a whole number from 1024 to 1099511627776`,
		"RATE_LIMIT=-1":                          `RATE_LIMIT is "-1": it must be a whole number from 1 to 1000000`,
		"OPENAI_API_KEY_FILE=" + empty:           `OPENAI_API_KEY_FILE names ` + empty + `, which is empty: put the value into it, or unset the variable`,
		"OPENAI_API_KEY_FILE=/does/not/exist":    `OPENAI_API_KEY_FILE names a file that cannot be read: stat /does/not/exist: no such file or directory`,
		"MONGODB_URI_FILE=/does/not/matter":      `MONGODB_URI and MONGODB_URI_FILE are both set: set one of them`,
	} {
		t.Run(line, func(t *testing.T) {
			_, err := config.LoadBackend([]string{uri, line})
			if err == nil || err.Error() != want {
				t.Fatalf("got  %v\nwant %s", err, want)
			}
		})
	}
}

func TestAllProblemsAreReportedAtOnce(t *testing.T) {
	_, err := config.LoadFrontend([]string{"TIMEOUT=x", "LOG_FORMAT=y"})
	if err == nil || strings.Count(err.Error(), "\n") != 2 || !strings.Contains(err.Error(), "BACKEND_URL is not set") {
		t.Fatalf("%v", err)
	}
}

func TestTLSTurnedOffAndACertificateAuthorityDoNotGoTogether(t *testing.T) {
	_, err := config.LoadBackend([]string{"MONGODB_URI=mongodb://db/?tls=false", "MONGODB_CA=" + certificate})
	if err == nil || !strings.Contains(err.Error(), "MONGODB_URI turns TLS off") {
		t.Fatalf("%v", err)
	}
}

func TestValuesAreReadAsTheyAreMeant(t *testing.T) {
	c, err := config.LoadBackend([]string{uri, "DEBUG=TRUE", "LOG_LEVEL=warning", "ALLOWED_ORIGINS= https://A.example , http://b.example:8080 ",
		"OPENAI_BASE_URL=http://llm:8000/v1/", "OPENAI_API_KEY=", "MONGODB_CA=" + certificate})
	if err != nil {
		t.Fatal(err)
	}
	if c.Log().Minimum() != slog.LevelDebug || slog.Level(c.LogLevel) != slog.LevelWarn {
		t.Errorf("levels %v, %v", c.Log().Minimum(), c.LogLevel)
	}
	if !slices.Equal(c.AllowedOrigins, []string{"https://a.example", "http://b.example:8080"}) {
		t.Errorf("origins %q", c.AllowedOrigins)
	}
	if c.OpenAIBaseURL.String() != "http://llm:8000/v1" || c.OpenAIAPIKey.IsSet() || !c.MongoDBCA.IsSet() {
		t.Errorf("%+v", c)
	}
}

func TestASecretInAFileIsReadAgainOnEachUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	write := func(value string) {
		if err := os.WriteFile(path, []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first\n")
	c, err := config.LoadBackend([]string{uri, "OPENAI_API_KEY_FILE=" + path})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"first", "second"} {
		if got, err := c.OpenAIAPIKey.Read(); got != want || err != nil {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
		write("second\n")
	}
}

func TestASecretPrintsAsRedactedHoweverItIsPrinted(t *testing.T) {
	c, err := config.LoadBackend([]string{uri, "OPENAI_API_KEY=sk-hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&printed, verb+"\n", c.OpenAIAPIKey)
		fmt.Fprintf(&printed, verb+"\n", &c.OpenAIAPIKey)
		fmt.Fprintf(&printed, verb+"\n", c)
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	printed.Write(encoded)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
		slog.New(handler).Info("x", "key", c.OpenAIAPIKey, "pointer", &c.OpenAIAPIKey, "all", c, "any", []any{c.MongoDBURI})
	}
	if text := printed.String(); strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) || !strings.Contains(text, "[redacted]") {
		t.Errorf("%s", text)
	}
}

func TestVariablesDescribeEveryField(t *testing.T) {
	for role, fields := range map[config.Role]int{config.RoleBackend: reflect.TypeFor[config.Backend]().NumField(), config.RoleFrontend: reflect.TypeFor[config.Frontend]().NumField()} {
		variables := config.Variables(role)
		if len(variables) != fields {
			t.Errorf("%s: %d variables for %d fields", role, len(variables), fields)
		}
		var help strings.Builder
		if err := config.WriteHelp(&help, role); err != nil {
			t.Fatal(err)
		}
		for _, v := range variables {
			if v.Name == "" || v.Help == "" || !strings.Contains(help.String(), "  "+v.Name+" ") {
				t.Errorf("%s: %+v", role, v)
			}
		}
	}
	i := slices.IndexFunc(config.Variables(config.RoleBackend), func(v config.Variable) bool { return v.Name == "MONGODB_URI" })
	if v := config.Variables(config.RoleBackend)[i]; !v.Required || !v.Secret {
		t.Errorf("%+v", v)
	}
}
