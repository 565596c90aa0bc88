{{- define "patchwatch.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "patchwatch.selector" -}}
app.kubernetes.io/name: patchwatch
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{- define "patchwatch.labels" -}}
app.kubernetes.io/name: patchwatch
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "patchwatch.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "patchwatch.name" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "patchwatch.image" -}}
{{- $own := .values.image | default dict -}}
{{- $image := .root.Values.image -}}
{{- printf "%s:%s" ($own.repository | default $image.repository) ($own.tag | default $image.tag | default .root.Chart.AppVersion) -}}
{{- end -}}

{{- define "patchwatch.secretName" -}}
{{- required "set existingSecret: the name of a Secret with redis-url, api-token and publish-password (deploy/helm/README.md)" .Values.existingSecret -}}
{{- end -}}

{{- /* Refuses what could not work, with what to do about it. */ -}}
{{- define "patchwatch.check" -}}
{{- if not (or .Values.storage.storeUrl .Values.persistence.existingClaim) -}}
{{- fail "inference and enrolment have to share banks: set storage.storeUrl (an object store), or persistence.existingClaim (a ReadWriteMany volume)" -}}
{{- end -}}
{{- if not (or .Values.storage.evidenceUrl .Values.persistence.existingClaim) -}}
{{- fail "the service has to find the evidence that enrolment stores: set storage.evidenceUrl, or persistence.existingClaim" -}}
{{- end -}}
{{- if gt (int .Values.autoscaling.inference.maxReplicas) (int .Values.partitions) -}}
{{- fail (printf "autoscaling.inference.maxReplicas is %d, but only as many workers as partitions (%d) can share the cameras: lower it, or raise partitions before the first start" (int .Values.autoscaling.inference.maxReplicas) (int .Values.partitions)) -}}
{{- end -}}
{{- if gt (int .Values.roles.inference.replicas) (int .Values.partitions) -}}
{{- fail (printf "roles.inference.replicas is %d, but only as many workers as partitions (%d) can share the cameras: lower it, or raise partitions before the first start" (int .Values.roles.inference.replicas) (int .Values.partitions)) -}}
{{- end -}}
{{- end -}}

{{- define "patchwatch.checkLogin" -}}
{{- with .Values.oidc -}}
{{- if and .issuer (not .clientId) -}}
{{- fail "oidc.issuer needs oidc.clientId: the id that the provider gave this installation" -}}
{{- end -}}
{{- if and .issuer (not (or .roles .defaultRole)) -}}
{{- fail "nobody could log in: set oidc.roles (group: viewer, operator or admin), or oidc.defaultRole" -}}
{{- end -}}
{{- if and .issuer (not (include "patchwatch.publicUrl" $)) -}}
{{- fail "the provider has to send users back: set publicUrl, or ingress.host and ingress.tlsSecret" -}}
{{- end -}}
{{- if not (or .issuer .passwordLogin) -}}
{{- fail "oidc.passwordLogin is false without oidc.issuer: nobody could log in" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "patchwatch.publicUrl" -}}
{{- if .Values.publicUrl -}}
{{- .Values.publicUrl -}}
{{- else if and .Values.ingress.enabled .Values.ingress.host .Values.ingress.tlsSecret -}}
{{- printf "https://%s" .Values.ingress.host -}}
{{- end -}}
{{- end -}}

{{- define "patchwatch.login" -}}
{{- with .Values.oidc }}
- {name: PATCHWATCH_OIDC_ISSUER, value: {{ .issuer | quote }}}
- {name: PATCHWATCH_OIDC_CLIENT_ID, value: {{ .clientId | quote }}}
{{- if $.Values.secretKeys.oidcClientSecret }}
- {name: PATCHWATCH_OIDC_CLIENT_SECRET_FILE, value: /run/secrets/patchwatch/oidc-client-secret}
{{- end }}
- {name: PATCHWATCH_OIDC_LABEL, value: {{ .label | quote }}}
- {name: PATCHWATCH_OIDC_SCOPES, value: {{ .scopes | quote }}}
- {name: PATCHWATCH_OIDC_NAME_CLAIM, value: {{ .nameClaim | quote }}}
- {name: PATCHWATCH_OIDC_GROUPS_CLAIM, value: {{ .groupsClaim | quote }}}
{{- $roles := list }}
{{- range $group, $role := .roles }}{{ $roles = append $roles (printf "%s=%s" $group $role) }}{{ end }}
- {name: PATCHWATCH_OIDC_ROLES, value: {{ join "," $roles | quote }}}
{{- with .defaultRole }}
- {name: PATCHWATCH_OIDC_DEFAULT_ROLE, value: {{ . | quote }}}
{{- end }}
{{- with .camerasClaim }}
- {name: PATCHWATCH_OIDC_CAMERAS_CLAIM, value: {{ . | quote }}}
{{- end }}
- {name: PATCHWATCH_OIDC_ALLOWED_GROUPS, value: {{ join "," .allowedGroups | quote }}}
- {name: PATCHWATCH_OIDC_ALLOWED_DOMAINS, value: {{ join "," .allowedDomains | quote }}}
- {name: PATCHWATCH_OIDC_LINK_USERS, value: {{ .linkUsers | quote }}}
- {name: PATCHWATCH_OIDC_SESSION_HOURS, value: {{ .sessionHours | quote }}}
- {name: PATCHWATCH_PASSWORD_LOGIN, value: {{ .passwordLogin | quote }}}
{{- end }}
{{- end -}}

{{- define "patchwatch.environment" -}}
{{- $values := .root.Values -}}
- {name: PATCHWATCH_REDIS_URL_FILE, value: /run/secrets/patchwatch/redis-url}
- {name: PATCHWATCH_PARTITIONS, value: {{ $values.partitions | int | quote }}}
- {name: PATCHWATCH_LOG_LEVEL, value: {{ $values.logLevel | quote }}}
- {name: PATCHWATCH_DATA_DIR, value: /data}
- {name: PATCHWATCH_MEDIA_DIRS, value: /media}
- {name: PATCHWATCH_WEIGHTS_DIR, value: /weights}
{{- with $values.storage.storeUrl }}
- {name: PATCHWATCH_STORE_URL, value: {{ . | quote }}}
{{- end }}
{{- with $values.storage.evidenceUrl }}
- {name: PATCHWATCH_EVIDENCE_URL, value: {{ . | quote }}}
{{- end }}
{{- $public := include "patchwatch.publicUrl" .root }}
{{- if and $public (not (hasKey $values.env "PATCHWATCH_PUBLIC_URL")) }}
- {name: PATCHWATCH_PUBLIC_URL, value: {{ $public | quote }}}
{{- end }}
{{- if and $values.tracing.url (has .role (list "ingest" "inference")) }}
- {name: PATCHWATCH_TRACE_URL, value: {{ $values.tracing.url | quote }}}
- {name: PATCHWATCH_TRACE_ONE_IN, value: {{ $values.tracing.oneIn | int | quote }}}
{{- end }}
{{- if and (eq .role "service") $values.oidc.issuer }}
{{- include "patchwatch.login" .root }}
{{- end }}
{{- if eq .role "service" }}
- {name: PATCHWATCH_HOST, value: 0.0.0.0}
- {name: PATCHWATCH_PORT, value: "8080"}
- {name: PATCHWATCH_API_TOKEN_FILE, value: /run/secrets/patchwatch/api-token}
- {name: PATCHWATCH_TARGET_LOAD, value: {{ $values.targetLoad | quote }}}
{{- end }}
{{- if eq .role "ingest" }}
- {name: PATCHWATCH_RTSP_HOST, value: 0.0.0.0}
- {name: PATCHWATCH_RTSP_PORT, value: "8554"}
- {name: PATCHWATCH_PUBLISH_USERNAME, value: {{ $values.publishUsername | quote }}}
- {name: PATCHWATCH_PUBLISH_PASSWORD_FILE, value: /run/secrets/patchwatch/publish-password}
{{- end }}
{{- range $name, $value := merge (dict) (.values.env | default dict) ($values.env | default dict) }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end -}}

{{- /* The service is ready when it answers: unready while there are no workers, it could not tell the autoscaler that
some are needed. A worker that hangs ends itself; Redis being away must not restart workers, so they have no liveness
probe but ingest, whose endpoint answers without Redis. */ -}}
{{- define "patchwatch.probes" -}}
{{- if eq .role "service" -}}
startupProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 5, failureThreshold: 24, timeoutSeconds: 4}
readinessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 5, timeoutSeconds: 4}
livenessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 4}
{{- else if eq .role "ingest" -}}
startupProbe: {tcpSocket: {port: rtsp}, periodSeconds: 5, failureThreshold: 24}
readinessProbe: {tcpSocket: {port: rtsp}, periodSeconds: 5}
livenessProbe: {tcpSocket: {port: rtsp}, periodSeconds: 10, failureThreshold: 6}
{{- else -}}
readinessProbe: {exec: {command: [patchwatch, alive, {{ .role }}]}, periodSeconds: 30, timeoutSeconds: 15, failureThreshold: 3}
{{- end -}}
{{- end -}}
