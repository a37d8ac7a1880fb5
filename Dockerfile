# The three images of the product: docker build --target operator|app|dbagent .
#
# The bases are arguments, so that a mirror or locally made bases can stand in (hack/images/build.sh does that).
# GO_IMAGE and NODE_IMAGE only build; RUNTIME_IMAGE is what runs, and holds certificates, time zones and no shell.
# Three optional secrets carry the settings of the building machine, none of which may stay in an image:
#   goenv (Go's env file: GOPROXY, GOPRIVATE, ...), npmrc (npm's user config), ca (a bundle of trusted certificates).
ARG GO_IMAGE=docker.io/library/golang:1.26.8-trixie
ARG NODE_IMAGE=docker.io/library/node:24.21.0-trixie-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/static-debian13:nonroot

# Go compiles for every platform on the builder's own, never under emulation. Debug information is not made, as the
# linker drops it (-s -w); traces of a panic have their lines without it.
FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS go
WORKDIR /src
ENV CGO_ENABLED=0 GOENV=/run/secrets/goenv GOMODCACHE=/go/pkg/mod GOCACHE=/root/.cache/go-build
COPY go.mod go.sum ./
COPY internal/ internal/

FROM go AS operator-build
COPY api/ api/
COPY controllers/ controllers/
COPY *.go ./
ARG TARGETOS TARGETARCH VERSION=dev COMMIT=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    --mount=type=secret,id=goenv --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -gcflags=all=-dwarf=false -o /out/manager -ldflags "-s -w \
    -X chatpdf.dev/operator/internal/version.Version=$VERSION -X chatpdf.dev/operator/internal/version.Commit=$COMMIT" .

FROM go AS dbagent-build
COPY cmd/dbagent/ cmd/dbagent/
ARG TARGETOS TARGETARCH VERSION=dev COMMIT=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    --mount=type=secret,id=goenv --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -gcflags=all=-dwarf=false -o /out/dbagent -ldflags "-s -w \
    -X chatpdf.dev/operator/internal/version.Version=$VERSION -X chatpdf.dev/operator/internal/version.Commit=$COMMIT" ./cmd/dbagent

# The server in Go lies beside the page; without it, a change to the server builds no page anew.
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS page-source
COPY app/web/ /page/
RUN find /page -name '*.go' -delete

FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS page
WORKDIR /page
ENV NPM_CONFIG_USERCONFIG=/run/secrets/npmrc NPM_CONFIG_CACHE=/root/.npm NO_COLOR=1
COPY app/web/package.json app/web/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm --mount=type=secret,id=npmrc --mount=type=secret,id=ca \
    npm ci --no-audit --no-fund
COPY --from=page-source /page/ ./
RUN npm run build

FROM go AS app-build
COPY app/ app/
COPY --from=page /page/dist/ app/web/dist/
ARG TARGETOS TARGETARCH VERSION=dev COMMIT=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    --mount=type=secret,id=goenv --mount=type=secret,id=ca,target=/etc/ssl/certs/ca-certificates.crt \
    GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -gcflags=all=-dwarf=false -o /out/chatpdf -ldflags "-s -w \
    -X chatpdf.dev/operator/internal/version.Version=$VERSION -X chatpdf.dev/operator/internal/version.Commit=$COMMIT" ./app

# The labels come after the program: releases of buildah reuse a cached label whatever the values of its arguments.
FROM ${RUNTIME_IMAGE} AS operator
COPY --from=operator-build --chmod=0555 /out/manager /manager
ARG VERSION=dev COMMIT=
LABEL org.opencontainers.image.title="ChatPDF operator" \
      org.opencontainers.image.description="Runs ChatPDF deployments on Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT"
USER 65532:65532
ENTRYPOINT ["/manager"]

FROM ${RUNTIME_IMAGE} AS app
COPY --from=app-build --chmod=0555 /out/chatpdf /chatpdf
ARG VERSION=dev COMMIT=
LABEL org.opencontainers.image.title="ChatPDF" \
      org.opencontainers.image.description="Answers questions about PDFs and shows the sentence that proves the answer" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT"
USER 65532:65532
ENTRYPOINT ["/chatpdf"]

FROM ${RUNTIME_IMAGE} AS dbagent
COPY --from=dbagent-build --chmod=0555 /out/dbagent /dbagent
ARG VERSION=dev COMMIT=
LABEL org.opencontainers.image.title="ChatPDF database agent" \
      org.opencontainers.image.description="Runs beside mongod: keyfile, certificates, bootstrap, health" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT"
USER 65532:65532
ENTRYPOINT ["/dbagent"]
