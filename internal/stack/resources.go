package stack

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"chatpdf.dev/operator/api/v1alpha1"
)

// defaults are the quantities that stand in for absent ones.
type defaults struct{ cpuRequest, cpuLimit, memoryRequest, memoryLimit string }

// resources are the four quantities of one container, all explicit.
type resources struct{ cpuRequest, cpuLimit, memoryRequest, memoryLimit resource.Quantity }

// resolve makes all four quantities explicit. A limit alone becomes the request too, as the API
// server itself does; a default never contradicts what was given.
func resolve(spec v1alpha1.ResourcesSpec, d defaults) resources {
	var r resources
	r.cpuRequest, r.cpuLimit = resolvePair(spec.Requests.CPU, spec.Limits.CPU, d.cpuRequest, d.cpuLimit)
	r.memoryRequest, r.memoryLimit = resolvePair(spec.Requests.Memory, spec.Limits.Memory, d.memoryRequest, d.memoryLimit)
	// The API server rounds in this way what is finer; what it would change could never be equal to
	// what is desired.
	for _, cpu := range []*resource.Quantity{&r.cpuRequest, &r.cpuLimit} {
		cpu.RoundUp(resource.Milli)
	}
	for _, memory := range []*resource.Quantity{&r.memoryRequest, &r.memoryLimit} {
		memory.RoundUp(0)
	}
	return r
}

func resolvePair(request, limit *resource.Quantity, defaultRequest, defaultLimit string) (resource.Quantity, resource.Quantity) {
	switch {
	case request != nil && limit != nil:
		return request.DeepCopy(), limit.DeepCopy()
	case limit != nil:
		return limit.DeepCopy(), limit.DeepCopy()
	case request != nil:
		l := resource.MustParse(defaultLimit)
		if request.Cmp(l) > 0 {
			l = request.DeepCopy()
		}
		return request.DeepCopy(), l
	}
	return resource.MustParse(defaultRequest), resource.MustParse(defaultLimit)
}

func (r resources) requirements() *corev1ac.ResourceRequirementsApplyConfiguration {
	return corev1ac.ResourceRequirements().
		WithRequests(corev1.ResourceList{corev1.ResourceCPU: r.cpuRequest, corev1.ResourceMemory: r.memoryRequest}).
		WithLimits(corev1.ResourceList{corev1.ResourceCPU: r.cpuLimit, corev1.ResourceMemory: r.memoryLimit})
}

// goMemoryLimit is GOMEMLIMIT in bytes: percent of the memory limit. Go's collector then works
// harder before the kernel has to kill; what is left is for what the collector does not count.
func (r resources) goMemoryLimit(percent int64) string {
	return strconv.FormatInt(r.memoryLimit.Value()/100*percent, 10)
}

// wiredTigerCacheGB is mongod's own rule for its cache, 50% of (memory - 1 GiB) and 256 MiB at the
// least (https://www.mongodb.com/docs/manual/reference/configuration-options/#mongodb-setting-storage.wiredTiger.engineConfig.cacheSizeGB),
// worked out from the container's limit. mongod itself has read the machine's memory instead on
// cgroup versions that it did not know, and was killed for it.
func (r resources) wiredTigerCacheGB() string {
	const gib = 1 << 30
	cache := max(0.25, 0.5*(float64(r.memoryLimit.Value())-gib)/gib)
	return fmt.Sprintf("%.2f", cache)
}
