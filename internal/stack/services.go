package stack

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"chatpdf.dev/operator/internal/mongodb"
)

// frontendServicePort is the port of the front door inside the cluster.
const frontendServicePort = 80

func services(in Input) []*corev1ac.ServiceApplyConfiguration {
	names := NamesOf(in.Deployment.Name)
	all := []*corev1ac.ServiceApplyConfiguration{
		service(in, names.Backend, ComponentBackend, port("http", appPort, appPort).WithAppProtocol("http")),
		service(in, names.Frontend, ComponentFrontend, port("http", frontendServicePort, appPort).WithAppProtocol("http")),
	}
	if in.runsDatabase() {
		all = append(all, headless(service(in, names.MongoDB, ComponentMongoDB, port("mongodb", mongodb.Port, mongodb.Port))))
	}
	return all
}

func service(in Input, name, component string, ports ...*corev1ac.ServicePortApplyConfiguration) *corev1ac.ServiceApplyConfiguration {
	return corev1ac.Service(name, in.Deployment.Namespace).
		WithLabels(Labels(in.Deployment.Name, component)).
		WithOwnerReferences(owner(in.Owner)).
		WithSpec(corev1ac.ServiceSpec().
			WithType(corev1.ServiceTypeClusterIP).
			WithSelector(SelectorLabels(in.Deployment.Name, component)).
			WithPorts(ports...))
}

// headless gives each member a name, and does so before it is ready: members find each other by
// name in order to become ready.
func headless(s *corev1ac.ServiceApplyConfiguration) *corev1ac.ServiceApplyConfiguration {
	s.Spec.WithClusterIP(corev1.ClusterIPNone).WithPublishNotReadyAddresses(true)
	return s
}

func port(name string, number, target int32) *corev1ac.ServicePortApplyConfiguration {
	return corev1ac.ServicePort().
		WithName(name).WithPort(number).WithTargetPort(intstr.FromInt32(target)).WithProtocol(corev1.ProtocolTCP)
}
