package chatpdf

// Question is what a user asks of some of their documents.
type Question struct {
	Owner     UserID
	Text      string
	Documents []DocumentID // empty: every document of the owner that is ready
}

// AnswerMode says who worded an answer.
type AnswerMode string

// An answer is either written by a model or made of quotes.
const (
	AnswerGenerated  AnswerMode = "generated"
	AnswerExtractive AnswerMode = "extractive"
)

// Answer is text with markers [1], [2], ... each of which is the ID of one of its Citations. A
// marker without a citation never reaches a reader.
type Answer struct {
	Mode      AnswerMode
	Text      string // Markdown: paragraphs, lists, emphasis, code; no HTML, no images
	Citations []Citation
	Complete  bool // false when the model's stream broke off
	Usage     Usage
}

// Citation points at the sentence that proves a statement.
type Citation struct {
	ID           int // the number in the marker, from 1; assigned by the server
	Document     DocumentID
	DocumentName string
	Page         int    // from 1
	Start, End   int    // bytes in Page.Text
	Quote        string // the sentence itself
	Rects        []Rect
}

// Usage is what an answer cost in tokens; zero when extractive.
type Usage struct {
	PromptTokens, CompletionTokens int
}
