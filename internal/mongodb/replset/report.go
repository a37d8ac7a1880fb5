package replset

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"chatpdf.dev/operator/internal/dbagent/protocol"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/trust"
)

// awaits says that a member, by what its agent said last, has yet to take up something that the Secrets hold. From an
// agent that cannot say nothing is awaited.
func (t Target) awaits(said map[string]mongodb.Report, host string) bool {
	member, known := said[host]
	if t.Certificate == "" || known && member.Mute {
		return false
	}
	authorities, err := trust.Parse(t.CA)
	return err != nil || member.Serves != t.Certificate || member.Keyfile != t.Keyfile || !slices.Equal(member.Trusts, trust.Fingerprints(authorities))
}

// askAgents asks the agents of members that have not said yet that they go by what the Secrets hold. What was last
// known of the others stands, until they are not reached: then it may be another pod that comes back.
func (s *session) askAgents(ctx context.Context, target Target, probes map[string]mongodb.Probe) map[string]mongodb.Report {
	var (
		wait sync.WaitGroup
		mu   sync.Mutex
	)
	maps.DeleteFunc(s.reports, func(host string, _ mongodb.Report) bool {
		return !(probes[host].Reached || slices.Contains(target.Fenced, host)) || !slices.Contains(target.Hosts, host)
	})
	for _, host := range target.Hosts {
		// The agent of a fenced member answers where mongod does not, and may be another pod's by now.
		asks := probes[host].Reached && target.awaits(s.reports, host) || slices.Contains(target.Fenced, host)
		if !asks {
			continue
		}
		wait.Go(func() {
			answer, err := askAgent(ctx, target, host, s.credentials.AgentToken)
			if err != nil {
				return // asked again at the next look
			}
			mu.Lock()
			defer mu.Unlock()
			s.reports[host] = answer
		})
	}
	wait.Wait()
	return maps.Clone(s.reports)
}

func askAgent(ctx context.Context, target Target, host, token string) (mongodb.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	url, err := agentURL(host, protocol.ReportPath)
	if err != nil {
		return mongodb.Report{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return mongodb.Report{}, fmt.Errorf("asking the agent of %s: %w", host, err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	client, err := target.agentClient()
	if err != nil {
		return mongodb.Report{}, err
	}
	response, err := client.Do(request)
	if err != nil {
		return mongodb.Report{}, fmt.Errorf("asking the agent of %s: %s", host, reason(err))
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return mongodb.Report{Mute: true}, nil
	default:
		return mongodb.Report{}, fmt.Errorf("the agent of %s answered %s", host, response.Status)
	}
	var reply protocol.Report
	if err := json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&reply); err != nil {
		return mongodb.Report{}, fmt.Errorf("the agent of %s answered something else: %w", host, err)
	}
	return mongodb.Report{
		PodUID: types.UID(reply.PodUID), Serves: reply.Serves, Trusts: reply.Trusts, Keyfile: reply.Keyfile,
		Fences: reply.Fences, Fenced: reply.Fenced, Stopped: reply.Stopped,
	}, nil
}
