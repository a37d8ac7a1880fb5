// Package retrieve finds the passages that answer a question: it cuts pages into passages, keeps an
// inverted index and vectors for each document, and searches many documents at once.
//
// What holds here:
//
//   - No input or output: passages come from the caller, results name them by document and ordinal.
//   - An Index belongs to one document and never changes, so it is built once, cached by bytes, shared
//     by any number of searches and thrown away when its document goes.
//   - Statistics (how rare a word is) are those of the documents searched, never of documents that
//     belong to someone else.
package retrieve
