// Package pdf turns the bytes of a PDF into pages of text whose sentences know where they stand.
//
// What holds here:
//
//   - Bytes are parsed only in a child process (ExtractMain), which is the same binary started again.
//     It has limits for memory, time, pages and text, an empty environment, no file but its standard
//     streams, and dies with its parent. PDFium runs in it as WebAssembly without any file system.
//   - The parent (Extractor) streams pages and never holds a document. Whatever happens to the child
//     becomes a chatpdf.Failure with a sentence for the uploader; it never harms the parent.
//   - Rectangles come from PDFium for the very characters of a sentence and are fractions of the page
//     as displayed, so crop box and rotation are dealt with once, here.
package pdf
