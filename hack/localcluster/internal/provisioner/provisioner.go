// Package provisioner makes persistent volumes: a directory below the
// cluster's state per volume, as a PersistentVolume of type local, for which
// kubelet applies fsGroup (it does not for hostPath). Deleting the volume
// deletes the directory. Sizes are not enforced.
package provisioner

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"

	"chatpdf.dev/operator/hack/localcluster/internal/spec"
)

// Name is the provisioner that the storage class names.
const Name = "localcluster.chatpdf.dev/directory"

// Run provisions until ctx is done.
func Run(ctx context.Context, s spec.Spec) error {
	config, err := clientcmd.BuildConfigFromFlags("", s.Kubeconfig("provisioner"))
	if err != nil {
		return fmt.Errorf("reading the provisioner's kubeconfig: %w", err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making the provisioner's client: %w", err)
	}
	if err := os.MkdirAll(s.Volumes(), 0o755); err != nil {
		return fmt.Errorf("making the directory of volumes: %w", err)
	}
	controller.NewProvisionController(ctx, client, Name, directories{s.Volumes()},
		controller.LeaderElection(false), controller.MetricsPort(0)).Run(ctx)
	return nil
}

// directories provisions volumes below root.
type directories struct{ root string }

// Provision makes the directory of a volume. Like the root of a fresh file
// system it belongs to root with mode 0755: a pod that is not root needs an
// fsGroup, as it would elsewhere.
func (d directories) Provision(_ context.Context, options controller.ProvisionOptions) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	claim := options.PVC
	if options.SelectedNodeName == "" {
		return nil, controller.ProvisioningFinished, errors.New("the storage class must bind with WaitForFirstConsumer: a volume lies on the node of its pod")
	}
	if claim.Spec.Selector != nil {
		return nil, controller.ProvisioningFinished, errors.New("claims with a selector are not supported: remove spec.selector")
	}
	if claim.Spec.VolumeMode != nil && *claim.Spec.VolumeMode == v1.PersistentVolumeBlock {
		return nil, controller.ProvisioningFinished, errors.New("block volumes are not supported: use volumeMode Filesystem")
	}
	path := filepath.Join(d.root, options.PVName)
	if err := os.MkdirAll(path, 0o755); err != nil {
		return nil, controller.ProvisioningFinished, fmt.Errorf("making the volume's directory: %w", err)
	}
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: options.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   claim.Spec.AccessModes,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: claim.Spec.Resources.Requests[v1.ResourceStorage]},
			PersistentVolumeSource:        v1.PersistentVolumeSource{Local: &v1.LocalVolumeSource{Path: path}},
			NodeAffinity:                  onlyOn(options.SelectedNodeName),
		},
	}, controller.ProvisioningFinished, nil
}

// Delete deletes the directory of a volume, and nothing outside root.
func (d directories) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	if volume.Spec.Local == nil {
		return &controller.IgnoredError{Reason: "not a local volume"}
	}
	name, err := filepath.Rel(d.root, volume.Spec.Local.Path)
	if err != nil || name != volume.Name || strings.ContainsRune(name, filepath.Separator) {
		return fmt.Errorf("the volume's directory %s is not the one made for it: delete it by hand", volume.Spec.Local.Path)
	}
	if err := os.RemoveAll(volume.Spec.Local.Path); err != nil {
		return fmt.Errorf("deleting the volume's directory: %w", err)
	}
	return nil
}

func onlyOn(node string) *v1.VolumeNodeAffinity {
	return &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{{
		MatchExpressions: []v1.NodeSelectorRequirement{{
			Key: v1.LabelHostname, Operator: v1.NodeSelectorOpIn, Values: []string{node},
		}},
	}}}}
}
