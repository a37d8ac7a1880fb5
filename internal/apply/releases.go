package apply

import (
	"context"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"

	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/release"
	"chatpdf.dev/operator/internal/stack"
)

// +kubebuilder:rbac:groups=apps,resources=controllerrevisions,verbs=create;patch;delete

// Release records the release that runs before anything of it is applied, and forgets the oldest.
func (w *Writer) Release(ctx context.Context, seen *observe.Observed, owner *metav1ac.OwnerReferenceApplyConfiguration, d release.Decision) error {
	p := &pass{client: w.Client, owner: seen.Deployment.UID}
	if d.Record {
		data, err := json.Marshal(d.Current.Content)
		if err != nil {
			return fmt.Errorf("encoding release %s: %w", d.Current.Name, err)
		}
		revision := appsv1ac.ControllerRevision(d.Current.Name, seen.Deployment.Namespace).
			WithLabels(stack.InstanceLabels(seen.Deployment.Name)).
			WithOwnerReferences(owner).
			WithRevision(d.Current.Revision).
			WithData(runtime.RawExtension{Raw: data})
		if d.Current.Proven {
			revision.WithAnnotations(map[string]string{release.AnnotationProven: "true"})
		}
		p.try(p.makeSo(ctx, "", revision, Manager), "recording release %s", d.Current.Name)
	}
	for _, name := range d.Forget {
		if revision := observe.Named[appsv1.ControllerRevision](seen.Revisions, name); revision != nil {
			p.try(remove(ctx, w.Client, revision), "forgetting release %s", name)
		}
	}
	return p.err()
}
