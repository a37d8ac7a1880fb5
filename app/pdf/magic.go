package pdf

import "bytes"

// MagicWindow is how many bytes from the start of a file LooksLikePDF wants to see.
const MagicWindow = 1024

// LooksLikePDF says whether head, the first MagicWindow bytes of a file or all of a shorter one, holds
// the mark of a PDF. Readers accept the mark anywhere in that window, so files with a few bytes of
// rubbish in front are common.
func LooksLikePDF(head []byte) bool {
	return bytes.Contains(head[:min(len(head), MagicWindow)], []byte("%PDF-"))
}
