package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"
)

// everything switches on what is off by default, and fills in what is empty.
const everything = `
commonLabels: {team: search}
watch: {namespaces: [team-a, "123"]}
crds: {annotations: {example.com/owner: search}}
serviceAccount: {annotations: {example.com/role: operator}}
image: {registry: registry.example.com:5000, digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}
imagePullSecrets: [{name: registry}]
replicaCount: 2
metrics: {serviceMonitor: {enabled: true, renderMode: alwaysRender, namespace: monitoring, additionalLabels: {release: prometheus}}}
podDisruptionBudget: {enabled: true, minAvailable: 50%}
networkPolicy:
  enabled: true
  metricsFrom: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: monitoring}}}]
  extraEgress: [{ports: [{protocol: TCP, port: 8080}]}]
podAnnotations: {example.com/a: b}
podLabels: {example.com/c: d}
priorityClassName: system-cluster-critical
runtimeClassName: gvisor
nodeSelector: {kubernetes.io/os: linux}
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}
tolerations: [{key: node-role.kubernetes.io/control-plane, operator: Exists, effect: NoSchedule}]
topologySpreadConstraints: [{maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: DoNotSchedule}]
extraArgs: [--log-level=debug]
extraEnv: [{name: HTTPS_PROXY, value: "http://proxy.example.com:3128"}]
extraVolumes: [{name: scratch, emptyDir: {}}]
extraVolumeMounts: [{name: scratch, mountPath: /scratch}]
extraObjects:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: "{{ .Release.Name }}-extra"}}
`

func TestChartPassesStrictLint(t *testing.T) {
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, []byte(everything), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{{"lint", "--strict", chart}, {"lint", "--strict", "--values", file, chart}} {
		if out, err := helm(t, arguments...); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	}
}

func TestEveryRenderingIsValidAndRestricted(t *testing.T) {
	for name, values := range map[string]string{
		"defaults":            "",
		"everything":          everything,
		"without metrics":     "metrics: {enabled: false}",
		"without roles":       "rbac: {create: false}",
		"own service account": "serviceAccount: {create: false, name: mine}",
		"no leader election":  "leaderElection: {enabled: false}",
		"long names":          "fullnameOverride: " + strings.Repeat("a", 63),
	} {
		t.Run(name, func(t *testing.T) {
			objects := render(t, values)
			for _, object := range objects {
				checkLabels(t, object)
			}
			deployment := only[*appsv1.Deployment](t, objects)
			checkRestricted(t, &deployment.Spec.Template)
			selected := deployment.Spec.Template.Labels
			for key, value := range deployment.Spec.Selector.MatchLabels {
				if selected[key] != value {
					t.Errorf("the Deployment selects %s=%s, and its pods have %q", key, value, selected[key])
				}
			}
			for _, service := range all[*corev1.Service](objects) {
				if !mapContains(selected, service.Spec.Selector) {
					t.Errorf("the Service %s selects %v, and the pods have %v", service.Name, service.Spec.Selector, selected)
				}
			}
		})
	}
}

func checkLabels(t *testing.T, object runtime.Object) {
	t.Helper()
	accessor, err := meta.Accessor(object)
	if err != nil {
		t.Fatal(err)
	}
	// Names of RBAC objects may be longer.
	if group := object.GetObjectKind().GroupVersionKind().Group; group != rbacv1.GroupName && len(accessor.GetName()) > 63 {
		t.Errorf("the name of %s has %d characters", nameOf(t, object), len(accessor.GetName()))
	}
	if strings.HasSuffix(accessor.GetName(), "-extra") {
		return
	}
	if accessor.GetLabels()["app.kubernetes.io/managed-by"] != "Helm" {
		t.Errorf("%s lacks the standard labels, has %v", nameOf(t, object), accessor.GetLabels())
	}
	for key := range accessor.GetAnnotations() {
		if strings.HasPrefix(key, "helm.sh/hook") {
			t.Errorf("%s is a hook: Argo CD and Flux run those differently", nameOf(t, object))
		}
	}
}

func mapContains(whole, part map[string]string) bool {
	for key, value := range part {
		if whole[key] != value {
			return false
		}
	}
	return len(part) > 0
}

func TestOptionalPartsAreRenderedWhenAskedFor(t *testing.T) {
	objects := render(t, everything)
	only[*policyv1.PodDisruptionBudget](t, objects)
	if network := only[*networkingv1.NetworkPolicy](t, objects); len(network.Spec.Egress) != 4 || len(network.Spec.Ingress[1].From) != 1 {
		t.Errorf("got NetworkPolicy %+v", network.Spec)
	}
	monitor := only[*unstructured.Unstructured](t, objects)
	if monitor.GetKind() != "ServiceMonitor" || monitor.GetNamespace() != "monitoring" || monitor.GetLabels()["release"] != "prometheus" {
		t.Errorf("got %s", nameOf(t, monitor))
	}
	if extra := only[*corev1.ConfigMap](t, objects); extra.Name != releaseName+"-extra" {
		t.Errorf("got the extra object %q: templates in extraObjects are not expanded", extra.Name)
	}
	pod := only[*appsv1.Deployment](t, objects).Spec.Template
	manager := pod.Spec.Containers[0]
	if !slices.Contains(manager.Args, "--watch-namespaces=team-a,123") || !slices.Contains(manager.Args, "--log-level=debug") {
		t.Errorf("got arguments %q", manager.Args)
	}
	if pod.Labels["team"] != "search" || pod.Labels["example.com/c"] != "d" || pod.Annotations["example.com/a"] != "b" {
		t.Errorf("got labels %v and annotations %v", pod.Labels, pod.Annotations)
	}
	if len(manager.VolumeMounts) != 1 || len(pod.Spec.Volumes) != 1 || pod.Spec.PriorityClassName != "system-cluster-critical" {
		t.Errorf("got pod %+v", pod.Spec)
	}
}

