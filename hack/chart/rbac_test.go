package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/yaml"
)

const operatorClusterRole = releaseNamespace + ":" + releaseName

// configRoles returns the rules of every role in config/rbac, by name.
func configRoles(t *testing.T) map[string][]rbacv1.PolicyRule {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "config/rbac/*role.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	roles := map[string][]rbacv1.PolicyRule{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var r role
		if err := yaml.Unmarshal(content, &r); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		roles[r.Metadata.Name] = r.Rules
	}
	return roles
}

func TestRolesAreTheOnesOfConfig(t *testing.T) {
	objects := render(t, "")
	rendered := map[string][]rbacv1.PolicyRule{}
	for _, r := range all[*rbacv1.ClusterRole](objects) {
		suffix := strings.TrimPrefix(r.Name, operatorClusterRole)
		rendered[operatorRole+strings.Replace(suffix, ":", "-", 1)] = r.Rules
	}
	for _, r := range all[*rbacv1.Role](objects) {
		rendered[strings.Replace(r.Name, releaseName, operatorRole, 1)] = r.Rules
	}
	want := configRoles(t)
	if got := slices.Sorted(maps.Keys(rendered)); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
		t.Fatalf("the chart has the roles %q, config has %q", got, slices.Sorted(maps.Keys(want)))
	}
	for name, rules := range want {
		if !equality.Semantic.DeepEqual(rendered[name], rules) {
			t.Errorf("%s: the chart has %+v, config has %+v", name, rendered[name], rules)
		}
	}
}

// grant is one right: a verb on a resource.
type grant struct{ group, resource, verb string }

func grants(rules []rbacv1.PolicyRule) map[grant]bool {
	set := map[grant]bool{}
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					set[grant{group, resource, verb}] = true
				}
			}
		}
	}
	return set
}

func TestSomeNamespacesGetTheSameRightsAndTheOthersNone(t *testing.T) {
	objects := render(t, "watch: {namespaces: [team-a, team-b]}")
	got := map[grant]bool{}
	for _, r := range all[*rbacv1.ClusterRole](objects) {
		if r.Name != operatorClusterRole {
			continue
		}
		for right := range grants(r.Rules) {
			if base, _, _ := strings.Cut(right.resource, "/"); !slices.Contains(clusterScoped, base) {
				t.Errorf("%v is granted in every namespace", right)
			}
		}
		maps.Copy(got, grants(r.Rules))
	}
	namespaces := map[string]map[grant]bool{}
	for _, r := range all[*rbacv1.Role](objects) {
		if r.Name == operatorClusterRole {
			namespaces[r.Namespace] = grants(r.Rules)
		}
	}
	if !maps.Equal(namespaces["team-a"], namespaces["team-b"]) || len(namespaces) != 2 {
		t.Errorf("the namespaces have different roles: %v", namespaces)
	}
	maps.Copy(got, namespaces["team-a"])
	if want := grants(configRoles(t)[operatorRole]); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEveryBindingNamesARenderedRoleAndTheOperator(t *testing.T) {
	for _, values := range []string{"", everything, "serviceAccount: {create: false, name: mine}", "{rbac: {scope: cluster}, watch: {namespaces: [a]}}"} {
		objects := render(t, values)
		roles := map[string]bool{}
		for _, r := range all[*rbacv1.ClusterRole](objects) {
			roles["ClusterRole "+r.Name] = true
		}
		for _, r := range all[*rbacv1.Role](objects) {
			roles["Role "+r.Namespace+"/"+r.Name] = true
		}
		account := releaseName
		if strings.Contains(values, "mine") {
			account = "mine"
		}
		check := func(binding, role string, subjects []rbacv1.Subject) {
			want := []rbacv1.Subject{{Kind: "ServiceAccount", Name: account, Namespace: releaseNamespace}}
			if !roles[role] {
				t.Errorf("%s binds %s, which is not there", binding, role)
			}
			if !equality.Semantic.DeepEqual(subjects, want) {
				t.Errorf("%s binds %v, want %v", binding, subjects, want)
			}
		}
		for _, b := range all[*rbacv1.ClusterRoleBinding](objects) {
			check(b.Name, "ClusterRole "+b.RoleRef.Name, b.Subjects)
		}
		for _, b := range all[*rbacv1.RoleBinding](objects) {
			check(b.Namespace+"/"+b.Name, "Role "+b.Namespace+"/"+b.RoleRef.Name, b.Subjects)
		}
	}
}

func TestOperatorNeitherListsNorDeletesSecrets(t *testing.T) {
	for name, rules := range configRoles(t) {
		for right := range grants(rules) {
			if right.resource == "*" || right.verb == "*" || right.group == "*" {
				t.Errorf("%s grants %v: name what is needed", name, right)
			}
			if right.resource == "secrets" && !slices.Contains([]string{"get", "create", "update"}, right.verb) {
				t.Errorf("%s may %s Secrets", name, right.verb)
			}
			if strings.HasPrefix(right.resource, "pods/") {
				t.Errorf("%s may %s %s: nobody execs into a pod", name, right.verb, right.resource)
			}
		}
	}
}

func TestUsersRightsFollowTheToggles(t *testing.T) {
	for values, want := range map[string][]string{
		"": {"editor:aggregate-to-admin", "editor:aggregate-to-edit", "viewer:aggregate-to-view"},
		"rbac: {aggregateToEdit: false, aggregateToView: false}":                          {"editor:aggregate-to-admin"},
		"rbac: {aggregateToEdit: false, aggregateToView: false, aggregateToAdmin: false}": nil,
	} {
		var got []string
		for _, r := range all[*rbacv1.ClusterRole](render(t, values)) {
			for label := range r.Labels {
				if aggregate, found := strings.CutPrefix(label, "rbac.authorization.k8s.io/"); found {
					got = append(got, r.Name[strings.LastIndex(r.Name, ":")+1:]+":"+aggregate)
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("values %q: got %q, want %q", values, got, want)
		}
	}
}
