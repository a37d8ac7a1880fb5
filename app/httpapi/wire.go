package httpapi

import (
	"time"

	"chatpdf.dev/operator/app/chatpdf"
	"chatpdf.dev/operator/app/store"
)

type wireDocument struct {
	ID        chatpdf.DocumentID    `json:"id"`
	Name      string                `json:"name"`
	Size      int64                 `json:"size" doc:"bytes"`
	SHA256    string                `json:"sha256"`
	State     chatpdf.DocumentState `json:"state" enum:"queued,processing,ready,failed"`
	Pages     int                   `json:"pages" doc:"0 until known"`
	PagesDone int                   `json:"pagesDone"`
	Failure   *wireFailure          `json:"failure,omitempty"`
	CreatedAt time.Time             `json:"createdAt"`
}

type wireFailure struct {
	Code    chatpdf.FailureCode `json:"code"`
	Message string              `json:"message"`
}

type wireJob struct {
	ID         chatpdf.JobID         `json:"id"`
	DocumentID chatpdf.DocumentID    `json:"documentId"`
	State      chatpdf.DocumentState `json:"state" enum:"queued,processing,ready,failed"`
	Attempts   int                   `json:"attempts"`
	PagesDone  int                   `json:"pagesDone"`
	Pages      int                   `json:"pages" doc:"0 until known"`
	Failure    *wireFailure          `json:"failure,omitempty"`
}

type wireUpload struct {
	Document wireDocument `json:"document"`
	Job      wireJobState `json:"job"`
}

type wireJobState struct {
	ID    chatpdf.JobID         `json:"id"`
	State chatpdf.DocumentState `json:"state" enum:"queued,processing,ready,failed"`
}

type wireAnswer struct {
	Mode      chatpdf.AnswerMode `json:"mode" enum:"generated,extractive"`
	Text      string             `json:"text" doc:"Markdown with markers [1], [2], ..., each the id of a citation"`
	Complete  bool               `json:"complete" doc:"false if the model's answer broke off"`
	Citations []wireCitation     `json:"citations"`
	Usage     wireUsage          `json:"usage"`
}

type wireCitation struct {
	ID           int                `json:"id"`
	DocumentID   chatpdf.DocumentID `json:"documentId"`
	DocumentName string             `json:"documentName"`
	Page         int                `json:"page" doc:"from 1"`
	Start        int                `json:"start" doc:"byte in the page's text"`
	End          int                `json:"end"`
	Quote        string             `json:"quote"`
	Rects        []wireRect         `json:"rects" doc:"fractions of the page as displayed, origin in the upper left corner"`
}

type wireRect struct {
	X0 float32 `json:"x0"`
	Y0 float32 `json:"y0"`
	X1 float32 `json:"x1"`
	Y1 float32 `json:"y1"`
}

type wireUsage struct {
	PromptTokens     int `json:"promptTokens"`
	CompletionTokens int `json:"completionTokens"`
}

func toDocument(d chatpdf.Document) wireDocument {
	return wireDocument{ID: d.ID, Name: d.Name, Size: d.Size, SHA256: d.SHA256, State: d.State, Pages: d.Pages,
		PagesDone: d.PagesDone, Failure: toFailure(d.Failure), CreatedAt: d.CreatedAt.UTC()}
}

func toFailure(f *chatpdf.Failure) *wireFailure {
	if f == nil {
		return nil
	}
	return &wireFailure{Code: f.Code, Message: f.Message}
}

func toJob(j store.Job) wireJob {
	return wireJob{ID: j.ID, DocumentID: j.Document.ID, State: j.Document.State, Attempts: j.Attempts,
		PagesDone: j.Document.PagesDone, Pages: j.Document.Pages, Failure: toFailure(j.Document.Failure)}
}

func toAnswer(a chatpdf.Answer) wireAnswer {
	answer := wireAnswer{Mode: a.Mode, Text: a.Text, Complete: a.Complete, Citations: []wireCitation{},
		Usage: wireUsage{PromptTokens: a.Usage.PromptTokens, CompletionTokens: a.Usage.CompletionTokens}}
	for _, c := range a.Citations {
		answer.Citations = append(answer.Citations, toCitation(c))
	}
	return answer
}

func toCitation(c chatpdf.Citation) wireCitation {
	citation := wireCitation{ID: c.ID, DocumentID: c.Document, DocumentName: c.DocumentName, Page: c.Page,
		Start: c.Start, End: c.End, Quote: c.Quote, Rects: []wireRect{}}
	for _, r := range c.Rects {
		citation.Rects = append(citation.Rects, wireRect(r))
	}
	return citation
}
