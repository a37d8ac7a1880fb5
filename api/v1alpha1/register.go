package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of every type in this package.
var GroupVersion = schema.GroupVersion{Group: "chatpdf.dev", Version: "v1alpha1"}

// Kind is the kind of a ChatPDFDeployment.
const Kind = "ChatPDFDeployment"

// AddToScheme registers the types of this package.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion, &ChatPDFDeployment{}, &ChatPDFDeploymentList{})
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
