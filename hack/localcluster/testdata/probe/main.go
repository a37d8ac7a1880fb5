// Command probe is what the end-to-end test runs in pods: a small server that
// tells what the pod can do.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
)

func main() {
	http.HandleFunc("/hostname", func(w http.ResponseWriter, _ *http.Request) {
		name, err := os.Hostname()
		answer(w, name, err)
	})
	http.HandleFunc("/write", func(w http.ResponseWriter, r *http.Request) {
		path := r.FormValue("path")
		err := os.WriteFile(path, []byte(r.FormValue("content")), 0o644)
		var info syscall.Stat_t
		if err == nil {
			err = syscall.Stat(path, &info)
		}
		answer(w, fmt.Sprintf("%d:%d", info.Uid, info.Gid), err)
	})
	http.HandleFunc("/resolve", func(w http.ResponseWriter, r *http.Request) {
		addresses, err := net.DefaultResolver.LookupHost(r.Context(), r.FormValue("name"))
		answer(w, fmt.Sprint(addresses), err)
	})
	http.HandleFunc("/fetch", func(w http.ResponseWriter, r *http.Request) {
		response, err := http.Get(r.FormValue("url"))
		if err != nil {
			answer(w, "", err)
			return
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		answer(w, string(body), err)
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(":8080", nil))
	os.Exit(1)
}

func answer(w http.ResponseWriter, text string, err error) {
	if err != nil {
		text = "error: " + err.Error()
	}
	fmt.Fprint(w, text)
}
