package main

import (
	"fmt"
	"maps"
	"strings"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"chatpdf.dev/operator/internal/stack"
)

// Columns of the picture, from the reader to the data.
const (
	columnUser = iota
	columnService
	columnWorkload
	columnData
	columns
)

// node is one object, or the browser, with where it stands.
type node struct {
	id, kind, name string
	notes          []string
	column, row    int
}

// edge ties two nodes by id.
type edge struct{ from, to, label string }

type graph struct {
	nodes []node
	edges []edge
}

// workload is what a Deployment, a StatefulSet and a CronJob have in common here.
type workload struct {
	kind, name string
	template   *corev1ac.PodTemplateSpecApplyConfiguration
	notes      []string
}

// graphOf finds the ties where the objects state them: selectors, volumes, and addresses in the
// environment.
func graphOf(objects stack.Objects) graph {
	g := graph{nodes: []node{{id: "browser", kind: "", name: "Browser", notes: []string{"upload, ask, see the sentence"}}}}
	var workloads []workload
	for _, d := range objects.Deployments {
		workloads = append(workloads, workload{"Deployment", *d.Name, d.Spec.Template, extras(objects, *d.Name)})
	}
	for _, s := range objects.StatefulSets {
		notes := append([]string{fmt.Sprintf("%d members, one replica set", *s.Spec.Replicas)}, extras(objects, *s.Name)...)
		workloads = append(workloads, workload{"StatefulSet", *s.Name, s.Spec.Template, notes})
	}
	for _, c := range objects.CronJobs {
		notes := []string{"at " + *c.Spec.Schedule + ", " + *c.Spec.TimeZone}
		workloads = append(workloads, workload{"CronJob", *c.Name, c.Spec.JobTemplate.Spec.Template, notes})
	}
	rows := map[string]int{"frontend": 0, "backend": 1, "mongodb": 2, "backup": 3}
	secrets := 0
	for _, w := range workloads {
		row := rows[w.template.Labels[stack.LabelComponent]]
		g.nodes = append(g.nodes, node{id: w.name, kind: w.kind, name: w.name, notes: append(containers(w.template), w.notes...), column: columnWorkload, row: row})
		for _, service := range objects.Services {
			if selects(service.Spec.Selector, w.template.Labels) {
				id := "service " + *service.Name
				port := *service.Spec.Ports[0].Port
				g.nodes = append(g.nodes, node{id: id, kind: "Service", name: fmt.Sprintf("%s:%d", *service.Name, port), column: columnService, row: row})
				g.edges = append(g.edges, edge{id, w.name, ""})
			}
		}
		for _, volume := range w.template.Spec.Volumes {
			if volume.Secret == nil {
				continue
			}
			id := "secret " + *volume.Secret.SecretName
			if !g.has(id) {
				g.nodes = append(g.nodes, node{id: id, kind: "Secret", name: *volume.Secret.SecretName, column: columnData, row: secrets})
				secrets++
			}
			g.edges = append(g.edges, edge{w.name, id, ""})
		}
	}
	for _, s := range objects.StatefulSets {
		for _, claim := range s.Spec.VolumeClaimTemplates {
			id := "claim " + *claim.Name
			g.nodes = append(g.nodes, node{id: id, kind: "PersistentVolumeClaim", name: fmt.Sprintf("%s-%s-0 … %d", *claim.Name, *s.Name, *s.Spec.Replicas-1), column: columnData, row: secrets})
			g.edges = append(g.edges, edge{*s.Name, id, "kept"})
		}
	}
	for i, claim := range objects.Claims {
		id := "claim " + *claim.Name
		g.nodes = append(g.nodes, node{id: id, kind: "PersistentVolumeClaim", name: *claim.Name, column: columnData, row: secrets + 1 + i})
		g.edges = append(g.edges, edge{*claim.Name, id, "kept"})
	}
	g.edges = append(g.edges, edge{"browser", "service " + frontDoor(objects), "front door"})
	g.edges = append(g.edges, calls(objects, workloads)...)
	return g
}

func (g graph) has(id string) bool {
	for _, n := range g.nodes {
		if n.id == id {
			return true
		}
	}
	return false
}

// extras are the autoscaler and the disruption budget of a workload, which bear its name.
func extras(objects stack.Objects, name string) []string {
	var notes []string
	for _, a := range objects.Autoscalers {
		if *a.Spec.ScaleTargetRef.Name == name {
			notes = append(notes, fmt.Sprintf("HorizontalPodAutoscaler %d to %d", *a.Spec.MinReplicas, *a.Spec.MaxReplicas))
		}
	}
	for _, b := range objects.Budgets {
		if *b.Name == name {
			notes = append(notes, "PodDisruptionBudget")
		}
	}
	return notes
}

func containers(template *corev1ac.PodTemplateSpecApplyConfiguration) []string {
	var names []string
	for _, c := range template.Spec.Containers {
		names = append(names, *c.Name)
	}
	for _, c := range template.Spec.InitContainers {
		names = append(names, *c.Name+" (sidecar)")
	}
	return []string{strings.Join(names, " + ")}
}

func selects(selector, labels map[string]string) bool {
	both := maps.Clone(labels)
	maps.Copy(both, selector)
	return maps.Equal(both, labels)
}

func frontDoor(objects stack.Objects) string {
	for _, s := range objects.Services {
		if s.Spec.Selector[stack.LabelComponent] == stack.ComponentFrontend {
			return *s.Name
		}
	}
	return ""
}

// calls finds which workload calls which Service: by its name in the environment, or by the
// connection string that it mounts.
func calls(objects stack.Objects, workloads []workload) []edge {
	var found []edge
	for _, w := range workloads {
		for _, service := range objects.Services {
			if callsService(objects, w, *service.Name) {
				found = append(found, edge{w.name, "service " + *service.Name, ""})
			}
		}
	}
	return found
}

func callsService(objects stack.Objects, w workload, service string) bool {
	for _, container := range w.template.Spec.Containers {
		for _, variable := range container.Env {
			if variable.Value != nil && strings.Contains(*variable.Value, "//"+service+":") {
				return true
			}
		}
		for _, argument := range container.Args {
			if strings.HasPrefix(argument, service+".") {
				return true
			}
		}
	}
	for _, volume := range w.template.Spec.Volumes {
		for _, recipe := range objects.Secrets {
			login, ok := recipe.Recipe.(stack.DatabaseLogin)
			if ok && volume.Secret != nil && *volume.Secret.SecretName == recipe.Name && strings.HasPrefix(login.Host, service+".") {
				return true
			}
		}
	}
	return false
}
