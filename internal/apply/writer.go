package apply

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
)

// Field managers.
const (
	// Manager owns everything that the operator applies, but for the replicas of Deployments.
	Manager = "chatpdf"
	// ReplicasManager owns the replicas of Deployments and nothing else.
	ReplicasManager = "chatpdf-replicas"
)

// Writer writes.
type Writer struct {
	// Client's reads of Secrets must come from the API server.
	Client client.Client
	// Live asks the API server.
	Live client.Reader
	// Clock dates certificates.
	Clock clock.PassiveClock
}

// Foreign is an object that stands where one of ours should, and belongs to somebody else.
type Foreign struct {
	Kind, Name string
	// Owner is the controller that owns it; empty if somebody made it by hand.
	Owner metav1.OwnerReference
}

// configuration is an apply configuration of a named object.
type configuration interface {
	runtime.ApplyConfiguration
	GetAPIVersion() *string
	GetKind() *string
	GetName() *string
	GetNamespace() *string
}

// sync makes live what is desired, one object after the other; one that fails does not stop the
// others.
func sync[L any, P interface {
	*L
	client.Object
}, A configuration](ctx context.Context, pass *pass, live []L, desired []A, extract func(P, string) (A, error)) {
	for _, want := range desired {
		name, kind := *want.GetName(), *want.GetKind()
		if current := observe.Named[L, P](live, name); current != nil {
			if other := otherController(current, pass.owner); other != nil {
				pass.foreign = append(pass.foreign, Foreign{Kind: kind, Name: name, Owner: *other})
				continue
			}
			owned, err := extract(current, Manager)
			if err == nil && equality.Semantic.DeepEqual(owned, want) {
				continue
			}
		} else if stranger, err := pass.stranger(ctx, want); err != nil || stranger != nil {
			pass.try(err, "looking whether there is a %s %s already", kind, name)
			if stranger != nil {
				pass.foreign = append(pass.foreign, *stranger)
			}
			continue
		}
		pass.try(pass.makeSo(ctx, versionOf[L, P](live, name), want, Manager), "applying %s %s", kind, name)
	}
}

// versionOf is the version of a live object; empty if there is none.
func versionOf[L any, P interface {
	*L
	client.Object
}](live []L, name string) string {
	if object := observe.Named[L, P](live, name); object != nil {
		return object.GetResourceVersion()
	}
	return ""
}

// pass is what one pass of writing shares.
type pass struct {
	client  client.Client
	live    client.Reader
	owner   types.UID
	foreign []Foreign
	changed bool
	errs    []error
}

// stranger looks for an object that what was listed does not show, because it does not bear our labels:
// applied by force it would become ours, whoever made it.
func (p *pass) stranger(ctx context.Context, want configuration) (*Foreign, error) {
	found := &metav1.PartialObjectMetadata{}
	found.SetGroupVersionKind(schema.FromAPIVersionAndKind(*want.GetAPIVersion(), *want.GetKind()))
	err := p.live.Get(ctx, client.ObjectKey{Namespace: *want.GetNamespace(), Name: *want.GetName()}, found)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	controller := metav1.GetControllerOf(found)
	switch {
	case controller != nil && controller.UID == p.owner:
		return nil, nil
	case controller != nil:
		return &Foreign{Kind: *want.GetKind(), Name: *want.GetName(), Owner: *controller}, nil
	case found.Labels[stack.LabelManagedBy] == stack.ManagedBy:
		return nil, nil // the list was a moment behind
	}
	return &Foreign{Kind: *want.GetKind(), Name: *want.GetName()}, nil
}

// try notes an error with what was being done.
func (p *pass) try(err error, doing string, args ...any) {
	if err != nil {
		p.errs = append(p.errs, fmt.Errorf(doing+": %w", append(args, err)...))
	}
}

func (p *pass) err() error { return errors.Join(p.errs...) }

// makeSo applies, and notes whether that made what is there another version than was seen. It does not
// where a webhook puts something else in the place of what is asked for each time.
func (p *pass) makeSo(ctx context.Context, seen string, want any, manager string) error {
	version, err := p.apply(ctx, want, manager)
	p.changed = p.changed || err == nil && version != seen
	return err
}

// apply sends a copy: the client writes the API server's answer into what it is given, and desired
// objects share templates with the release that they came from. It returns the version that is there now.
func (p *pass) apply(ctx context.Context, want any, manager string) (version string, err error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(want)
	if err != nil {
		return "", fmt.Errorf("encoding: %w", err)
	}
	object := &unstructured.Unstructured{Object: content}
	err = p.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner(manager), client.ForceOwnership)
	return object.GetResourceVersion(), err
}

// otherController is the controller that owns the object, if that is not us.
func otherController(object metav1.Object, us types.UID) *metav1.OwnerReference {
	controller := metav1.GetControllerOf(object)
	if controller == nil || controller.UID == us {
		return nil
	}
	return controller
}
