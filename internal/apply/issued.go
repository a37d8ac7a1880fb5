package apply

import (
	"context"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"

	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
)

// +kubebuilder:rbac:groups=cert-manager.io,resources=certificates,verbs=create;patch;delete

// issued asks cert-manager, and asks no more for what is not wanted. Where the cluster does not know cert-manager the
// condition of the certificate says so.
func (w *Writer) issued(ctx context.Context, p *pass, seen *observe.Observed, desired []*stack.IssuedCertificate) {
	if seen.WithoutIssuers {
		return
	}
	prune(ctx, p, seen.Issued, desired)
	for _, want := range desired {
		name := *want.GetName()
		if live := observe.Named(seen.Issued, name); live != nil {
			other := otherController(live, p.owner)
			switch same, err := holds(live.Object, want); {
			case other != nil:
				p.foreign = append(p.foreign, Foreign{Kind: stack.IssuedKind, Name: name, Owner: *other})
				continue
			case live.GetLabels()[stack.LabelManagedBy] != stack.ManagedBy:
				p.foreign = append(p.foreign, Foreign{Kind: stack.IssuedKind, Name: name})
				continue
			case err == nil && same:
				continue
			}
		}
		p.try(p.makeSo(ctx, versionOf(seen.Issued, name), want, Manager), "applying %s %s", stack.IssuedKind, name)
	}
}

// holds says that what is there has everything that is wanted. There is no schema to read out of it what is ours.
func holds(live map[string]any, want *stack.IssuedCertificate) (bool, error) {
	wanted, err := runtime.DefaultUnstructuredConverter.ToUnstructured(want)
	if err != nil {
		return false, err
	}
	return equality.Semantic.DeepDerivative(wanted, live), nil
}
