package apply

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"chatpdf.dev/operator/internal/observe"
)

// GrowthManager owns the size that volume claims ask for, and nothing else: what [Manager] applies to a claim
// would take it back.
const GrowthManager = "chatpdf-growth"

// Grow asks for larger volumes, where the StorageClass allows that; and for less than before only where what was
// asked for did not come. It says whether it asked for anything.
func (w *Writer) Grow(ctx context.Context, seen *observe.Observed) (asked bool, err error) {
	p := &pass{client: w.Client}
	size := seen.VolumeSize()
	var errs []error
	for _, claim := range seen.SmallVolumes() {
		wants := claim.Spec.Resources.Requests[corev1.ResourceStorage]
		if wants.Cmp(size) == 0 || seen.CannotGrow(claim) {
			continue
		}
		_, err := p.apply(ctx, corev1ac.PersistentVolumeClaim(claim.Name, claim.Namespace).WithUID(claim.UID).
			WithSpec(corev1ac.PersistentVolumeClaimSpec().WithResources(corev1ac.VolumeResourceRequirements().
				WithRequests(corev1.ResourceList{corev1.ResourceStorage: size}))), GrowthManager)
		if err != nil {
			errs = append(errs, fmt.Errorf("asking for %s for PersistentVolumeClaim %s: %w", size.String(), claim.Name, err))
			continue
		}
		asked = true
	}
	return asked, errors.Join(errs...)
}
