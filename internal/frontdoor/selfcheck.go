package frontdoor

import (
	"errors"
	"fmt"
)

// CheckCited says what is wrong with the citations of an answer, nil if nothing is: there is one at
// least, and each names a page of the document and rectangles that lie on it.
func CheckCited(answer Answer, document Document) error {
	if !answer.Complete {
		return errors.New("the answer broke off")
	}
	if len(answer.Citations) == 0 {
		return fmt.Errorf("the answer cites nothing: %q", answer.Text)
	}
	for _, citation := range answer.Citations {
		if err := checkCitation(citation, document); err != nil {
			return fmt.Errorf("citation [%d]: %w", citation.ID, err)
		}
	}
	return nil
}

func checkCitation(citation Citation, document Document) error {
	if citation.Page < 1 || citation.Page > document.Pages {
		return fmt.Errorf("page %d of a document of %d pages", citation.Page, document.Pages)
	}
	if citation.Quote == "" {
		return errors.New("no quote")
	}
	if len(citation.Rects) == 0 {
		return errors.New("no rectangles")
	}
	for _, r := range citation.Rects {
		if r.X0 < 0 || r.Y0 < 0 || r.X1 > 1 || r.Y1 > 1 || r.X0 >= r.X1 || r.Y0 >= r.Y1 {
			return fmt.Errorf("rectangle %v does not lie on the page", r)
		}
	}
	return nil
}
