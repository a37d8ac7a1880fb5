package stack

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/mongodb"
)

func TestVolumesGrowByThemselvesWithinTheirLimitAndOnlyWhenTheyFill(t *testing.T) {
	quantity := func(s string) *resource.Quantity { return new(resource.MustParse(s)) }
	volume := func(asks, has string) VolumeSize { return VolumeSize{*quantity(asks), *quantity(has)} }
	const gibi = 1 << 30
	for _, test := range []struct {
		name string
		max  string // empty: off
		live []VolumeSize
		disk mongodb.Disk
		want string
	}{
		{"off, and full", "", []VolumeSize{volume("10Gi", "10Gi")}, mongodb.Disk{UsedPercent: 95, Total: 10 * gibi}, "10Gi"},
		{"not filling", "100Gi", []VolumeSize{volume("10Gi", "10Gi")}, mongodb.Disk{UsedPercent: 75, Total: 10 * gibi}, "10Gi"},
		{"not measured", "100Gi", []VolumeSize{volume("10Gi", "10Gi")}, mongodb.Disk{}, "10Gi"},
		{"filling", "100Gi", []VolumeSize{volume("10Gi", "10Gi")}, mongodb.Disk{UsedPercent: 80, Total: 10 * gibi}, "13Gi"},
		{"filling, what the file system takes for itself left out", "100Gi", []VolumeSize{volume("10Gi", "10Gi")}, mongodb.Disk{UsedPercent: 80, Total: 97 * gibi / 10}, "13Gi"},
		{"it grows already", "100Gi", []VolumeSize{volume("13Gi", "10Gi")}, mongodb.Disk{UsedPercent: 80, Total: 10 * gibi}, "13Gi"},
		{"it has grown by a quarter, and was measured before", "100Gi", []VolumeSize{volume("13Gi", "13Gi")}, mongodb.Disk{UsedPercent: 80, Total: 10 * gibi}, "13Gi"},
		{"somebody made one larger than the limit", "100Gi", []VolumeSize{volume("500Gi", "500Gi"), volume("10Gi", "10Gi")}, mongodb.Disk{UsedPercent: 50, Total: 10 * gibi}, "10Gi"},
		{"it has grown, its file system has not yet", "100Gi", []VolumeSize{volume("16Gi", "16Gi")}, mongodb.Disk{UsedPercent: 95, Total: 10 * gibi}, "16Gi"},
		{"it has grown, and the spec says less", "100Gi", []VolumeSize{volume("13Gi", "13Gi")}, mongodb.Disk{UsedPercent: 60, Total: 13 * gibi}, "13Gi"},
		{"one member lags behind the others", "100Gi", []VolumeSize{volume("13Gi", "13Gi"), volume("10Gi", "10Gi")}, mongodb.Disk{UsedPercent: 80, Total: 13 * gibi}, "13Gi"},
		{"the limit", "11Gi", []VolumeSize{volume("10Gi", "10Gi")}, mongodb.Disk{UsedPercent: 90, Total: 10 * gibi}, "11Gi"},
		{"at the limit", "11Gi", []VolumeSize{volume("11Gi", "11Gi")}, mongodb.Disk{UsedPercent: 90, Total: 11 * gibi}, "11Gi"},
		{"a directory of a larger disk", "100Gi", []VolumeSize{volume("10Gi", "10Gi")}, mongodb.Disk{UsedPercent: 90, Total: 200 * gibi}, "10Gi"},
		{"no volume yet", "100Gi", nil, mongodb.Disk{UsedPercent: 90, Total: 10 * gibi}, "10Gi"},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec := v1alpha1.ChatPDFDeploymentSpec{MongoDB: v1alpha1.MongoDBSpec{Storage: v1alpha1.StorageSpec{Size: quantity("10Gi")}}}
			if test.max != "" {
				spec.MongoDB.Storage.Growth = &v1alpha1.StorageGrowthSpec{MaxSize: quantity(test.max)}
			}
			if got := WantedVolumeSize(spec, test.live, test.disk); got.Cmp(*quantity(test.want)) != 0 {
				t.Errorf("it is %s, want %s", got.String(), test.want)
			}
		})
	}
}
