package apply

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"time"

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
		rotated, err := w.rotate(ctx, seen, rotation)
		if err != nil {
			return done, fmt.Errorf("replacing the password in Secret %s: %w", rotation.Secret.Name, err)
		}
		if rotated {
			done = append(done, rotation)
		}
	}
	return done, nil
}

func (w *Writer) rotate(ctx context.Context, seen *observe.Observed, rotation stack.Rotation) (done bool, err error) {
	secret, err := w.unchanged(ctx, seen, rotation.Secret.Name)
	if secret == nil || err != nil {
		return false, err
	}
	if rotation.Next != "" {
		secret.Data[stack.KeyNextUsername], secret.Data[stack.KeyNextPassword] = []byte(rotation.Next), []byte(rand.Text())
		return true, w.Client.Update(ctx, secret, client.FieldOwner(Manager))
	}
	password := string(secret.Data[stack.KeyNextPassword])
	content := map[string][]byte{stack.KeyUsername: []byte(rotation.Took), stack.KeyPassword: []byte(password)}
	if recipe, connects := rotation.Secret.Recipe.(stack.DatabaseLogin); connects {
		recipe.Username = rotation.Took
		var err error
		if content, err = connection(recipe, password); err != nil {
			return false, err
		}
	}
	maps.Copy(secret.Data, content)
	delete(secret.Data, stack.KeyNextUsername)
	delete(secret.Data, stack.KeyNextPassword)
	annotations := map[string]string{stack.AnnotationRotatedAt: w.Clock.Now().UTC().Format(time.RFC3339)}
	if replaced := mongodb.Alternate(rotation.Took); replaced != "" {
		annotations[stack.AnnotationReplacedUser] = replaced
	}
	if rotation.Request != "" {
		annotations[stack.AnnotationRotationRequest] = rotation.Request
	}
	if secret.Annotations == nil {
		secret.Annotations = map[string]string{}
	}
	maps.Copy(secret.Annotations, annotations)
	return true, w.Client.Update(ctx, secret, client.FieldOwner(Manager))
}