func TestServiceMonitorFollowsWhatTheClusterKnows(t *testing.T) {
	const on = "metrics: {serviceMonitor: {enabled: true"
	if found := all[*unstructured.Unstructured](render(t, on+"}}")); len(found) != 0 {
		t.Errorf("rendered for a cluster that knows no ServiceMonitor: %v", found)
	}
	only[*unstructured.Unstructured](t, render(t, on+"}}", "--api-versions", "monitoring.coreos.com/v1"))
	if _, err := template(t, on+", renderMode: failIfMissing}}"); err == nil || !strings.Contains(err.Error(), "install the Prometheus Operator") {
		t.Errorf("got error %v", err)
	}
}

func TestImagesReachTheOperator(t *testing.T) {
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	version := chartVersion(t)
	for name, test := range map[string]struct{ values, operator, app, mongodb, dbagent string }{
		"defaults": {
			"", "registry.chatpdf.dev/chatpdf-operator:" + version, "registry.chatpdf.dev/chatpdf:" + version,
			"docker.io/library/mongo:6.0.5", "registry.chatpdf.dev/chatpdf-dbagent:" + version,
		},
		"mirror with tags and digests": {
			"image: {registry: m:5000, tag: t}\n" +
				"operands: {images: {app: {registry: '', repository: c, digest: '" + digest + "'}, mongodb: {digest: '" + digest + "'}, dbagent: {tag: x}}}",
			"m:5000/chatpdf-operator:t", "c@" + digest, "docker.io/library/mongo:6.0.5@" + digest, "registry.chatpdf.dev/chatpdf-dbagent:x",
		},
	} {
		t.Run(name, func(t *testing.T) {
			manager := only[*appsv1.Deployment](t, render(t, test.values)).Spec.Template.Spec.Containers[0]
			got := map[string]string{"operator": manager.Image}
			for _, variable := range manager.Env {
				got[variable.Name] = variable.Value
			}
			want := map[string]string{"operator": test.operator, "APP_IMAGE": test.app, "MONGODB_IMAGE": test.mongodb, "DBAGENT_IMAGE": test.dbagent}
			if !equality.Semantic.DeepEqual(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func chartVersion(t *testing.T) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(chart, "Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var metadata struct{ Version, AppVersion string }
	if err := yaml.Unmarshal(content, &metadata); err != nil {
		t.Fatal(err)
	}
	if metadata.Version != metadata.AppVersion {
		t.Errorf("the chart's version is %s and the application's %s: they are released together", metadata.Version, metadata.AppVersion)
	}
	return metadata.AppVersion
}

func TestWrongValuesAreRefused(t *testing.T) {
	for name, test := range map[string]struct{ values, want string }{
		"misspelt key":               {"replicas: 2", "additional properties 'replicas' not allowed"},
		"misspelt nested key":        {"watch: {namespace: a}", "additional properties 'namespace' not allowed"},
		"string for a boolean":       {`crds: {enabled: "yes"}`, "at '/crds/enabled': got string, want boolean"},
		"unknown scope":              {"rbac: {scope: Namespaced}", "at '/rbac/scope'"},
		"namespaced without any":     {"rbac: {scope: namespaced}", "name the namespaces that the operator looks after"},
		"no such log level":          {"log: {level: verbose}", "at '/log/level'"},
		"digest that is none":        {"image: {digest: latest}", "at '/image/digest'"},
		"path in a tag":              {"image: {tag: a/b:c}", "at '/image/tag'"},
		"namespace in capitals":      {"watch: {namespaces: [Team]}", "at '/watch/namespaces/0'"},
		"namespace twice":            {"watch: {namespaces: [a, a]}", "at '/watch/namespaces'"},
		"budget with one pod":        {"podDisruptionBudget: {enabled: true}", "needs replicaCount 2 or more"},
		"two pods without a leader":  {"{replicaCount: 2, leaderElection: {enabled: false}}", "several operators would work on the same objects"},
		"nobody's service account":   {"serviceAccount: {create: false}", "serviceAccount.name is required"},
		"monitor without metrics":    {"metrics: {enabled: false, serviceMonitor: {enabled: true}}", "needs metrics.enabled"},
		"database image with no tag": {"operands: {images: {mongodb: {tag: ''}}}", "library/mongo needs a tag or a digest"},
		"metrics on the health port": {"metrics: {port: 8081}", "at '/metrics/port'"},
		"extra object with no kind":  {"extraObjects: [{metadata: {name: a}}]", "missing properties 'apiVersion', 'kind'"},
	} {
		t.Run(name, func(t *testing.T) {
			if out, err := template(t, test.values); err == nil {
				t.Errorf("rendered:\n%s", out)
			} else if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %q, want %q in it", err, test.want)
			}
		})
	}
}

func TestClustersWhereSidecarsCanBeOffAreRefused(t *testing.T) {
	if _, err := template(t, "", "--kube-version", "1.32.9"); err == nil || !strings.Contains(err.Error(), ">=1.33.0") {
		t.Errorf("got error %v for Kubernetes 1.32", err)
	}
	for _, version := range []string{"1.33.0", "1.34.1-gke.1829001", "1.37.2"} {
		if _, err := template(t, "", "--kube-version", version); err != nil {
			t.Errorf("Kubernetes %s: %v", version, err)
		}
	}
}

func TestChartInstallsTheGeneratedCRDs(t *testing.T) {
	sources, err := filepath.Glob(filepath.Join(root, "config/crd/bases/*.yaml"))
	if err != nil || len(sources) == 0 {
		t.Fatalf("no CRD in config/crd/bases: %v", err)
	}
	rendered := all[*apiextensionsv1.CustomResourceDefinition](render(t, everything))
	if len(rendered) != len(sources) {
		t.Errorf("the chart installs %d CRDs of %d", len(rendered), len(sources))
	}
	for _, source := range sources {
		content, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		// kubectl apply without --server-side keeps the object in an annotation, which may have 256 KiB.
		if len(content) > 200<<10 {
			t.Errorf("%s has %d bytes", source, len(content))
		}
		want := only[*apiextensionsv1.CustomResourceDefinition](t, decode(t, string(content)))
		index := slices.IndexFunc(rendered, func(crd *apiextensionsv1.CustomResourceDefinition) bool { return crd.Name == want.Name })
		if index < 0 {
			t.Errorf("the chart does not install %s", want.Name)
			continue
		}
		got := rendered[index]
		if !equality.Semantic.DeepEqual(got.Spec, want.Spec) {
			t.Errorf("the chart's %s differs from %s", want.Name, source)
		}
		want.Annotations["helm.sh/resource-policy"] = "keep"
		want.Annotations["example.com/owner"] = "search"
		if !equality.Semantic.DeepEqual(got.Annotations, want.Annotations) {
			t.Errorf("got annotations %v, want %v", got.Annotations, want.Annotations)
		}
	}
}

func TestCRDsAreKeptUnlessAskedOtherwise(t *testing.T) {
	for values, want := range map[string]string{"": "keep", "crds: {keep: false}": ""} {
		for _, crd := range all[*apiextensionsv1.CustomResourceDefinition](render(t, values)) {
			if got := crd.Annotations["helm.sh/resource-policy"]; got != want {
				t.Errorf("values %q: %s has resource policy %q, want %q", values, crd.Name, got, want)
			}
		}
	}
	if found := all[*apiextensionsv1.CustomResourceDefinition](render(t, "crds: {enabled: false}")); len(found) != 0 {
		t.Errorf("crds.enabled=false installs %d CRDs", len(found))
	}
}

func TestRenderingTwiceGivesTheSame(t *testing.T) {
	for _, values := range []string{"", everything} {
		first, err := template(t, values)
		if err != nil {
			t.Fatal(err)
		}
		second, err := template(t, values)
		if err != nil {
			t.Fatal(err)
		}
		if first != second {
			t.Errorf("two renderings differ:\n%s\n---\n%s", first, second)
		}
	}
}

// The release is kept in a Secret, at most 1 MiB, together with the chart's own files. Helm compresses
// it; here nothing is compressed and it must fit all the same.
func TestReleaseIsFarBelowTheLimitOfASecret(t *testing.T) {
	const limit = 512 << 10
	text, err := template(t, everything)
	if err != nil {
		t.Fatal(err)
	}
	total := len(text)
	err = filepath.WalkDir(chart, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += int(info.Size())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if total > limit {
		t.Errorf("the chart and what it renders have %d bytes, more than %d", total, limit)
	}
	t.Logf("%d bytes", total)
}

func TestNotesTellTheNextStep(t *testing.T) {
	out, err := helm(t, "install", releaseName, chart, "--namespace", releaseNamespace, "--dry-run=client", "--set", "watch.namespaces={team-a}")
	if err != nil {
		t.Fatal(err)
	}
	_, notes, found := strings.Cut(out, "NOTES:")
	if !found {
		t.Fatalf("no notes in:\n%s", out)
	}
	for _, want := range []string{"looks after: team-a.", "kubectl apply --server-side -n team-a", "kind: ChatPDFDeployment", "service/docs-frontend 8080:80", "docs-admin"} {
		if !strings.Contains(notes, want) {
			t.Errorf("%q is missing in:\n%s", want, notes)
		}
	}
}
