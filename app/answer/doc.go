// Package answer makes answers out of passages, each statement tied to the sentence that proves it:
// by quoting (Extractive) or through a model (Generator).
//
// What holds here:
//
//   - Citation numbers are given by this package in the order of first use, from 1. A marker that the
//     model writes is checked while it streams; one that names no sentence it was shown never reaches
//     the reader, and no marker arrives before its citation.
//   - Page numbers, quotes and rectangles come from the passage, never from the model.
//   - Text of documents is data: it reaches the model inside blocks that it cannot close.
package answer
