package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

const rulesTemplate = "charts/chatpdf-operator/templates/rbac/_rules.tpl"

// operatorRole is the name of the role that controller-gen writes, and the prefix of all the others.
const operatorRole = "chatpdf-operator"

// clusterScoped and namespaced say where a resource lives. An operator that looks after some
// namespaces only gets the former by a ClusterRole and the latter by a Role in each of them.
// A resource in neither list is an error: a guess would take away a right, or give one too wide.
var (
	clusterScoped = []string{"namespaces", "nodes", "persistentvolumes", "customresourcedefinitions", "storageclasses", "priorityclasses"}
	namespaced    = []string{
		"certificaterequests", "certificates", "chatpdfdeployments", "configmaps", "controllerrevisions", "cronjobs", "deployments", "events", "horizontalpodautoscalers",
		"httproutes", "ingresses", "jobs", "leases", "networkpolicies", "persistentvolumeclaims", "poddisruptionbudgets", "pods",
		"replicasets", "rolebindings", "roles", "secrets", "serviceaccounts", "services", "statefulsets",
	}
)

// role is what a Role and a ClusterRole have in common.
type role struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name string `json:"name"`
	} `json:"metadata"`
	Rules []rbacv1.PolicyRule `json:"rules"`
}

// ruleTemplates returns named templates with the rules of every role in the directory: of the
// operator's own role `manager`, and its two halves `manager.cluster` and `manager.namespaced`; of
// every other role under its own name without the prefix.
func ruleTemplates(directory string) ([]byte, error) {
	sources, err := filepath.Glob(filepath.Join(directory, "*.yaml"))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	fmt.Fprintln(&out, "{{- /* Written by hack/chart from config/rbac. Do not edit. */}}")
	for _, source := range sources {
		content, err := os.ReadFile(source)
		if err != nil {
			return nil, err
		}
		var r role
		if err := yaml.Unmarshal(content, &r); err != nil {
			return nil, fmt.Errorf("reading %s: %w", source, err)
		}
		if r.Kind != "Role" && r.Kind != "ClusterRole" {
			continue
		}
		if err := defineRules(&out, r); err != nil {
			return nil, fmt.Errorf("reading %s: %w", source, err)
		}
	}
	return out.Bytes(), nil
}

func defineRules(out *bytes.Buffer, r role) error {
	if r.Metadata.Name != operatorRole {
		name, prefixed := strings.CutPrefix(r.Metadata.Name, operatorRole+"-")
		if !prefixed {
			return fmt.Errorf("the name of %s %s does not start with %s-", r.Kind, r.Metadata.Name, operatorRole)
		}
		return define(out, name, r.Rules)
	}
	cluster, namespaced, err := splitByScope(r.Rules)
	if err != nil {
		return err
	}
	if err := define(out, "manager", r.Rules); err != nil {
		return err
	}
	if err := define(out, "manager.cluster", cluster); err != nil {
		return err
	}
	return define(out, "manager.namespaced", namespaced)
}

func define(out *bytes.Buffer, name string, rules []rbacv1.PolicyRule) error {
	var text []byte
	if len(rules) > 0 {
		var err error
		if text, err = yaml.Marshal(rules); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\n{{- define \"chatpdf-operator.rules.%s\" -}}\n%s{{- end }}\n", name, escapeTemplate(text))
	return nil
}

// splitByScope divides rules into those for cluster-scoped resources and those for namespaced ones.
func splitByScope(rules []rbacv1.PolicyRule) (cluster, inNamespace []rbacv1.PolicyRule, err error) {
	for _, rule := range rules {
		if len(rule.NonResourceURLs) > 0 {
			cluster = append(cluster, rule)
			continue
		}
		var wide, narrow []string
		for _, resource := range rule.Resources {
			base, _, _ := strings.Cut(resource, "/")
			switch {
			case slices.Contains(clusterScoped, base):
				wide = append(wide, resource)
			case slices.Contains(namespaced, base):
				narrow = append(narrow, resource)
			default:
				return nil, nil, fmt.Errorf("resource %q: say in hack/chart/rbac.go whether it is cluster-scoped or namespaced", resource)
			}
		}
		cluster = appendRule(cluster, rule, wide)
		inNamespace = appendRule(inNamespace, rule, narrow)
	}
	return cluster, inNamespace, nil
}

func appendRule(rules []rbacv1.PolicyRule, rule rbacv1.PolicyRule, resources []string) []rbacv1.PolicyRule {
	if len(resources) == 0 {
		return rules
	}
	rule.Resources = resources
	return append(rules, rule)
}
