package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/yaml"

	"chatpdf.dev/operator/api/v1alpha1"
)

const (
	fieldOwner = client.FieldOwner("chatpdf-demo")
	// readyDeadline is how long a first start may take on a slow machine that pulls its images.
	readyDeadline = 10 * time.Minute
	keySecretName = "openai"
)

// api is the cluster's API as the demo uses it.
type api struct {
	client.WithWatch
}

func newAPI(kubeconfig string) (api, error) {
	// The client's own log is of no use here, and controller-runtime insists on being given one.
	log.SetLogger(logr.Discard())
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	if kubeconfig != "" {
		rules = &clientcmd.ClientConfigLoadingRules{ExplicitPath: kubeconfig}
	}
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return api{}, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return api{}, err
	}
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return api{}, err
	}
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme})
	return api{c}, err
}

// applySample applies config/samples/minimal in a namespace that admits only restricted pods, with a
// model if the environment gave a key. It names the image: a resource of an earlier demo would go on
// running the application of that time.
func (a api) applySample(ctx context.Context, o options, image string) error {
	namespace := corev1ac.Namespace(demoNamespace).WithLabels(map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
	if err := a.Apply(ctx, namespace, fieldOwner, client.ForceOwnership); err != nil {
		return fmt.Errorf("namespace %s: %w", demoNamespace, err)
	}
	raw, err := os.ReadFile(filepath.Join(o.root, "config", "samples", "minimal.yaml"))
	if err != nil {
		return err
	}
	var sample v1alpha1.ChatPDFDeployment
	if err := yaml.UnmarshalStrict(raw, &sample); err != nil {
		return fmt.Errorf("config/samples/minimal.yaml: %w", err)
	}
	sample.Namespace, sample.Name, sample.Spec.Image = demoNamespace, deploymentName, image
	if o.model.apiKey != "" {
		secret := corev1ac.Secret(keySecretName, demoNamespace).WithStringData(map[string]string{"api-key": o.model.apiKey})
		if err := a.Apply(ctx, secret, fieldOwner, client.ForceOwnership); err != nil {
			return fmt.Errorf("secret %s: %w", keySecretName, err)
		}
		sample.Spec.LLM = v1alpha1.LLMSpec{
			BaseURL: o.model.baseURL, APIKeySecretRef: &v1alpha1.SecretKeyRef{Name: keySecretName, Key: "api-key"},
			ChatModel: o.model.chat, EmbeddingModel: o.model.embedded,
		}
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&v1alpha1.ChatPDFDeployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "ChatPDFDeployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: sample.Namespace, Name: sample.Name, Labels: sample.Labels},
		Spec:       sample.Spec,
	})
	if err != nil {
		return err
	}
	delete(object, "status")
	return a.Apply(ctx, client.ApplyConfigurationFromUnstructured(&unstructured.Unstructured{Object: object}), fieldOwner, client.ForceOwnership)
}

// waitReady waits until the resource is Ready and tells each change of its conditions.
func (a api) waitReady(ctx context.Context, steps *progress) error {
	ctx, cancel := context.WithTimeout(ctx, readyDeadline)
	defer cancel()
	last := "no status yet: does the operator run?"
	for ctx.Err() == nil {
		// A watch may be closed at any time; the next one starts with what is there.
		watch, err := a.Watch(ctx, &v1alpha1.ChatPDFDeploymentList{}, client.InNamespace(demoNamespace))
		if err != nil {
			return fmt.Errorf("watching the resource: %w", err)
		}
		for event := range watch.ResultChan() {
			deployment, ok := event.Object.(*v1alpha1.ChatPDFDeployment)
			if !ok || deployment.Name != deploymentName || deployment.Status.ObservedGeneration != deployment.Generation {
				continue
			}
			conditions := deployment.Status.Conditions
			last = sentence(conditions)
			steps.now("%s", last)
			if stalled := meta.FindStatusCondition(conditions, v1alpha1.ConditionStalled); stalled != nil && stalled.Status == metav1.ConditionTrue {
				return fmt.Errorf("the operator needs a person: %s", stalled.Message)
			}
			if meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReady) {
				return nil
			}
		}
	}
	return fmt.Errorf("%s/%s is not Ready: %s", demoNamespace, deploymentName, last)
}

// sentence is the state of the parts in one line.
func sentence(conditions []metav1.Condition) string {
	var parts []string
	for _, part := range []struct{ name, condition string }{
		{"database", v1alpha1.ConditionDatabaseAvailable}, {"backend", v1alpha1.ConditionBackendAvailable}, {"frontend", v1alpha1.ConditionFrontendAvailable},
	} {
		word := "waiting"
		if c := meta.FindStatusCondition(conditions, part.condition); c != nil {
			if word = "available"; c.Status != metav1.ConditionTrue {
				word = c.Reason
			}
		}
		parts = append(parts, part.name+" "+word)
	}
	return strings.Join(parts, ", ")
}

func (a api) adminPassword(ctx context.Context) (string, error) {
	var secret corev1.Secret
	key := client.ObjectKey{Namespace: demoNamespace, Name: deploymentName + "-admin"}
	if err := a.Get(ctx, key, &secret); err != nil {
		return "", fmt.Errorf("the administrator's password: %w", err)
	}
	return string(secret.Data["password"]), nil
}
