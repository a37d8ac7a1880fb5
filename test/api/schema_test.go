package api

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"chatpdf.dev/operator/api/v1alpha1"
)

// parse makes a ChatPDFDeployment of YAML, as a user writes it.
func parse(t *testing.T, w *world, name, spec string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{Object: map[string]any{}}
	if err := yaml.Unmarshal([]byte("spec: "+spec), &object.Object); err != nil {
		t.Fatal(err)
	}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("ChatPDFDeployment"))
	object.SetNamespace(w.namespace)
	object.SetName(name)
	return object
}

func TestMistakesAreRefusedWithAHelpfulSentence(t *testing.T) {
	w := newWorld(t)
	for what, test := range map[string]struct{ name, spec, says string }{
		"two members":              {"docs", "{mongodb: {members: 2}}", "mongodb.members must be 1, 3, 5 or 7"},
		"nine members":             {"docs", "{mongodb: {members: 9}}", "MongoDB has no more than 7"},
		"replicas and range":       {"docs", "{backend: {replicas: 2, autoscaling: {maxReplicas: 4}}}", "set either backend.replicas or backend.autoscaling"},
		"range upside down":        {"docs", "{backend: {autoscaling: {minReplicas: 5, maxReplicas: 4}}}", "autoscaling.minReplicas must not be above"},
		"no upper end":             {"docs", "{backend: {autoscaling: {minReplicas: 5}}}", "maxReplicas: Required value"},
		"no quantity":              {"docs", "{mongodb: {storage: {size: lots}}}", "mongodb.storage.size must be a quantity of at least 1Gi, such as 20Gi"},
		"a small volume":           {"docs", "{mongodb: {storage: {size: 100Mi}}}", "at least 1Gi"},
		"negative memory":          {"docs", "{backend: {resources: {limits: {memory: -1Gi}}}}", "memory must be a quantity above 0, such as 512Mi"},
		"an unparsable CPU":        {"docs", "{backend: {resources: {limits: {cpu: 1.5.2}}}}", "spec.backend.resources.limits.cpu"},
		"limits below requests":    {"docs", "{backend: {resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}}}", "resources.requests.memory must not be above resources.limits.memory"},
		"a name too long":          {strings.Repeat("x", 41), "{}", "metadata.name may be 40 characters at most"},
		"a name with dots":         {"docs.example", "{}", "metadata.name must be lower-case letters, digits and '-'"},
		"a name like a database":   {"docs-mongodb", "{}", "may not end in -mongodb"},
		"a name like a number":     {"1docs", "{}", "start with a letter"},
		"an unknown field":         {"docs", "{backend: {replicass: 2}}", `unknown field "spec.backend.replicass"`},
		"a field of another place": {"docs", "{workerCount: 2}", `unknown field "spec.workerCount"`},
		"a model without a key":    {"docs", "{llm: {chatModel: gpt-4o}}", "llm needs apiKeySecretRef"},
		"a key in the URL":         {"docs", "{llm: {baseURL: 'https://user:pw@x/v1', apiKeySecretRef: {name: a, key: b}}}", "must not carry credentials"},
		"no URL":                   {"docs", "{llm: {baseURL: 'llm.example.com', apiKeySecretRef: {name: a, key: b}}}", "baseURL must be an http or https URL"},
		"an escaping key":          {"docs", "{llm: {apiKeySecretRef: {name: a, key: ..b}}}", "becomes a file name"},
		"a log level":              {"docs", "{backend: {log: {level: verbose}}}", `supported values: "DEBUG", "INFO", "WARNING", "ERROR"`},
		"a huge file":              {"docs", "{requestLimits: {maxFileSize: 3Gi}}", "maxFileSize may be 2Gi at most"},
		"a tiny file":              {"docs", "{requestLimits: {maxFileSize: 1000}}", "1Ki at least"},
		"a query":                  {"docs", "{llm: {baseURL: 'https://x/v1?a=b', apiKeySecretRef: {name: a, key: b}}}", "must not have a query"},
		"half a byte":              {"docs", "{requestLimits: {maxFileSize: 500m}}", "maxFileSize must be a whole number of bytes"},
		"an image with a space":    {"docs", "{image: 'chatpdf latest'}", "image must be an image reference without spaces"},
		"a force without a risk":   {"docs", "{mongodb: {forcedReconfiguration: {request: now}}}", "acceptedRisk: Required value"},
		"a database of two kinds":  {"docs", "{mongodb: {members: 3, external: {uriSecretRef: {name: a, key: b}}}}", "mongodb.external is a database that the operator does not run"},
		"an external without URI":  {"docs", "{mongodb: {external: {}}}", "uriSecretRef: Required value"},
		"two certificates":         {"docs", "{mongodb: {tls: {issuerRef: {name: a}, certificateSecretRef: {name: b}}}}", "mongodb.tls takes one of issuerRef and certificateSecretRef"},
		"an issuer, renewed here":  {"docs", "{mongodb: {tls: {issuerRef: {name: a}, renewRequest: now}}}", "with issuerRef have cert-manager renew"},
		"an issuer without a name": {"docs", "{mongodb: {tls: {issuerRef: {kind: ClusterIssuer}}}}", "issuerRef.name: Required value"},
		"a majority fenced":        {"docs", "{mongodb: {members: 3, fencedMembers: [0, 1]}}", "mongodb.fencedMembers may name a minority"},
		"the only one fenced":      {"docs", "{mongodb: {fencedMembers: [0]}}", "mongodb.fencedMembers may name a minority"},
		"nobody fenced":            {"docs", "{mongodb: {members: 3, fencedMembers: [3]}}", "mongodb.fencedMembers may name a minority"},
		"no workers":               {"docs", "{backend: {workerCount: -1}}", "should be greater than or equal to 1"},
	} {
		t.Run(what, func(t *testing.T) {
			err := w.Create(t.Context(), parse(t, w, test.name, test.spec), client.FieldValidation("Strict"))
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("it was refused with %q, which does not say %q", err, test.says)
			}
		})
	}
}

