package stack

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	autoscalingv2ac "k8s.io/client-go/applyconfigurations/autoscaling/v2"
	batchv1ac "k8s.io/client-go/applyconfigurations/batch/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	policyv1ac "k8s.io/client-go/applyconfigurations/policy/v1"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/release"
)

// Input is the deployment, the decisions of this pass, and the few observed facts that desired
// objects follow.
type Input struct {
	Deployment *v1alpha1.ChatPDFDeployment
	// Owner is the deployment as an owner.
	Owner metav1.OwnerReference
	// Release is what runs.
	Release release.Content
	// Members is the number of pods that the StatefulSet should have now, which is not always what
	// the spec asks for: it follows the replica set.
	Members int32
	// LiveStatefulSet is what the operator owns in the StatefulSet that exists; nil if none does.
	LiveStatefulSet *appsv1ac.StatefulSetApplyConfiguration
	// AutoscalerExists says that the backend's HorizontalPodAutoscaler has been seen.
	AutoscalerExists bool
	// LiveBackendReplicas is what the backend's Deployment says now; 0 if there is none.
	LiveBackendReplicas int32
	// AgentImage is that of the jobs: it follows the operator, as nothing runs between two of them.
	AgentImage string
}

// Objects are what should exist, by kind, each kind in the order to write it in.
type Objects struct {
	// Owner is the deployment, as a reference of everything that goes with it.
	Owner           *metav1ac.OwnerReferenceApplyConfiguration
	Secrets         []SecretRecipe
	ServiceAccounts []*corev1ac.ServiceAccountApplyConfiguration
	Services        []*corev1ac.ServiceApplyConfiguration
	StatefulSets    []*appsv1ac.StatefulSetApplyConfiguration
	Deployments     []*appsv1ac.DeploymentApplyConfiguration
	Budgets         []*policyv1ac.PodDisruptionBudgetApplyConfiguration
	Autoscalers     []*autoscalingv2ac.HorizontalPodAutoscalerApplyConfiguration
	Replicas        []Replicas
	CronJobs        []*batchv1ac.CronJobApplyConfiguration
	// Claims are made where they do not exist, and left as they are where they do.
	Claims []*corev1ac.PersistentVolumeClaimApplyConfiguration
	// Issued are Certificates to ask cert-manager for.
	Issued []*IssuedCertificate
}

// Build makes the objects.
func Build(in Input) Objects {
	names := NamesOf(in.Deployment.Name)
	objects := Objects{
		Owner:           owner(in.Owner),
		Secrets:         secretRecipes(in),
		ServiceAccounts: serviceAccounts(in),
		Services:        services(in),
		Deployments: []*appsv1ac.DeploymentApplyConfiguration{
			deployment(in, names.Backend, ComponentBackend, in.Release.App.Backend),
			deployment(in, names.Frontend, ComponentFrontend, in.Release.App.Frontend),
		},
		Budgets:     budgets(in),
		Autoscalers: autoscalers(in),
		Replicas:    replicas(in),
	}
	objects.Issued = issuedCertificates(in, objects.Secrets)
	if in.runsDatabase() {
		objects.StatefulSets = append(objects.StatefulSets, statefulSet(in))
		objects.CronJobs, objects.Claims = backups(in)
	}
	return objects
}

// runsDatabase says that the database is the operator's own, and not one that somebody else runs.
func (in Input) runsDatabase() bool { return in.Deployment.Spec.MongoDB.External == nil }

// InternalURL is the front door inside the cluster.
func InternalURL(d *v1alpha1.ChatPDFDeployment) string {
	return "http://" + NamesOf(d.Name).Frontend + "." + d.Namespace + ".svc"
}
