# Everything that is built or tested here. Tools and caches live outside the checkout, pinned.
SHELL := /bin/sh
.DEFAULT_GOAL := help

export CHATPDF_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/chatpdf-operator

CLUSTER ?= local
PORT    ?= 8080
TOOL    := hack/tools/tool.sh
# What tool.sh builds with, so that a module that is linted is compiled once.
TOOLFLAGS := -trimpath -gcflags=all=-dwarf=false
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X chatpdf.dev/operator/internal/version.Version=$(VERSION)

##@ Main

.PHONY: help
help: ## Show this help.
	@awk 'BEGIN {FS = ":.*##"} \
	  /^##@/ {printf "\n%s\n", substr($$0, 5)} \
	  /^[a-z0-9-]+:.*##/ {printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nexample: make demo PDF=report.pdf\n'

.PHONY: demo
demo: ## A cluster, the operator and a ChatPDF, checked through its front door. PDF= PORT= CLUSTER=current
	@go run ./hack/demo -cluster "$(CLUSTER)" -port "$(PORT)" -pdf "$(PDF)" -question "$(QUESTION)"

.PHONY: demo-down
demo-down: ## Remove all that the demo made. CLUSTER=current
	@go run ./hack/demo -down -cluster "$(CLUSTER)"

.PHONY: test
test: ## All tests, with a summary table at the end.
	@go run ./hack/testall

##@ Development

.PHONY: manifests
manifests: ## Write the CRD, the RBAC rules, the chart's copies, the reference and the diagram from the code.
	@controller_gen=$$($(TOOL) controller-gen) && \
	  "$$controller_gen" crd:maxDescLen=400 paths=./api/... output:crd:dir=config/crd/bases && \
	  "$$controller_gen" rbac:roleName=chatpdf-operator paths=./controllers/... paths=./internal/... paths=. output:rbac:dir=config/rbac
	@go run ./hack/chart
	@go run ./hack/reference
	@go run ./hack/diagram

.PHONY: generate
generate: ## Write the deep copies of the API types.
	@controller_gen=$$($(TOOL) controller-gen) && "$$controller_gen" object paths=./api/...

.PHONY: verify-generated
verify-generated: ## Fail if manifests or generate would change anything.
	@hack/verify-generated.sh

.PHONY: fmt
fmt: ## Format the Go code.
	@gofmt -w $$(git ls-files '*.go')

.PHONY: vet
vet: ## Run go vet.
	@go vet -tags e2e ./...
	@cd hack/localcluster && go vet ./...

.PHONY: golangci-lint
golangci-lint: ## Run golangci-lint over all modules.
	@lint=$$($(TOOL) golangci-lint) && "$$lint" run && (cd hack/localcluster && "$$lint" run) && \
	  $(TOOL) certmanager >/dev/null && cd hack/tools/certmanager && CGO_ENABLED=0 GOFLAGS='$(TOOLFLAGS)' "$$lint" run

.PHONY: web
web: app/web/node_modules ## Build the page into app/web/dist.
	@npm --prefix app/web run --silent build

app/web/node_modules: app/web/package-lock.json
	@npm --prefix app/web ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: build
build: web ## Build the operator, the application and the agent into bin/.
	@CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/manager .
	@CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/chatpdf ./app
	@CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/dbagent ./cmd/dbagent

.PHONY: run
run: ## Run the operator here, against the cluster of the current kubeconfig.
	@go run . --leader-elect=false --metrics-bind-address=0

##@ Tests by tier

.PHONY: lint test-unit test-api test-web e2e soak
lint: ## go vet, golangci-lint, generated files, svelte-check, eslint.
	@go run ./hack/testall lint
test-unit: ## Go packages with the race detector. RUN=pattern
	@go run ./hack/testall -run "$(RUN)" unit
test-api: ## Against a real kube-apiserver and real mongods. RUN=pattern
	@go run ./hack/testall -run "$(RUN)" api
test-web: ## The page, in a real browser against the real application.
	@go run ./hack/testall web
e2e: ## On a local cluster of real nodes. RUN=Database does every act to a database
	@go run ./hack/testall -run "$(RUN)" e2e
soak: ## What takes longer, with seeds printed. RUN=pattern
	@go run ./hack/testall -run "$(RUN)" soak

.PHONY: bench-backup
bench-backup: ## How fast a backup and a restore are, as a part of the speed of reading the same.
	@MONGOD_BIN="$$(go run -C hack/localcluster . mongod)/bin/mongod" go test -run '^$$' -bench Backup -benchtime 3x ./internal/backup

##@ Images and deployment

.PHONY: images
images: ## Build the three images as tarballs with docker, podman or buildah.
	@hack/images/build.sh

.PHONY: docker-build
docker-build: images ## The same as images.

.PHONY: install
install: ## Install the CRD into the cluster of the current kubeconfig.
	@"$$($(TOOL) kustomize)" build config/crd | kubectl apply --server-side -f -

.PHONY: uninstall
uninstall: ## Remove the CRD, and every ChatPDFDeployment with it.
	@"$$($(TOOL) kustomize)" build config/crd | kubectl delete --ignore-not-found -f -

.PHONY: deploy
deploy: ## Install the operator from config/ into the cluster of the current kubeconfig. IMG_REGISTRY= TAG=
	@hack/deploy.sh | kubectl apply --server-side -f -

.PHONY: undeploy
undeploy: ## Remove what deploy installed.
	@"$$($(TOOL) kustomize)" build config/default | kubectl delete --ignore-not-found -f -
