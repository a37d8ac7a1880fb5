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

	"chatpdf.dev/operator/internal/dbagent/protocol"
	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/mongodb/trust"
)

// awaitsCertificates says that a member, by what its agent said last, has yet to take up the certificate that it
// should serve or the authorities that it should trust. From an agent that cannot say nothing is awaited.
func (t Target) awaitsCertificates(said map[string]mongodb.MemberCertificates, host string) bool {
	member, known := said[host]
	if t.Certificate == "" || known && member.Mute {
		return false
	}
	authorities, err := trust.Parse(t.CA)
	return err != nil || member.Serves != t.Certificate || !slices.Equal(member.Trusts, trust.Fingerprints(authorities))
}

// askCertificates asks the agents of members that have not said yet that they have taken up what they should. What
// was last known of the others stands.
func (s *session) askCertificates(ctx context.Context, target Target, probes map[string]mongodb.Probe) map[string]mongodb.MemberCertificates {
	var (
		wait sync.WaitGroup
		mu   sync.Mutex
	)
	for _, host := range target.Hosts {
		if !probes[host].Reached {
			if s.certificates[host].Mute {
				delete(s.certificates, host) // perhaps another agent comes back
			}
			continue
		}
		if !target.awaitsCertificates(s.certificates, host) {
			continue
		}
		wait.Go(func() {
			answer, err := askCertificates(ctx, target, host)
			if err != nil {
				return // asked again at the next look
			}
			mu.Lock()
			defer mu.Unlock()
			s.certificates[host] = answer
		})
	}
	wait.Wait()
	maps.DeleteFunc(s.certificates, func(host string, _ mongodb.MemberCertificates) bool { return !slices.Contains(target.Hosts, host) })
	return maps.Clone(s.certificates)
}

func askCertificates(ctx context.Context, target Target, host string) (mongodb.MemberCertificates, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	url, err := agentURL(host, protocol.CertificatesPath)
	if err != nil {
		return mongodb.MemberCertificates{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return mongodb.MemberCertificates{}, fmt.Errorf("asking the agent of %s: %w", host, err)
	}
	client, err := target.agentClient()
	if err != nil {
		return mongodb.MemberCertificates{}, err
	}
	response, err := client.Do(request)
	if err != nil {
		return mongodb.MemberCertificates{}, fmt.Errorf("asking the agent of %s: %s", host, reason(err))
	}
	defer response.Body.Close()
	var reply protocol.Certificates
	if response.StatusCode == http.StatusNotFound {
		return mongodb.MemberCertificates{Mute: true}, nil
	}
	if response.StatusCode != http.StatusOK {
		return mongodb.MemberCertificates{}, fmt.Errorf("the agent of %s answered %s", host, response.Status)
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 64<<10)).Decode(&reply); err != nil {
		return mongodb.MemberCertificates{}, fmt.Errorf("the agent of %s answered something else: %w", host, err)
	}
	return mongodb.MemberCertificates{Serves: reply.Serves, Trusts: reply.Trusts}, nil
}
