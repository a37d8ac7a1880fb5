{{- define "chatpdf-operator.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* 44 characters leave room for the longest suffix, "-leader-election", in a name of 63. */}}
{{- define "chatpdf-operator.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 44 | trimSuffix "-" }}
{{- else }}
{{- $name := include "chatpdf-operator.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 44 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 44 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/* Cluster-scoped names carry the namespace: two releases of one name may live in two namespaces. */}}
{{- define "chatpdf-operator.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "chatpdf-operator.fullname" .) }}
{{- end }}

{{- define "chatpdf-operator.selectorLabels" -}}
app.kubernetes.io/name: {{ include "chatpdf-operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "chatpdf-operator.labels" -}}
{{- $own := include "chatpdf-operator.selectorLabels" . | fromYaml }}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") }}
{{- $_ := set $own "app.kubernetes.io/version" .Chart.AppVersion }}
{{- $_ := set $own "app.kubernetes.io/part-of" "chatpdf" }}
{{- $_ := set $own "app.kubernetes.io/managed-by" .Release.Service }}
{{- merge $own .Values.commonLabels | toYaml }}
{{- end }}

{{- define "chatpdf-operator.crdAnnotations" -}}
{{- $own := dict }}
{{- if .root.Values.crds.keep }}
{{- $_ := set $own "helm.sh/resource-policy" "keep" }}
{{- end }}
{{- merge $own .annotations .root.Values.crds.annotations | toYaml }}
{{- end }}

{{- define "chatpdf-operator.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "chatpdf-operator.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name is required while serviceAccount.create is false: the operator's rights must not go to the namespace's default account." .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* An image reference from {image, defaultTag}. A default tag beside a digest would name another image than the one that runs. */}}
{{- define "chatpdf-operator.image" -}}
{{- $tag := .image.tag }}
{{- if not (or $tag .image.digest) }}
{{- $tag = required (printf "the image %s needs a tag or a digest." .image.repository) .defaultTag }}
{{- end }}
{{- with .image.registry }}{{ . }}/{{ end }}
{{- .image.repository }}
{{- with $tag }}:{{ . }}{{ end }}
{{- with .image.digest }}@{{ . }}{{ end }}
{{- end }}

{{- define "chatpdf-operator.rbacScope" -}}
{{- if ne .Values.rbac.scope "auto" }}
{{- if and (eq .Values.rbac.scope "namespaced") (not .Values.watch.namespaces) }}
{{- fail "rbac.scope is namespaced and watch.namespaces is empty: name the namespaces that the operator looks after." }}
{{- end }}
{{- .Values.rbac.scope }}
{{- else if .Values.watch.namespaces }}namespaced
{{- else }}cluster
{{- end }}
{{- end }}

{{- define "chatpdf-operator.subject" -}}
- kind: ServiceAccount
  name: {{ include "chatpdf-operator.serviceAccountName" . }}
  namespace: {{ .Release.Namespace | quote }}
{{- end }}
