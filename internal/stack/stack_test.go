package stack_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/stack"
)

func quantity(s string) *resource.Quantity { return new(resource.MustParse(s)) }

func build(spec v1alpha1.ChatPDFDeploymentSpec, change func(*stack.Input)) stack.Objects {
	in := stack.Input{
		Deployment: &v1alpha1.ChatPDFDeployment{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "docs"}, Spec: spec},
		Release:    candidate(spec), Members: stack.Members(spec),
	}
	if change != nil {
		change(&in)
	}
	return stack.Build(in)
}

func TestRequestsAndLimitsAreAlwaysExplicit(t *testing.T) {
	amounts := func(cpu, memory *resource.Quantity) v1alpha1.ResourceQuantities {
		return v1alpha1.ResourceQuantities{CPU: cpu, Memory: memory}
	}
	for name, test := range map[string]struct {
		spec v1alpha1.ResourcesSpec
		want string // requests.cpu limits.cpu requests.memory limits.memory
	}{
		"absent":                {v1alpha1.ResourcesSpec{}, "250m 2 512Mi 1Gi"},
		"all":                   {v1alpha1.ResourcesSpec{Requests: amounts(quantity("1"), quantity("2Gi")), Limits: amounts(quantity("2"), quantity("4Gi"))}, "1 2 2Gi 4Gi"},
		"limits alone":          {v1alpha1.ResourcesSpec{Limits: amounts(quantity("3"), quantity("4Gi"))}, "3 3 4Gi 4Gi"},
		"a small request":       {v1alpha1.ResourcesSpec{Requests: amounts(quantity("1"), nil)}, "1 2 512Mi 1Gi"},
		"a request beyond":      {v1alpha1.ResourcesSpec{Requests: amounts(quantity("4"), quantity("8Gi"))}, "4 4 8Gi 8Gi"},
		"finer than the server": {v1alpha1.ResourcesSpec{Limits: amounts(quantity("100u"), quantity("1500m"))}, "1m 1m 2 2"},
	} {
		t.Run(name, func(t *testing.T) {
			r := candidate(v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Resources: test.spec}}).Database.Template.Spec.Containers[0].Resources
			requests, limits := *r.Requests, *r.Limits
			got := strings.Join([]string{requests.Cpu().String(), limits.Cpu().String(), requests.Memory().String(), limits.Memory().String()}, " ")
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestTheCacheFollowsTheMemoryLimit(t *testing.T) {
	for limit, want := range map[string]string{"256Mi": "0.25", "1Gi": "0.25", "2Gi": "0.50", "4Gi": "1.50", "64Gi": "31.50"} {
		spec := v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Resources: v1alpha1.ResourcesSpec{
			Limits: v1alpha1.ResourceQuantities{Memory: quantity(limit)},
		}}}
		args := candidate(spec).Database.Template.Spec.Containers[0].Args
		if i := slices.Index(args, "--wiredTigerCacheSizeGB"); i < 0 || args[i+1] != want {
			t.Errorf("with a limit of %s mongod gets %q, want %s", limit, args, want)
		}
	}
}

func TestReplicasAreWrittenOnlyWhileNoAutoscalerDecides(t *testing.T) {
	fixed := v1alpha1.BackendSpec{Replicas: 3}
	scaled := v1alpha1.BackendSpec{Autoscaling: &v1alpha1.AutoscalingSpec{MinReplicas: 2, MaxReplicas: 6}}
	const leave = -1
	for name, test := range map[string]struct {
		backend v1alpha1.BackendSpec
		live    int32
		exists  bool
		want    int32
	}{
		"absent":                    {v1alpha1.BackendSpec{}, 0, false, stack.DefaultReplicas},
		"fixed":                     {fixed, 1, false, 3},
		"fixed, autoscaler leaving": {fixed, 5, true, 3},
		"scaled, nothing there":     {scaled, 0, false, 2},
		"scaled, just made":         {scaled, 1, false, 2},
		"scaled, within":            {scaled, 5, false, leave},
		"scaled, beyond":            {scaled, 9, false, 6},
		"scaled, autoscaler there":  {scaled, 1, true, leave},
	} {
		t.Run(name, func(t *testing.T) {
			objects := build(v1alpha1.ChatPDFDeploymentSpec{Backend: test.backend}, func(in *stack.Input) {
				in.LiveBackendReplicas, in.AutoscalerExists = test.live, test.exists
			})
			got := int32(leave)
			for _, r := range objects.Replicas {
				if r.Deployment == "docs-backend" {
					got = r.Count
				}
			}
			if got != test.want {
				t.Errorf("writes %d, want %d", got, test.want)
			}
			for _, d := range objects.Deployments {
				if d.Spec.Replicas != nil {
					t.Errorf("Deployment %s names replicas", *d.Name)
				}
			}
		})
	}
}

func TestNoBudgetBlocksADrain(t *testing.T) {
	for name, test := range map[string]struct {
		spec v1alpha1.ChatPDFDeploymentSpec
		want []string
	}{
		"one of everything": {v1alpha1.ChatPDFDeploymentSpec{
			Backend: v1alpha1.BackendSpec{Replicas: 1}, Frontend: v1alpha1.FrontendSpec{Replicas: 1},
		}, nil},
		"empty":         {v1alpha1.ChatPDFDeploymentSpec{}, []string{"docs-backend", "docs-frontend"}},
		"three members": {v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Members: 3}}, []string{"docs-backend", "docs-frontend", "docs-mongodb"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, budget := range build(test.spec, nil).Budgets {
				got = append(got, *budget.Name)
				if n := budget.Spec.MaxUnavailable.IntValue(); n < 1 {
					t.Errorf("%s lets nothing go", *budget.Name)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("budgets %v, want %v", got, test.want)
			}
		})
	}
}

