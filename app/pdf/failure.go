package pdf

import (
	"fmt"

	"chatpdf.dev/operator/app/chatpdf"
)

func failNotPDF() *chatpdf.Failure {
	return &chatpdf.Failure{Code: chatpdf.FailureNotPDF, Message: "The file is not a PDF: it does not start with %PDF-."}
}

func failDamaged() *chatpdf.Failure {
	return &chatpdf.Failure{Code: chatpdf.FailureDamaged, Message: "The PDF is damaged or cut off and cannot be repaired. Upload it again, or save it anew from a program that still opens it."}
}

func failEncrypted() *chatpdf.Failure {
	return &chatpdf.Failure{Code: chatpdf.FailureEncrypted, Message: "The PDF is protected by a password. Save a copy without the password and upload that."}
}

func failNoText() *chatpdf.Failure {
	return &chatpdf.Failure{Code: chatpdf.FailureNoText, Message: "The PDF has no text, it seems to be a scan: only pictures of its pages. Run it through text recognition (OCR) and upload the result."}
}

func failTooManyPages(pages, limit int) *chatpdf.Failure {
	return &chatpdf.Failure{Code: chatpdf.FailureTooManyPages, Message: fmt.Sprintf("The PDF has %d pages, at most %d are allowed. Split it and upload the parts.", pages, limit)}
}

func failTooMuchWork() *chatpdf.Failure {
	return &chatpdf.Failure{Code: chatpdf.FailureTooMuchWork, Message: "Reading the PDF takes more time or memory than a document may use. Save it anew from another program, or split it and upload the parts."}
}
