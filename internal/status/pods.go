package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"chatpdf.dev/operator/internal/mongodb"
	"chatpdf.dev/operator/internal/stack"
)

// podsTrouble is the worst that keeps pods of one component from running; nil if they run, or are
// merely on their way. field is where the spec says what such a pod needs.
func podsTrouble(pods []corev1.Pod, component, field string) *Trouble {
	var found []Trouble
	for i := range pods {
		pod := &pods[i]
		if pod.Labels[stack.LabelComponent] != component || pod.DeletionTimestamp != nil {
			continue
		}
		for _, check := range []func(*corev1.Pod, string) *Trouble{failed, unschedulable, anyContainer} {
			if trouble := check(pod, field); trouble != nil {
				found = append(found, *trouble)
				break
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	// The same pods give the same message, whatever order the cache lists them in.
	slices.SortFunc(found, func(a, b Trouble) int {
		return cmp.Or(compareBool(b.NeedsPerson, a.NeedsPerson), cmp.Compare(a.Message, b.Message))
	})
	return &found[0]
}

func failed(pod *corev1.Pod, _ string) *Trouble {
	if pod.Status.Phase != corev1.PodFailed {
		return nil
	}
	return &Trouble{Reason: ReasonPodFailed,
		Message: fmt.Sprintf("Pod %s has failed: %s. Another one takes its place if there is room.", pod.Name, words(pod.Status.Message, pod.Status.Reason))}
}

func unschedulable(pod *corev1.Pod, field string) *Trouble {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return &Trouble{Reason: ReasonPodUnschedulable,
				Message: fmt.Sprintf("Pod %s fits on no node: %s. Add a node, free one, or lower %s.resources.requests.", pod.Name, words(c.Message), field)}
		}
	}
	return nil
}

func anyContainer(pod *corev1.Pod, field string) *Trouble {
	return containersTrouble(pod, slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses), field)
}

func containersTrouble(pod *corev1.Pod, statuses []corev1.ContainerStatus, field string) *Trouble {
	for _, c := range statuses {
		if trouble := containerTrouble(pod, c, field); trouble != nil {
			return trouble
		}
	}
	return nil
}

func containerTrouble(pod *corev1.Pod, c corev1.ContainerStatus, field string) *Trouble {
	if waiting := c.State.Waiting; waiting != nil {
		switch waiting.Reason {
		case "InvalidImageName":
			return &Trouble{Reason: ReasonImagePullFailed, NeedsPerson: true,
				Message: fmt.Sprintf("Pod %s cannot use image %q: it is no valid name. Correct %s.", pod.Name, image(pod, c), imageField(c.Name))}
		case "ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed":
			return &Trouble{Reason: ReasonImagePullFailed,
				Message: fmt.Sprintf("Pod %s cannot get image %s: %s. Correct %s, or let the nodes reach the registry.",
					pod.Name, image(pod, c), pullError(waiting), imageField(c.Name))}
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
			return &Trouble{Reason: ReasonContainerStartFailed,
				Message: fmt.Sprintf("Pod %s cannot start container %s from image %s: %s. Correct what it names, or the image.",
					pod.Name, c.Name, image(pod, c), words(waiting.Message))}
		}
	}
	if c.Ready || (c.Started != nil && *c.Started && c.State.Running != nil && c.RestartCount == 0) {
		return nil
	}
	for _, end := range []*corev1.ContainerStateTerminated{c.State.Terminated, c.LastTerminationState.Terminated} {
		if end != nil && end.ExitCode != 0 {
			return crash(pod, c, end, field)
		}
	}
	return nil
}

// crash tells how a container ended that is not ready now. It says the same while the container is
// being restarted and while the kubelet holds the next start back: only then does the condition stand still.
func crash(pod *corev1.Pod, c corev1.ContainerStatus, end *corev1.ContainerStateTerminated, field string) *Trouble {
	const notExecutable, notFound, illegalInstruction = 126, 127, 132 // as shells give them; the last is 128 + SIGILL
	message := fmt.Sprintf("Container %s of pod %s ended with code %d: %s. See `kubectl logs -n %s %s -c %s --previous`.",
		c.Name, pod.Name, end.ExitCode, words(lastLine(end.Message), end.Reason), pod.Namespace, pod.Name, c.Name)
	reason := ReasonContainerCrashing
	switch {
	case end.Reason == "OOMKilled":
		message = fmt.Sprintf("Container %s of pod %s needs more memory than its limit and was killed. Raise %s.resources.limits.memory.", c.Name, pod.Name, field)
	case end.Reason == "StartError" || end.Reason == "ContainerCannotRun":
		reason = ReasonContainerStartFailed
		message = fmt.Sprintf("Pod %s cannot start container %s from image %s: %s. Correct %s.", pod.Name, c.Name, image(pod, c), words(end.Message), imageField(c.Name))
	case c.Name == "mongod" && (end.ExitCode == notExecutable || end.ExitCode == notFound):
		reason = ReasonContainerStartFailed
		message = fmt.Sprintf("Pod %s cannot start mongod from image %s: %s. Correct %s.", pod.Name, image(pod, c), words(lastLine(end.Message), "there is none"), imageField(c.Name))
	case c.Name == "mongod" && end.ExitCode == illegalInstruction:
		message = fmt.Sprintf("mongod of pod %s needs a processor with AVX (from MongoDB 5.0 on), which its node has not. Use other nodes, or an older spec.mongodb.image.", pod.Name)
	}
	return &Trouble{Reason: reason, Message: message}
}

// image is what the pod asks for: the status of a container that never started may not name it.
func image(pod *corev1.Pod, c corev1.ContainerStatus) string {
	for _, spec := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		if spec.Name == c.Name {
			return spec.Image
		}
	}
	return c.Image
}

// imageField is where the image of a container comes from.
func imageField(container string) string {
	switch container {
	case "mongod":
		return "spec.mongodb.image"
	case mongodb.AgentContainer, stack.BackupContainer:
		return "the operator's --dbagent-image"
	}
	return "spec.image"
}

// pullError is the kubelet's error without the back-off around it, which comes and goes.
func pullError(waiting *corev1.ContainerStateWaiting) string {
	message := waiting.Message
	if _, cause, ok := strings.Cut(message, "ErrImagePull: "); ok {
		message = cause
	}
	return words(message, waiting.Reason)
}

// words makes one short line of the first text that has any.
func words(texts ...string) string {
	const longest = 400
	for _, text := range texts {
		line := strings.TrimRight(strings.Join(strings.Fields(text), " "), ".")
		if line == "" {
			continue
		}
		if runes := []rune(line); len(runes) > longest {
			line = string(runes[:longest]) + "..."
		}
		return line
	}
	return "no reason given"
}

// lastLine is where a process that gives up says why.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
