package mongodb

import (
	"cmp"
	"slices"
)

// AgentContainer is the name of the sidecar beside mongod.
const AgentContainer = "dbagent"

// Annotations of a pod whose agent was exchanged. What the pod's spec says is no proof of what was asked for: a
// webhook may put the image of a mirror there.
const (
	annotationAgentImage    = "chatpdf.dev/agent-image"
	annotationAgentReplaces = "chatpdf.dev/agent-replaces"
)

// AgentUpdate is the exchange of the agent of one running pod for another image. The kubelet starts that one container
// anew (KEP-753, sidecar containers), and mongod goes on.
type AgentUpdate struct {
	// Image of the agent that is asked for; empty if nothing ever was.
	Image string
	// Replaces is the ID of the container that ran the image before; empty if none did. Only another one is the new agent.
	Replaces string
}

// ParseAgentUpdate reads the annotations of a pod; zero if its agent is that of its template.
func ParseAgentUpdate(annotations map[string]string) AgentUpdate {
	return AgentUpdate{Image: annotations[annotationAgentImage], Replaces: annotations[annotationAgentReplaces]}
}

// Annotations for the pod.
func (u AgentUpdate) Annotations() map[string]string {
	return map[string]string{annotationAgentImage: u.Image, annotationAgentReplaces: u.Replaces}
}

// Agent is what the API server says about the agent of one member.
type Agent struct {
	// Update that was asked for last of this very pod.
	Update AgentUpdate
	// Container is the ID of the agent's present container; empty while there is none.
	Container string
	// Ready says that this container has started well, and is not the one to be replaced.
	Ready bool
}

// agentBehind says that the agent is not of the image that it should be. A pod of an older template gets the right
// one with all the rest.
func (v view) agentBehind(m Member) bool {
	return m.PodUID != "" && !m.PodTerminating && !m.PodOutdated && v.AgentImage != "" &&
		cmp.Or(m.Agent.Update.Image, v.TemplateAgentImage) != v.AgentImage
}

// brokenAgents exchanges an agent that does not run, whatever the database does: mongod does not notice, and without
// an agent a member cannot even start.
func brokenAgents(v view) *Decision {
	if v.agentStarting() != nil {
		return nil
	}
	for _, m := range v.Members {
		if v.agentBehind(m) && !m.Agent.Ready {
			return v.updateAgent(m)
		}
	}
	return nil
}

// agentImages brings the agents that run to this operator's image, the primary's last and each only while all that
// were exchanged run: an image that does not start stops at the first member.
func agentImages(v view) *Decision {
	var behind []Member
	for _, m := range v.Members {
		if v.agentBehind(m) {
			behind = append(behind, m)
		}
	}
	if len(behind) == 0 {
		return nil
	}
	if m := v.agentStarting(); m != nil {
		return wait(ReasonAgentStarting, "The agent of %s has to run before that of another member is exchanged.", v.name(*m))
	}
	for _, m := range slices.Backward(behind) {
		if m.Host != v.Database.Primary {
			return v.updateAgent(m)
		}
	}
	return v.updateAgent(behind[0])
}

// agentStarting is a member whose agent is as it should be, but does not run; nil if there is none.
func (v view) agentStarting() *Member {
	for _, m := range v.Members {
		if m.PodUID != "" && !m.PodTerminating && !v.agentBehind(m) && !m.Agent.Ready {
			return &m
		}
	}
	return nil
}

func (v view) updateAgent(m Member) *Decision {
	return take(Step{
		Kind: UpdateAgent, Host: m.Host, Pod: &PodRef{Name: v.name(m), UID: m.PodUID},
		Agent: &AgentUpdate{Image: v.AgentImage, Replaces: m.Agent.Container},
	}, "Exchanging the agent beside %s for the operator's; mongod goes on.", v.name(m))
}
