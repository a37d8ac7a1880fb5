package stack

// Replicas is the number of pods of one Deployment, written by a field manager of its own. The
// manager of everything else never names the field: if it did, and stopped once an autoscaler takes
// over, the API server would reset it to 1.
type Replicas struct {
	// Deployment is the name.
	Deployment string
	// Count to write.
	Count int32
}

// replicas are the counts to write in this pass: those that no autoscaler decides. Until the
// autoscaler has been seen, an autoscaled Deployment is kept within its range; after that nobody
// here writes its replicas again, which leaves them as they are.
func replicas(in Input) []Replicas {
	spec, names := in.Deployment.Spec, NamesOf(in.Deployment.Name)
	all := []Replicas{{Deployment: names.Frontend, Count: FrontendReplicas(spec.Frontend)}}
	switch {
	case spec.Backend.Autoscaling == nil:
		return append(all, Replicas{Deployment: names.Backend, Count: MinReplicas(spec.Backend)})
	case in.AutoscalerExists:
		return all
	}
	count := max(MinReplicas(spec.Backend), min(in.LiveBackendReplicas, MaxReplicas(spec.Backend)))
	if count == in.LiveBackendReplicas {
		return all
	}
	return append(all, Replicas{Deployment: names.Backend, Count: count})
}
