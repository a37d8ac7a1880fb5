package apply

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"chatpdf.dev/operator/internal/mongodb/keyfile"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
)

// keyfileBytes is what MongoDB recommends: 1024 characters, the most that it takes, in base64.
const keyfileBytes = 756

func newMemberKey() string {
	key := make([]byte, keyfileBytes)
	rand.Read(key)
	return base64.StdEncoding.EncodeToString(key)
}

// ChangeKeyfile carries out one change. It holds only for the Secret that was read; it returns false if that is another
// by now: the next pass decides anew.
func (w *Writer) ChangeKeyfile(ctx context.Context, seen *observe.Observed, change stack.KeyfileChange) (done bool, err error) {
	secret, err := w.unchanged(ctx, seen, change.Secret.Name)
	if secret == nil || err != nil {
		return false, err
	}
	keys, err := keyfile.Parse(secret.Data[stack.KeyKeyfile])
	if err != nil {
		return false, fmt.Errorf("reading the keyfile in Secret %s: %w", secret.Name, err)
	}
	if secret.Annotations == nil {
		secret.Annotations = map[string]string{}
	}
	secret.Annotations[stack.AnnotationKeyfileBefore] = keyfile.Fingerprint(keys)
	if change.Add {
		keys = []string{keys[0], newMemberKey()}
		secret.Annotations[stack.AnnotationRotationRequest] = change.Request
	} else {
		keys = keys[1:]
	}
	secret.Data[stack.KeyKeyfile] = keyfile.Join(keys...)
	secret.Annotations[stack.AnnotationKeyfile] = keyfile.Fingerprint(keys)
	return true, w.Client.Update(ctx, secret, client.FieldOwner(Manager))
}
