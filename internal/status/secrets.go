package status

import (
	"fmt"

	"chatpdf.dev/operator/internal/observe"
)

// secretTrouble is what is wrong with the Secrets that the spec names.
func secretTrouble(seen *observe.Observed) *Trouble {
	key := seen.Deployment.Spec.LLM.APIKeySecretRef
	if key == nil {
		return nil
	}
	const field = "spec.llm.apiKeySecretRef"
	secret, exists := seen.Secrets[key.Name]
	filled, present := secret.Filled[key.Key]
	switch {
	case !exists:
		return &Trouble{Reason: ReasonSecretMissing, NeedsPerson: true, Unwatched: true, Message: fmt.Sprintf(
			"Secret %s does not exist in namespace %s. Create it with the key %s, or correct %s.", key.Name, seen.Deployment.Namespace, key.Key, field)}
	case !present:
		return &Trouble{Reason: ReasonSecretKeyMissing, NeedsPerson: true, Unwatched: true, Message: fmt.Sprintf(
			"Secret %s has no key %s. Add it, or correct %s.", key.Name, key.Key, field)}
	case !filled:
		return &Trouble{Reason: ReasonSecretKeyMissing, NeedsPerson: true, Unwatched: true, Message: fmt.Sprintf(
			"The key %s of Secret %s is empty. Put the API key there, or correct %s.", key.Key, key.Name, field)}
	}
	return nil
}
