package apply

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
)

// Rotate replaces passwords, in the Secrets that hold them: pods see the change as a file. What it writes
// holds only for the Secret that was read, and for the user that was seen in it.
// It returns those that it carried out.
func (w *Writer) Rotate(ctx context.Context, seen *observe.Observed, due []stack.Rotation) (done []stack.Rotation, err error) {
	for _, rotation := range due {
		switch err := w.rotate(ctx, seen, rotation); {
		case errors.Is(err, errSuperseded): // the next pass decides anew
		case err != nil:
			return done, fmt.Errorf("replacing the password in Secret %s: %w", rotation.Secret.Name, err)
		default:
			done = append(done, rotation)
		}
	}
	return done, nil
}

// errSuperseded: the Secret is another version than was decided on.
var errSuperseded = errors.New("the Secret has changed since it was read")

func (w *Writer) rotate(ctx context.Context, seen *observe.Observed, rotation stack.Rotation) error {
	var secret corev1.Secret
	if err := w.Client.Get(ctx, client.ObjectKey{Namespace: seen.Deployment.Namespace, Name: rotation.Secret.Name}, &secret); err != nil {
		return err
	}
	if secret.ResourceVersion != seen.Secrets[rotation.Secret.Name].Version {
		return errSuperseded
	}
	if rotation.Next != "" {
		secret.Data[stack.KeyNextUsername], secret.Data[stack.KeyNextPassword] = []byte(rotation.Next), []byte(rand.Text())
		return w.Client.Update(ctx, &secret, client.FieldOwner(Manager))
	}
	password := string(secret.Data[stack.KeyNextPassword])
	content := map[string][]byte{stack.KeyUsername: []byte(rotation.Took), stack.KeyPassword: []byte(password)}
	if recipe, connects := rotation.Secret.Recipe.(stack.DatabaseLogin); connects {
		recipe.Username = rotation.Took
		var err error
		if content, err = connection(recipe, password); err != nil {
			return err
		}
	}
	maps.Copy(secret.Data, content)
	delete(secret.Data, stack.KeyNextUsername)
	delete(secret.Data, stack.KeyNextPassword)
	annotations := map[string]string{
		stack.AnnotationRotatedAt: w.Clock.Now().UTC().Format(time.RFC3339), stack.AnnotationReplacedUser: mongodb.Alternate(rotation.Took),
	}
	if rotation.Request != "" {
		annotations[stack.AnnotationRotationRequest] = rotation.Request
	}
	if secret.Annotations == nil {
		secret.Annotations = map[string]string{}
	}
	maps.Copy(secret.Annotations, annotations)
	return w.Client.Update(ctx, &secret, client.FieldOwner(Manager))
}
