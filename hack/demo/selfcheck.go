package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"chatpdf.dev/operator/internal/frontdoor"
)

const (
	selfCheckDeadline = 5 * time.Minute
	handbookQuestion  = "How long is a worker's lease, and what happens to a document when its worker dies?"
)

// selfCheck does what a user does first, and fails unless the answer shows where it comes from.
func selfCheck(ctx context.Context, o options, steps *progress, url, password string) error {
	ctx, cancel := context.WithTimeout(ctx, selfCheckDeadline)
	defer cancel()
	door, err := frontdoor.New(url)
	if err != nil {
		return err
	}
	health, err := door.Health(ctx)
	if err != nil {
		return err
	}
	steps.now("/health says %s, version %s", health.Status, health.Version)
	if err := door.SignIn(ctx, "admin", password); err != nil {
		return err
	}
	path, question := o.pdf, o.question
	if path == "" {
		path = filepath.Join(o.root, "docs", "samples", "handbook.pdf")
		if question == "" {
			question = handbookQuestion
		}
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	document, err := door.Upload(ctx, filepath.Base(path), file)
	if err != nil {
		return err
	}
	document, err = door.WaitUntilRead(ctx, document.ID, func(d frontdoor.Document) {
		if d.Pages == 0 {
			steps.now("%s: %s", d.Name, d.State)
			return
		}
		steps.now("%s: %s, page %d of %d", d.Name, d.State, d.PagesDone, d.Pages)
	})
	if err != nil {
		return err
	}
	if question == "" {
		question = "What is this document about?"
	}
	steps.now("asking: %s", question)
	answer, err := door.Ask(ctx, question, document.ID)
	if err != nil {
		return err
	}
	if err := frontdoor.CheckCited(answer, document); err != nil {
		return err
	}
	if o.model.apiKey != "" && answer.Mode != frontdoor.ModeGenerated {
		return fmt.Errorf("a key was given, and the answer is %s all the same: the backend's log says why the model could not be asked", answer.Mode)
	}
	first := answer.Citations[0]
	steps.now("answered (%s), citing page %d of %s: “%s”", answer.Mode, first.Page, first.DocumentName, shorten(first.Quote, 120))
	return nil
}

func shorten(text string, runes int) string {
	all := []rune(text)
	if len(all) <= runes {
		return text
	}
	return fmt.Sprintf("%s…", string(all[:runes]))
}