func TestChildrenThatReadPDFsFitBesideTheServer(t *testing.T) {
	for name, test := range map[string]struct {
		limit   string
		workers int32
		want    string
	}{
		"absent":                 {"", 0, "536870912"},
		"one small worker":       {"1Gi", 1, "536870912"},
		"more than it can use":   {"16Gi", 1, "536870912"},
		"many workers":           {"2Gi", 8, "134217728"},
		"more than there is for": {"1Gi", 64, "67108864"},
	} {
		t.Run(name, func(t *testing.T) {
			spec := v1alpha1.ChatPDFDeploymentSpec{Backend: v1alpha1.BackendSpec{WorkerCount: test.workers}}
			if test.limit != "" {
				spec.Backend.Resources.Limits.Memory = quantity(test.limit)
			}
			var got string
			for _, e := range candidate(spec).App.Backend.Spec.Containers[0].Env {
				if *e.Name == "EXTRACT_MEMORY" {
					got = *e.Value
				}
			}
			if got != test.want {
				t.Errorf("a child may take %s bytes, want %s", got, test.want)
			}
		})
	}
}

func TestMongoDLogsToStandardOutput(t *testing.T) {
	args := candidate(v1alpha1.ChatPDFDeploymentSpec{}).Database.Template.Spec.Containers[0].Args
	for _, arg := range args {
		if strings.HasPrefix(arg, "--log") || arg == "--syslog" || arg == "--fork" {
			t.Errorf("mongod runs with %s: its log would fill a volume, or nobody would see it", arg)
		}
	}
	if !slices.Contains(args, "--dbpath") {
		t.Errorf("these are not mongod's arguments: %q", args)
	}
}

// A broken agent must never restart a database: neither its image nor its endpoints take part in what
// decides whether mongod lives.
func TestMongoDLivesWithoutItsAgent(t *testing.T) {
	template := candidate(v1alpha1.ChatPDFDeploymentSpec{}).Database.Template.Spec
	mongod := template.Containers[0]
	for name, probe := range map[string]*corev1ac.ProbeApplyConfiguration{"startup": mongod.StartupProbe, "liveness": mongod.LivenessProbe} {
		if probe == nil || probe.Exec == nil || probe.HTTPGet != nil || len(probe.Exec.Command) == 0 {
			t.Fatalf("the %s probe is %+v, want a command in mongod's own container", name, probe)
		}
		var volume string
		for _, m := range mongod.VolumeMounts {
			if strings.HasPrefix(probe.Exec.Command[0], *m.MountPath+"/") {
				volume = *m.Name
			}
		}
		if !slices.ContainsFunc(template.Volumes, func(v corev1ac.VolumeApplyConfiguration) bool { return *v.Name == volume && v.EmptyDir != nil }) {
			t.Errorf("the %s probe runs %s, which lies on no volume of the pod", name, probe.Exec.Command[0])
		}
	}
	if *template.InitContainers[0].RestartPolicy != corev1.ContainerRestartPolicyAlways {
		t.Error("the agent is no sidecar: its end would end the pod")
	}
}

func TestADrainLeavesAMajorityOfTheDatabase(t *testing.T) {
	for members, want := range map[int32]int{1: -1, 2: 0, 3: 1, 5: 2, 7: 3} {
		got := -1
		for _, budget := range build(v1alpha1.ChatPDFDeploymentSpec{}, func(in *stack.Input) { in.Members = members }).Budgets {
			if *budget.Name == "docs-mongodb" {
				got = budget.Spec.MaxUnavailable.IntValue()
			}
		}
		if got != want {
			t.Errorf("of %d members %d may go, want %d (-1: no budget)", members, got, want)
		}
	}
}

func TestOnlyTheAgentSeesTheDatabasesSecrets(t *testing.T) {
	content := candidate(withModel())
	template := content.Database.Template.Spec
	secret := map[string]bool{}
	for _, v := range template.Volumes {
		if v.Secret != nil {
			secret[*v.Name] = true
		}
	}
	for _, m := range template.Containers[0].VolumeMounts {
		if secret[*m.Name] {
			t.Errorf("mongod mounts %s", *m.Name)
		}
	}
	for _, v := range content.App.Backend.Spec.Volumes {
		if v.Secret != nil && *v.Secret.SecretName == "docs-mongodb-ca" && (len(v.Secret.Items) != 1 || *v.Secret.Items[0].Key != "ca.crt") {
			t.Error("the backend gets the authority's key")
		}
	}
}

func TestSecretsThatOpenVolumesAreMarked(t *testing.T) {
	bound := map[string]bool{}
	for _, recipe := range build(v1alpha1.ChatPDFDeploymentSpec{}, nil).Secrets {
		bound[recipe.Name] = recipe.BoundToVolumes
		if recipe.Labels[stack.LabelKept] != "true" {
			t.Errorf("%s is not marked as kept", recipe.Name)
		}
	}
	for _, name := range []string{"docs-admin", "docs-mongodb-admin", "docs-mongodb-app", "docs-mongodb-keyfile", "docs-mongodb-ca"} {
		if !bound[name] {
			t.Errorf("%s would be made again while volumes exist", name)
		}
	}
}
