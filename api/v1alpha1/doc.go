// Package v1alpha1 is the API of the ChatPDF operator, group chatpdf.dev.
//
// What holds for every type here:
//
//   - A field exists only if it has an effect.
//   - Whatever the API server accepts decodes into these types: one object that does not decode
//     would stop the informer for all of them. Quantities are therefore checked by CEL as well as
//     by pattern.
//   - Nothing writes spec. Absence is resolved by the room that needs the value, never stored.
//   - No default stands inside a union: defaults are applied before validation, so a defaulted
//     member would make every other member "set together with it".
//   - Durations and sizes carry their unit in the name, unless they are Quantities.
//
// +kubebuilder:object:generate=true
// +groupName=chatpdf.dev
package v1alpha1
