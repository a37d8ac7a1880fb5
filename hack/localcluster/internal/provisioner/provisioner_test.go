package provisioner

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

func options() controller.ProvisionOptions {
	policy := v1.PersistentVolumeReclaimDelete
	return controller.ProvisionOptions{
		StorageClass: &storagev1.StorageClass{ReclaimPolicy: &policy},
		PVName:       "pvc-1",
		PVC: &v1.PersistentVolumeClaim{Spec: v1.PersistentVolumeClaimSpec{
			AccessModes: []v1.PersistentVolumeAccessMode{v1.ReadWriteOnce},
			Resources:   v1.VolumeResourceRequirements{Requests: v1.ResourceList{v1.ResourceStorage: resource.MustParse("1Gi")}},
		}},
		SelectedNodeName: "node2",
	}
}

func TestVolumeLivesOnItsNodeUntilItIsDeleted(t *testing.T) {
	d := directories{t.TempDir()}
	volume, state, err := d.Provision(t.Context(), options())
	if err != nil || state != controller.ProvisioningFinished {
		t.Fatalf("%v (%v)", state, err)
	}
	term := volume.Spec.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0]
	if volume.Spec.Local == nil || term.Key != v1.LabelHostname || len(term.Values) != 1 || term.Values[0] != "node2" {
		t.Errorf("the volume is not bound to its node: %+v", volume.Spec)
	}
	info, err := os.Stat(volume.Spec.Local.Path)
	if err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("its directory: %v (%v)", info, err)
	}
	for range 2 { // deleting again is fine
		if err := d.Delete(t.Context(), volume); err != nil {
			t.Error(err)
		}
	}
	if _, err := os.Stat(volume.Spec.Local.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory is still there: %v", err)
	}
}

func TestClaimsThatCannotBeServedAreRefused(t *testing.T) {
	block := v1.PersistentVolumeBlock
	for name, change := range map[string]func(*controller.ProvisionOptions){
		"no node":    func(o *controller.ProvisionOptions) { o.SelectedNodeName = "" },
		"a selector": func(o *controller.ProvisionOptions) { o.PVC.Spec.Selector = &metav1.LabelSelector{} },
		"a device":   func(o *controller.ProvisionOptions) { o.PVC.Spec.VolumeMode = &block },
	} {
		t.Run(name, func(t *testing.T) {
			o := options()
			change(&o)
			d := directories{t.TempDir()}
			if _, state, err := d.Provision(t.Context(), o); err == nil || state != controller.ProvisioningFinished {
				t.Errorf("%v (%v)", state, err)
			}
		})
	}
}

func TestNothingOutsideTheVolumesIsEverDeleted(t *testing.T) {
	outside := t.TempDir()
	d := directories{filepath.Join(outside, "volumes")}
	for _, path := range []string{outside, d.root, "/", filepath.Join(d.root, "..", "pvc-1"), filepath.Join(d.root, "pvc-2")} {
		volume := &v1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pvc-1"}}
		volume.Spec.Local = &v1.LocalVolumeSource{Path: path}
		if err := d.Delete(t.Context(), volume); err == nil {
			t.Errorf("%s was deleted", path)
		}
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
}
