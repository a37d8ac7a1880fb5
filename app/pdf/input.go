package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"chatpdf.dev/operator/app/chatpdf"
)

// readPiped takes in what cannot be read at random.
func readPiped(r io.Reader) (io.ReadSeeker, int64, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxPiped+1))
	if err != nil {
		return nil, 0, fmt.Errorf("read stdin: %w", err)
	}
	if len(data) > maxPiped {
		return nil, 0, fmt.Errorf("stdin is a pipe with more than %d bytes: give a file instead (chatpdf extract < document.pdf)", maxPiped)
	}
	return bytes.NewReader(data), int64(len(data)), nil
}

// checkMagic looks at the start of a file and goes back to it.
func checkMagic(r io.ReadSeeker) (*chatpdf.Failure, error) {
	head := make([]byte, MagicWindow)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read the start of the document: %w", err)
	}
	if !LooksLikePDF(head[:n]) {
		return failNotPDF(), nil
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("go back to the start of the document: %w", err)
	}
	return nil, nil
}
