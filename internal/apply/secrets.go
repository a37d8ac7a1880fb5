package apply

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net"
	"net/url"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/internal/mongodb/keyfile"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
)

// +kubebuilder:rbac:groups="",resources=secrets,verbs=create;update

// Secrets creates the Secrets that are missing, in order, and stops at the first that cannot be
// created, so that volumes are never made before every Secret exists. It returns the names of those
// that it must not make again, because volumes exist that only the lost ones could open.
func (w *Writer) Secrets(ctx context.Context, seen *observe.Observed, recipes []stack.SecretRecipe) (lost []string, err error) {
	for _, recipe := range recipes {
		if _, exists := seen.Secrets[recipe.Name]; exists {
			continue
		}
		if recipe.BoundToVolumes && len(seen.Claims) > 0 {
			lost = append(lost, recipe.Name)
		}
		if len(lost) > 0 {
			continue // what is left of a set of Secrets is not completed by others
		}
		if err := w.createSecret(ctx, seen.Deployment.Namespace, recipe); err != nil {
			return lost, fmt.Errorf("creating Secret %s: %w", recipe.Name, err)
		}
	}
	return lost, nil
}

func (w *Writer) createSecret(ctx context.Context, namespace string, recipe stack.SecretRecipe) error {
	data, err := w.content(ctx, namespace, recipe.Recipe)
	if err != nil {
		return err
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: recipe.Name, Labels: recipe.Labels, Annotations: recipe.Annotations},
		Type:       corev1.SecretTypeOpaque,
		Data:       data,
	}
	if keys, err := keyfile.Parse(data[stack.KeyKeyfile]); err == nil {
		secret.Annotations = maps.Clone(recipe.Annotations)
		if secret.Annotations == nil {
			secret.Annotations = map[string]string{}
		}
		secret.Annotations[stack.AnnotationKeyfile] = keyfile.Fingerprint(keys)
	}
	// Somebody was quicker, or the pass before had not seen it yet: theirs counts.
	if err := w.Client.Create(ctx, secret, client.FieldOwner(Manager)); !apierrors.IsAlreadyExists(err) {
		return err
	}
	return nil
}

// content follows a recipe. Randomness and time enter here and nowhere else.
func (w *Writer) content(ctx context.Context, namespace string, recipe any) (map[string][]byte, error) {
	switch r := recipe.(type) {
	case stack.Login:
		return map[string][]byte{stack.KeyUsername: []byte(r.Username), stack.KeyPassword: []byte(rand.Text())}, nil
	case stack.DatabaseLogin:
		return connection(r, rand.Text())
	case stack.Keyfile:
		return map[string][]byte{stack.KeyKeyfile: keyfile.Join(newMemberKey())}, nil
	case stack.Token:
		return map[string][]byte{stack.KeyToken: []byte(rand.Text())}, nil
	case stack.Authority:
		return newAuthority(r, w.Clock.Now())
	case stack.Certificate:
		var authority corev1.Secret
		if err := w.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: r.AuthoritySecret}, &authority); err != nil {
			return nil, fmt.Errorf("reading the certificate authority: %w", err)
		}
		if from := authority.Annotations[stack.AnnotationCertificatesFrom]; from != "" {
			return w.givenCertificate(ctx, client.ObjectKey{Namespace: namespace, Name: from}, &authority)
		}
		return newCertificate(r, authority.Data, w.Clock.Now())
	}
	return nil, fmt.Errorf("no recipe of type %T is known", recipe)
}

// connection is all that a client needs, under the names that are usual for it
// (https://servicebinding.io/spec/core/1.1.0/#well-known-secret-entries).
func connection(r stack.DatabaseLogin, password string) (map[string][]byte, error) {
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		return nil, fmt.Errorf("host of the database: %w", err)
	}
	return map[string][]byte{
		stack.KeyType: []byte("mongodb"), stack.KeyHost: []byte(host), stack.KeyPort: []byte(port), stack.KeyDatabase: []byte(r.Database),
		stack.KeyUsername: []byte(r.Username), stack.KeyPassword: []byte(password), stack.KeyURI: []byte(uri(r, password)),
	}, nil
}

// uri is the application's connection string. One name, the headless Service, is enough: the driver
// asks the member that it reaches for the others.
func uri(r stack.DatabaseLogin, password string) string {
	u := url.URL{
		Scheme: "mongodb", User: url.UserPassword(r.Username, password), Host: r.Host, Path: "/" + r.Database,
		RawQuery: "replicaSet=" + r.ReplicaSet + "&tls=true&authSource=admin&retryWrites=true&w=majority",
	}
	return u.String()
}
