package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"

	"chatpdf.dev/operator/hack/rig"
)

// openAI is what the application asks where nothing else is said.
const openAI = "https://api.openai.com/v1"

// model is the server that writes the answers, if the environment gives a key.
type model struct {
	apiKey         string // from the environment alone: never on a command line
	baseURL        string
	chat, embedded string // names; empty: the application's own choice
}

func modelOf(getenv func(string) string) (model, error) {
	m := model{
		apiKey: getenv("OPENAI_API_KEY"), baseURL: getenv("OPENAI_BASE_URL"),
		chat: getenv("OPENAI_CHAT_MODEL"), embedded: getenv("OPENAI_EMBEDDING_MODEL"),
	}
	if m.apiKey == "" {
		if m.baseURL != "" {
			return model{}, errors.New("OPENAI_BASE_URL is set but OPENAI_API_KEY is not: give a key (any word for a server that asks for none)")
		}
		return model{}, nil
	}
	if m.baseURL == "" {
		return m, nil
	}
	// Whoever put a password into it should not read it again in a log.
	u, err := url.Parse(m.baseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return model{}, fmt.Errorf("OPENAI_BASE_URL must look like %s, without user, password or query", openAI)
	}
	return m, nil
}

// through makes the local cluster's pods reach the server, and answers its URL as they have to write it.
func (m model) through(ctx context.Context, relay func(context.Context, string) (string, error)) (string, error) {
	if m.baseURL == "" {
		m.baseURL = openAI
	}
	u, err := url.Parse(m.baseURL)
	if err != nil {
		return "", errors.New("OPENAI_BASE_URL is no URL")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	target := net.JoinHostPort(u.Hostname(), port)
	reached, err := relay(ctx, target)
	if err != nil {
		return "", fmt.Errorf("letting pods reach the model's server: %w", err)
	}
	if reached == target {
		return m.baseURL, nil
	}
	if u.Scheme == "https" {
		return "", fmt.Errorf("pods reach %s as %s, which its certificate does not name: give OPENAI_BASE_URL the server's name, or http", target, reached)
	}
	u.Host = reached
	return u.String(), nil
}

// reachable readies the cluster for the model, if there is one.
func (m model) reachable(ctx context.Context, cluster rig.Cluster) (model, error) {
	if m.apiKey == "" || cluster.Name == "" {
		return m, nil
	}
	var err error
	m.baseURL, err = m.through(ctx, cluster.Relay)
	return m, err
}
