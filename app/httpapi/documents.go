package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"chatpdf.dev/operator/app/chatpdf"
)

type documentInput struct {
	ID chatpdf.DocumentID `path:"id" maxLength:"64"`
}

type jobInput struct {
	ID chatpdf.JobID `path:"id" maxLength:"64"`
}

type listInput struct {
	Limit int                `query:"limit" default:"100" minimum:"1" maximum:"1000"`
	After chatpdf.DocumentID `query:"after" maxLength:"64" doc:"the last answer's next"`
}

type documentOutput struct{ Body wireDocument }

type jobOutput struct{ Body wireJob }

type listOutput struct {
	Body struct {
		Documents []wireDocument     `json:"documents" doc:"newest first"`
		Next      chatpdf.DocumentID `json:"next,omitempty" doc:"there are more: pass this as after"`
	}
}

func (s *server) documentOperations(api huma.API) {
	notFound := []int{http.StatusNotFound}
	huma.Register(api, huma.Operation{OperationID: "list-documents", Method: http.MethodGet, Path: "/api/v1/documents",
		Summary: "List documents", Security: signedIn, Errors: notFound}, s.listDocuments)
	huma.Register(api, huma.Operation{OperationID: "get-document", Method: http.MethodGet, Path: "/api/v1/documents/{id}",
		Summary: "Get a document", Security: signedIn, Errors: notFound}, s.getDocument)
	huma.Register(api, huma.Operation{OperationID: "delete-document", Method: http.MethodDelete, Path: "/api/v1/documents/{id}",
		Summary: "Delete a document with all that was made of it", DefaultStatus: http.StatusNoContent,
		Security: signedIn, Errors: notFound}, s.deleteDocument)
	huma.Register(api, huma.Operation{OperationID: "get-job", Method: http.MethodGet, Path: "/api/v1/jobs/{id}",
		Summary: "See how far the ingestion of a document is", Security: signedIn, Errors: notFound}, s.getJob)
}

func (s *server) listDocuments(ctx context.Context, in *listInput) (*listOutput, error) {
	documents, more, err := s.Store.Documents(ctx, userOf(ctx).ID, in.Limit, in.After)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	out := &listOutput{}
	out.Body.Documents = []wireDocument{}
	for _, d := range documents {
		out.Body.Documents = append(out.Body.Documents, toDocument(d))
	}
	if more {
		out.Body.Next = documents[len(documents)-1].ID
	}
	return out, nil
}

func (s *server) getDocument(ctx context.Context, in *documentInput) (*documentOutput, error) {
	d, err := s.Store.Document(ctx, userOf(ctx).ID, in.ID)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return &documentOutput{Body: toDocument(d)}, nil
}

func (s *server) deleteDocument(ctx context.Context, in *documentInput) (*struct{}, error) {
	if err := s.Store.DeleteDocument(ctx, userOf(ctx).ID, in.ID); err != nil {
		return nil, s.fail(ctx, err)
	}
	s.Indexes.Remove(in.ID)
	return nil, nil
}

func (s *server) getJob(ctx context.Context, in *jobInput) (*jobOutput, error) {
	j, err := s.Store.Job(ctx, userOf(ctx).ID, in.ID)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return &jobOutput{Body: toJob(j)}, nil
}
