#!/bin/sh
# Prints the path of a pinned tool, after building it once into a cache outside the checkout.
# Two builds at the same time are safe: each moves a finished program into place.
set -eu

usage() {
	cat <<'HELP'
Print the path of a pinned tool. A tool that is not there yet is built once with `go install`.

Usage:
  hack/tools/tool.sh NAME

Names:
  certmanager      issues certificates in tests; its CRDs lie beside it, in crds
  controller-gen   writes the CRD, the RBAC rules and the deep copies from the Go types
  golangci-lint    runs the linters of .golangci.yml
  helm             renders, lints and installs charts/chatpdf-operator
  kustomize        renders config/

Tools live in $CHATPDF_CACHE/tools, else $XDG_CACHE_HOME/chatpdf-operator/tools, else
~/.cache/chatpdf-operator/tools. The directory's name holds the tool's version and the version
of Go that built it, and for a tool with a module of its own a digest of that.

Example:
  "$(hack/tools/tool.sh helm)" template demo charts/chatpdf-operator
HELP
}

case "${1:-}" in
# cert-manager's own package main is not to be had as a module, see certmanager/main.go.
certmanager)
	module=$(cd "$(dirname "$0")/certmanager" && pwd) package=.
	version=$(awk '$2 == "github.com/cert-manager/cert-manager" { print $3 }' "$module/go.mod")
	;;
controller-gen) package=sigs.k8s.io/controller-tools/cmd/controller-gen version=v0.23.0 ;;
golangci-lint) package=github.com/golangci/golangci-lint/v2/cmd/golangci-lint version=v2.15.0 ;;
# helm has a module of its own, whose versions of client-go and what belongs to it are those of the local cluster's
# programs: what both need is then compiled once, which saves minutes on a new machine.
helm)
	package=helm.sh/helm/v4/cmd/helm module=$(cd "$(dirname "$0")/helm" && pwd)
	version=$(awk '$1 == "helm.sh/helm/v4" { print $2 }' "$module/go.mod")
	;;
# The newest that Go 1.26 builds: v5.8.3 needs Go 1.27.
kustomize) package=sigs.k8s.io/kustomize/kustomize/v5 version=v5.8.2 ;;
-h | --help)
	usage
	exit 0
	;;
*)
	usage >&2
	exit 2
	;;
esac
name=$1
module=${module:-}

if ! command -v go >/dev/null; then
	echo "tools: $name is built with Go and there is no go command in PATH: install Go 1.26 or newer" >&2
	exit 1
fi

cache=${CHATPDF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/chatpdf-operator}
directory=$cache/tools/$name-$version-$(go env GOVERSION)
if [ -n "$module" ]; then
	directory=$directory-$(cat "$module"/* | cksum | cut -d ' ' -f 1)
fi
program=$directory/$name
if [ -x "$program" ]; then
	echo "$program"
	exit 0
fi

mkdir -p "$directory"
workshop=$(mktemp -d "$directory/build.XXXXXX")
build=
cleanup() {
	if [ -n "$build" ]; then kill "$build" 2>/dev/null || true; fi
	rm -rf "$workshop"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# helm names its version through the linker. Without it, `helm version` and the kubeVersion check of
# `helm template` speak of a development build.
flags='-s -w'
if [ "$name" = helm ]; then
	flags="$flags -X helm.sh/helm/v4/internal/version.version=$version"
fi

started=$(date +%s)
elapsed() { echo $(($(date +%s) - started)); }

# The linker drops debug information; not making it saves a tenth of the time.
export GOBIN="$workshop" GOFLAGS='' GOWORK=off CGO_ENABLED=0
if [ -n "$module" ]; then
	go -C "$module" install -trimpath -gcflags=all=-dwarf=false -ldflags "$flags" "$package" >"$workshop/log" 2>&1 &
else
	go install -trimpath -gcflags=all=-dwarf=false -ldflags "$flags" "$package@$version" >"$workshop/log" 2>&1 &
fi
build=$!

# On a terminal the line is redrawn each second; in a log one line every half minute is enough.
shown=0
[ -t 2 ] && interval=1 || interval=30
while kill -0 "$build" 2>/dev/null; do
	seconds=$(elapsed)
	if [ $((seconds - shown)) -ge $interval ] || [ "$seconds" -eq 0 ]; then
		shown=$seconds
		if [ -t 2 ]; then
			printf '\rtools: building %s %s  %ss' "$name" "$version" "$seconds" >&2
		else
			echo "tools: building $name $version  ${seconds}s" >&2
		fi
	fi
	sleep 1
done
[ -t 2 ] && printf '\r' >&2

if ! wait "$build"; then
	build=
	echo "tools: building $name $version failed after $(elapsed)s:" >&2
	cat "$workshop/log" >&2
	exit 1
fi
build=
if [ "$name" = certmanager ]; then
	cp -r --no-preserve=mode "$(go -C "$module" list -m -f '{{.Dir}}' github.com/cert-manager/cert-manager)/deploy/crds" "$workshop/crds"
	mv -T "$workshop/crds" "$directory/crds" 2>/dev/null || [ -d "$directory/crds" ]
fi
mv "$workshop/$name" "$program"
echo "tools: built $name $version in $(elapsed)s" >&2
echo "$program"
