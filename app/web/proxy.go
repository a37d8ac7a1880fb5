package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"time"

	"chatpdf.dev/operator/app/serve"
)

const (
	// formOverhead is room for what a form adds to the file in it; more than the backend allows, so
	// that the backend's answer is seen wherever possible.
	formOverhead = 128 << 10
	// answerAllowance lets the backend be the first to say that time is up.
	answerAllowance = 10 * time.Second
)

// newProxy passes requests on to the backend as they come.
func newProxy(o Options) http.Handler {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(o.Backend)
			// The backend compares the origin of a request with the host that the browser knows.
			p.Out.Host = p.In.Host
			// Entries that the client brought stay in front of the one that is true; the backend reads the last.
			p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
			p.SetXForwarded()
			if proto := p.In.Header.Get("X-Forwarded-Proto"); proto == "https" || proto == "http" {
				p.Out.Header.Set("X-Forwarded-Proto", proto) // whoever ended TLS in front of us says so
			}
			p.Out.Header.Set("X-Request-Id", serve.RequestOf(p.In.Context()).ID)
		},
		FlushInterval: -1,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, MaxIdleConns: 256, MaxIdleConnsPerHost: 256, IdleConnTimeout: 90 * time.Second,
			ResponseHeaderTimeout: o.Timeout + answerAllowance, ExpectContinueTimeout: time.Second,
			TLSHandshakeTimeout: 5 * time.Second, DisableCompression: true, MaxResponseHeaderBytes: 64 << 10,
		},
		ModifyResponse: func(response *http.Response) error {
			response.Header.Del("X-Request-Id") // ours is set already, and it is the same
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) { refuse(w, r, o, err) },
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > o.MaxFileSize+formOverhead {
			serve.Drain(r.Body)
			tooLarge(w, o)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, o.MaxFileSize+formOverhead)
		proxy.ServeHTTP(w, r)
	})
}

// refuse says why the backend's answer did not come.
func refuse(w http.ResponseWriter, r *http.Request, o Options, err error) {
	var large *http.MaxBytesError
	var timeout net.Error
	switch {
	case errors.As(err, &large):
		tooLarge(w, o)
	case errors.Is(r.Context().Err(), context.Canceled):
		w.WriteHeader(statusClientClosed)
	case errors.As(err, &timeout) && timeout.Timeout():
		o.Log.Warn("the backend did not answer in time", "request", serve.RequestOf(r.Context()).ID, "error", err)
		serve.WriteProblem(w, http.StatusGatewayTimeout, "The server did not answer in time: try again in a moment.")
	default:
		o.Log.Warn("the backend is away", "request", serve.RequestOf(r.Context()).ID, "error", err)
		w.Header().Set("Retry-After", "5")
		serve.WriteProblem(w, http.StatusBadGateway, "The server is away for the moment: try again shortly.")
	}
}

// statusClientClosed is what logs and metrics show for requests whose client has gone; nobody receives it.
const statusClientClosed = 499

func tooLarge(w http.ResponseWriter, o Options) {
	serve.WriteProblem(w, http.StatusRequestEntityTooLarge,
		fmt.Sprintf("The file is larger than %d bytes, the most that this server takes.", o.MaxFileSize))
}
