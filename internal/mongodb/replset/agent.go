package replset

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"chatpdf.dev/operator/internal/dbagent/protocol"
	"chatpdf.dev/operator/internal/mongodb"
)

// bootstrapTimeout bounds one call of the agent: initiate, election and the first user.
const bootstrapTimeout = time.Minute

// bootstrap has the agent beside the chosen member initiate it. A crash anywhere in between is
// made good by calling again.
func bootstrap(ctx context.Context, target Target, step mongodb.Step) error {
	if step.Intent == nil {
		return fmt.Errorf("bootstrap of %s needs an intent", step.Host)
	}
	ctx, cancel := context.WithTimeout(ctx, bootstrapTimeout)
	defer cancel()
	credentials, err := target.Credentials(ctx)
	if err != nil {
		return fmt.Errorf("reading the credentials of the database: %w", err)
	}
	url, err := agentURL(step.Host, protocol.BootstrapPath)
	if err != nil {
		return err
	}
	body, err := json.Marshal(protocol.BootstrapRequest{PodUID: string(step.Intent.PodUID), MemberHost: step.Host, ReplicaSet: target.ReplicaSet})
	if err != nil {
		return fmt.Errorf("encoding the request to the agent of %s: %w", step.Host, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("calling the agent of %s: %w", step.Host, err)
	}
	request.Header.Set("Authorization", "Bearer "+credentials.AgentToken)
	request.Header.Set("Content-Type", "application/json")
	client, err := target.agentClient()
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("calling the agent of %s: %s", step.Host, reason(err))
	}
	defer response.Body.Close()
	return agentAnswer(step.Host, response)
}

// agentURL is an endpoint of the agent beside a member.
func agentURL(member, path string) (string, error) {
	host, _, err := net.SplitHostPort(member)
	if err != nil {
		return "", fmt.Errorf("member host %q: %w", member, err)
	}
	return "https://" + net.JoinHostPort(host, strconv.Itoa(mongodb.AgentPort)) + path, nil
}

// agentClient keeps no connection.
func (t Target) agentClient() (*http.Client, error) {
	tlsConfig, err := t.tls()
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &http.Transport{
		DialContext: t.dial(), TLSClientConfig: tlsConfig, DisableKeepAlives: true, TLSHandshakeTimeout: callTimeout,
	}}, nil
}

func agentAnswer(host string, response *http.Response) error {
	answer := io.LimitReader(response.Body, 64<<10)
	if response.StatusCode == http.StatusOK {
		var reply protocol.BootstrapReply
		if err := json.NewDecoder(answer).Decode(&reply); err != nil || reply.ReplicaSetID == "" {
			return fmt.Errorf("the agent of %s answered something that is no replica set id", host)
		}
		return nil
	}
	var refusal protocol.Refusal
	if err := json.NewDecoder(answer).Decode(&refusal); err != nil || refusal.Reason == "" {
		return fmt.Errorf("the agent of %s answered %s", host, response.Status)
	}
	if response.StatusCode == http.StatusUnauthorized {
		return fmt.Errorf("the agent of %s refuses the token: the Secret was changed after the pod read it; it reads it again within a minute", host)
	}
	return fmt.Errorf("the agent of %s: %s", host, refusal.Reason)
}