func TestWhatAVolumeIsMadeOfCannotBeChanged(t *testing.T) {
	w := newWorld(t)
	for what, test := range map[string]struct{ before, after, says string }{
		"a smaller size":          {"{mongodb: {storage: {size: 20Gi}}}", "{mongodb: {storage: {size: 19Gi}}}", "mongodb.storage.size cannot shrink"},
		"a small size later":      {"{}", "{mongodb: {storage: {size: 9Gi}}}", "mongodb.storage.size cannot shrink"},
		"a size no more":          {"{mongodb: {storage: {size: 20Gi}}}", "{mongodb: {}}", "mongodb.storage.size cannot shrink"},
		"a size as a number":      {"{mongodb: {storage: {size: 4294967296}}}", "{mongodb: {storage: {size: 2147483648}}}", "mongodb.storage.size cannot shrink"},
		"another class":           {"{mongodb: {storage: {storageClassName: a}}}", "{mongodb: {storage: {storageClassName: b}}}", "storageClassName cannot be changed"},
		"somebody else's later":   {"{}", "{mongodb: {external: {uriSecretRef: {name: a, key: b}}}}", "mongodb.external is chosen when"},
		"somebody else's no more": {"{mongodb: {external: {uriSecretRef: {name: a, key: b}}}}", "{}", "mongodb.external is chosen when"},
		"a class later":           {"{}", "{mongodb: {storage: {storageClassName: b}}}", "storageClassName cannot be changed"},
	} {
		t.Run(what, func(t *testing.T) {
			object := parse(t, w, "docs", test.before)
			w.must(t, w.Create(t.Context(), object))
			defer func() { w.must(t, w.Delete(t.Context(), object)) }()
			changed := parse(t, w, "docs", test.after)
			changed.SetResourceVersion(object.GetResourceVersion())
			err := w.Update(t.Context(), changed)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("the change ended with %v, want %q", err, test.says)
			}
		})
	}
}

func TestWhatIsMeantIsAccepted(t *testing.T) {
	w := newWorld(t)
	for what, spec := range map[string]string{
		"nothing":               "{}",
		"empty parts":           "{llm: {}, backend: {}, frontend: {}, requestLimits: {}, mongodb: {storage: {}, resources: {}}}",
		"numbers as quantities": "{backend: {resources: {requests: {cpu: 1, memory: 1073741824}, limits: {cpu: 2}}}, requestLimits: {maxFileSize: 1000000}}",
		"the largest upload":    "{requestLimits: {maxFileSize: 2Gi}}",
		"one member":            "{mongodb: {members: 1}}",
		"somebody else's":       "{mongodb: {external: {uriSecretRef: {name: a, key: b}, caSecretRef: {name: a, key: ca.crt}}}}",
	} {
		t.Run(what, func(t *testing.T) {
			object := parse(t, w, "docs", spec)
			w.must(t, w.Create(t.Context(), object, client.FieldValidation("Strict")))
			w.must(t, w.Delete(t.Context(), object))
		})
	}
}

func TestTheSamplesAreAccepted(t *testing.T) {
	w := newWorld(t)
	samples, err := filepath.Glob(filepath.Join("..", "..", "config", "samples", "*.yaml"))
	w.must(t, err)
	tried := 0
	for _, sample := range samples {
		content, err := os.ReadFile(sample)
		w.must(t, err)
		object := &unstructured.Unstructured{}
		w.must(t, yaml.Unmarshal(content, &object.Object))
		if object.GetKind() != "ChatPDFDeployment" {
			continue
		}
		object.SetNamespace(w.namespace)
		if err := w.Create(t.Context(), object, client.FieldValidation("Strict")); err != nil {
			t.Errorf("%s: %v", sample, err)
		}
		tried++
	}
	if tried < 2 {
		t.Errorf("found %d samples", tried)
	}
}

func TestTheDefinitionStaysSmallEnoughForEveryTool(t *testing.T) {
	const limit = 256 << 10 // kubectl apply keeps a copy in an annotation of at most this size
	files, err := filepath.Glob(filepath.Join(crdDirectory, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no definitions: %v", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if json, err := yaml.YAMLToJSON(content); err != nil || len(content) >= limit || len(json) >= limit {
			t.Errorf("%s is %d bytes (%v)", file, len(content), err)
		}
	}
}

func TestANewResourceIsInProgressUntilTheOperatorHasSeenIt(t *testing.T) {
	w := newWorld(t)
	key := w.deployment(t, "docs", v1alpha1.ChatPDFDeploymentSpec{})
	if observed := get[v1alpha1.ChatPDFDeployment](t, w, key.Name).Status.ObservedGeneration; observed != -1 {
		t.Errorf("observedGeneration of a new resource is %d, want -1", observed)
	}
}
