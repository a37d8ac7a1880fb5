// Package chatpdf is the domain: documents, pages, passages, questions, answers and the citations
// that tie an answer to the very sentence it comes from. It imports nothing of ours; everything
// else in the application is arranged around it.
//
// What holds here:
//
//   - A Sentence lies on one page and knows its rectangles, so that a citation can box it exactly.
//   - Coordinates are fractions of the page as a reader sees it, so no viewer needs to know points,
//     rotation or crop boxes.
//   - Everything belongs to an Owner; there is no way to ask for a document without naming one.
package chatpdf
