package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"chatpdf.dev/operator/app/serve"
	"chatpdf.dev/operator/app/store"
)

// cookieMaxAge is how long a browser keeps the cookie, in seconds; the server ends sessions sooner when they idle.
const cookieMaxAge = 30 * 24 * 60 * 60

// maxCredential bounds names and passwords, in bytes.
const maxCredential = 1024

type credentials struct {
	Body struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
}

type cookieOutput struct {
	Cookie http.Cookie `header:"Set-Cookie"`
}

type sessionOutput struct {
	Body struct {
		Username string     `json:"username"`
		Role     store.Role `json:"role" enum:"admin,user"`
	}
}

type limitsOutput struct {
	Body struct {
		MaxFileSizeBytes int64 `json:"maxFileSizeBytes"`
		MaxPages         int   `json:"maxPages"`
		GeneratedAnswers bool  `json:"generatedAnswers" doc:"false: answers are quotes"`
	}
}

func (s *server) sessionOperations(api huma.API) {
	huma.Register(api, huma.Operation{OperationID: "sign-in", Method: http.MethodPost, Path: "/api/v1/session",
		Summary: "Sign in", DefaultStatus: http.StatusNoContent, MaxBodyBytes: 8 << 10, BodyReadTimeout: s.Timeout,
		Errors: []int{http.StatusUnauthorized, http.StatusTooManyRequests}}, s.signIn)
	huma.Register(api, huma.Operation{OperationID: "get-session", Method: http.MethodGet, Path: "/api/v1/session",
		Summary: "Who is signed in", Security: signedIn}, s.session)
	huma.Register(api, huma.Operation{OperationID: "sign-out", Method: http.MethodDelete, Path: "/api/v1/session",
		Summary: "Sign out", DefaultStatus: http.StatusNoContent}, s.signOut)
	huma.Register(api, huma.Operation{OperationID: "get-limits", Method: http.MethodGet, Path: "/api/v1/limits",
		Summary: "What this server allows", Security: signedIn}, s.limits)
}

func (s *server) signIn(ctx context.Context, in *credentials) (*cookieOutput, error) {
	info := serve.RequestOf(ctx)
	username, password := in.Body.Username, in.Body.Password
	if username == "" || password == "" || len(username) > maxCredential || len(password) > maxCredential {
		return nil, problem(http.StatusUnprocessableEntity, "A user name and a password are needed, of at most 1024 bytes each.")
	}
	token, err := s.Auth.SignIn(ctx, info.Address, username, password)
	if err != nil {
		return nil, s.fail(ctx, err)
	}
	return &cookieOutput{Cookie: sessionCookie(info, token, cookieMaxAge)}, nil
}

func (s *server) session(ctx context.Context, _ *struct{}) (*sessionOutput, error) {
	user := userOf(ctx)
	out := &sessionOutput{}
	out.Body.Username, out.Body.Role = user.Username, user.Role
	return out, nil
}

type signOutInput struct {
	Secure string `cookie:"__Host-chatpdf" hidden:"true"`
	Plain  string `cookie:"chatpdf" hidden:"true"`
}

func (s *server) signOut(ctx context.Context, in *signOutInput) (*cookieOutput, error) {
	info := serve.RequestOf(ctx)
	token := in.Plain
	if info.HTTPS {
		token = in.Secure
	}
	if err := s.Auth.SignOut(ctx, token); err != nil {
		return nil, s.fail(ctx, err)
	}
	return &cookieOutput{Cookie: sessionCookie(info, "", -1)}, nil
}

func (s *server) limits(_ context.Context, _ *struct{}) (*limitsOutput, error) {
	out := &limitsOutput{}
	out.Body.MaxFileSizeBytes, out.Body.MaxPages, out.Body.GeneratedAnswers = s.MaxFileSize, s.MaxPages, s.Model != nil
	return out, nil
}
