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
	annotationAgentImage         = "chatpdf.dev/agent-image"
	annotationAgentReplaces      = "chatpdf.dev/agent-replaces"
	annotationAgentReplacesImage = "chatpdf.dev/agent-replaces-image"
)

// AgentUpdate is the exchange of the agent of one running pod for another image. The kubelet starts that one container
// anew (KEP-753, sidecar containers), and mongod goes on.
type AgentUpdate struct {
	// Image of the agent that is asked for; empty if nothing ever was.
	Image string
	// Replaces is the ID of the container that ran before; empty if none did.
	Replaces string
	// ReplacesImage is what the pod's spec said when that container was made. Where it says so again, nothing is replaced:
	// the exchange was taken back before the kubelet saw it, or a webhook makes the same image of both.
	ReplacesImage string
}

// ParseAgentUpdate reads the annotations of a pod; zero if its agent is that of its template.
func ParseAgentUpdate(annotations map[string]string) AgentUpdate {
	return AgentUpdate{
		Image: annotations[annotationAgentImage], Replaces: annotations[annotationAgentReplaces],
		ReplacesImage: annotations[annotationAgentReplacesImage],
	}
}

// Annotations for the pod.
func (u AgentUpdate) Annotations() map[string]string {
	return map[string]string{
		annotationAgentImage: u.Image, annotationAgentReplaces: u.Replaces, annotationAgentReplacesImage: u.ReplacesImage,
	}
}

// Pending says that a container with that ID, in a pod whose spec names that image, is the one to be replaced.
func (u AgentUpdate) Pending(container, image string) bool {
	return u.Replaces != "" && container == u.Replaces && image != u.ReplacesImage
}

// Agent is what the API server says about the agent of one member.
type Agent struct {
	// Update that was asked for last of this very pod.
	Update AgentUpdate
	// Image in the pod's spec.
	Image string
	// Container is the ID of the agent's present container; empty while there is none.
	Container string
	// Ready says that this container has started well, and is not one to be replaced.
	Ready bool
	// Failed says that the agent does not run although the kubelet has tried.
	Failed bool
}

// agentBehind says that the agent is not of the image that it should be. A pod of an older template gets the right
// one with all the rest.
func (v view) agentBehind(m Member) bool {
	return m.PodUID != "" && !m.PodTerminating && !m.PodOutdated && v.AgentImage != "" &&
		cmp.Or(m.Agent.Update.Image, v.TemplateAgentImage) != v.AgentImage
}

// brokenAgents exchanges an agent that fails, whatever the database does: without one a member cannot even start. One that
// is merely starting is left to do so: the image that ran well is what a new pod should start with.
func brokenAgents(v view) *Decision {
	if v.agentStarting() != nil {
		return nil
	}
	for _, m := range v.Members {
		if v.agentBehind(m) && m.Agent.Failed {
			return v.updateAgent(m)
		}
	}
	return nil
}

// agentImages brings the agents that run to this operator's image, the primary's last and each only while all that
// were exchanged run: an image that does not start stops at the first member. Of a fenced member nothing is touched.
func agentImages(v view) *Decision {
	if m := v.agentStarting(); m != nil {
		return wait(ReasonAgentStarting, "The agent of %s was exchanged for image %s and does not run yet; mongod does. If it stays so, "+
			"`kubectl describe pod %s` says why: correct the operator's --dbagent-image, or let the nodes get it.", v.name(*m), v.AgentImage, v.name(*m))
	}
	for _, m := range slices.Backward(v.Members) {
		if v.agentBehind(m) && !v.fenced(m) && m.Host != v.Database.Primary {
			return v.updateAgent(m)
		}
	}
	for _, m := range v.Members {
		if v.agentBehind(m) && !v.fenced(m) {
			return v.updateAgent(m)
		}
	}
	return nil
}

// agentStarting is a member whose agent was exchanged for this operator's, and does not run; nil if there is none.
func (v view) agentStarting() *Member {
	for _, m := range v.Members {
		if m.PodUID != "" && !m.PodTerminating && !m.PodOutdated && m.Agent.Update.Image != "" && m.Agent.Update.Image == v.AgentImage && !m.Agent.Ready {
			return &m
		}
	}
	return nil
}

func (v view) updateAgent(m Member) *Decision {
	update := AgentUpdate{Image: v.AgentImage, Replaces: m.Agent.Container, ReplacesImage: m.Agent.Image}
	if last := m.Agent.Update; last.Pending(m.Agent.Container, m.Agent.Image) {
		update.ReplacesImage = last.ReplacesImage // the kubelet has yet to see the exchange before
	}
	return take(Step{Kind: UpdateAgent, Host: m.Host, Pod: &PodRef{Name: v.name(m), UID: m.PodUID}, Agent: &update},
		"Exchanging the agent beside %s for the operator's, without a restart of mongod.", v.name(m))
}
