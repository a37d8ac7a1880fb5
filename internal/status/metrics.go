package status

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"chatpdf.dev/operator/api/v1alpha1"
	"chatpdf.dev/operator/internal/stack"
)

// Metrics are the conditions of all deployments as a metric. Register them once.
type Metrics struct {
	mu         sync.Mutex
	conditions map[types.NamespacedName][]metav1.Condition
	expiry     map[types.NamespacedName]map[string]time.Time // by the Secret's name
}

// NewMetrics makes Metrics of no deployment.
func NewMetrics() *Metrics {
	return &Metrics{
		conditions: map[types.NamespacedName][]metav1.Condition{},
		expiry:     map[types.NamespacedName]map[string]time.Time{},
	}
}

var conditionDesc = prometheus.NewDesc("chatpdf_deployment_condition",
	"1 for the status that a condition of a ChatPDFDeployment has, 0 for those that it has not.",
	[]string{"namespace", "name", "type", "status"}, nil)

var expiryDesc = prometheus.NewDesc("chatpdf_certificate_expiration_timestamp_seconds",
	"When the certificate in a Secret that a ChatPDFDeployment uses expires, in seconds since 1970.",
	[]string{"namespace", "name", "secret"}, nil)

var conditionStatuses = []metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown}

// Describe is part of prometheus.Collector.
func (m *Metrics) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- conditionDesc
	descriptions <- expiryDesc
}

// Collect is part of prometheus.Collector.
func (m *Metrics) Collect(metrics chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, secrets := range m.expiry {
		for secret, when := range secrets {
			metrics <- prometheus.MustNewConstMetric(expiryDesc, prometheus.GaugeValue, float64(when.Unix()), key.Namespace, key.Name, secret)
		}
	}
	for key, conditions := range m.conditions {
		for _, c := range conditions {
			for _, status := range conditionStatuses {
				value := 0.0
				if c.Status == status {
					value = 1
				}
				metrics <- prometheus.MustNewConstMetric(conditionDesc, prometheus.GaugeValue, value,
					key.Namespace, key.Name, c.Type, string(status))
			}
		}
	}
}

// Forget drops the series of a deployment that is gone.
func (m *Metrics) Forget(key types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.conditions, key)
	delete(m.expiry, key)
}

// Certificates takes up when the certificates of a deployment expire.
func (m *Metrics) Certificates(key types.NamespacedName, live map[string]stack.LiveCertificate) {
	expiry := make(map[string]time.Time, len(live))
	for secret, certificate := range live {
		expiry[secret] = certificate.NotAfter
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expiry[key] = expiry
}

func (m *Metrics) observe(d *v1alpha1.ChatPDFDeployment, conditions []metav1.Condition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conditions[types.NamespacedName{Namespace: d.Namespace, Name: d.Name}] = conditions
}
