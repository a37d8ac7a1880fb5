package status

import (
	"fmt"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/observe"
	"chatpdf.dev/operator/internal/stack"
)

// secretTrouble is what is wrong with the Secrets that the spec names, that of the database first.
func secretTrouble(seen *observe.Observed) *Trouble {
	spec := seen.Deployment.Spec
	if external := spec.MongoDB.External; external != nil {
		if trouble := keyTrouble(seen, &external.URISecretRef, "spec.mongodb.external.uriSecretRef", "connection string"); trouble != nil {
			return trouble
		}
		if trouble := keyTrouble(seen, external.CASecretRef, "spec.mongodb.external.caSecretRef", "authorities' certificates"); trouble != nil {
			return trouble
		}
	}
	return keyTrouble(seen, spec.LLM.APIKeySecretRef, "spec.llm.apiKeySecretRef", "API key")
}

// keyTrouble is what is wrong with one key of a Secret; nil if nothing is, or if the spec names none.
func keyTrouble(seen *observe.Observed, key *v1alpha1.SecretKeyRef, field, what string) *Trouble {
	if key == nil {
		return nil
	}
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
			"The key %s of Secret %s is empty. Put the %s there, or correct %s.", key.Key, key.Name, what, field)}
	}
	return nil
}

// keyfileTrouble is what comes of a keyfile that somebody has changed by hand, or put back from an old copy.
func keyfileTrouble(seen *observe.Observed) *Trouble {
	edited := seen.Keyfile.Edited()
	for _, report := range seen.Database.Reports {
		edited = edited || seen.Keyfile.Strange(report.Keyfile)
	}
	if !edited {
		return nil
	}
	return &Trouble{Reason: ReasonKeyfileEdited, NeedsPerson: true, Unwatched: true, Message: fmt.Sprintf(
		"The keyfile in Secret %s is not the one that the members run with: one that restarts is not known by the others. "+
			"Put the Secret back as it was; to replace the keyfile, set spec.mongodb.keyfileRotation.request.", stack.NamesOf(seen.Deployment.Name).KeyfileSecret)}
}
