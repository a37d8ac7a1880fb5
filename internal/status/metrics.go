package status

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"chatpdf.dev/operator/api/v1alpha1"
)

// Metrics are the conditions of all deployments as a metric. Register them once.
type Metrics struct {
	mu         sync.Mutex
	conditions map[types.NamespacedName][]metav1.Condition
}

// NewMetrics makes Metrics of no deployment.
func NewMetrics() *Metrics {
	return &Metrics{conditions: map[types.NamespacedName][]metav1.Condition{}}
}

var conditionDesc = prometheus.NewDesc("chatpdf_deployment_condition",
	"1 for the status that a condition of a ChatPDFDeployment has, 0 for those that it has not.",
	[]string{"namespace", "name", "type", "status"}, nil)

var conditionStatuses = []metav1.ConditionStatus{metav1.ConditionTrue, metav1.ConditionFalse, metav1.ConditionUnknown}

// Describe is part of prometheus.Collector.
func (m *Metrics) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- conditionDesc }

// Collect is part of prometheus.Collector.
func (m *Metrics) Collect(metrics chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
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
}

func (m *Metrics) observe(d *v1alpha1.ChatPDFDeployment, conditions []metav1.Condition) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.conditions[types.NamespacedName{Namespace: d.Namespace, Name: d.Name}] = conditions
}
