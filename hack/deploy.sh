#!/usr/bin/env bash
# Prints what installs the operator from config/, with the images that the environment names.
set -euo pipefail

usage() {
	cat <<'HELP'
Print the manifests of config/default, with images of your own if IMG_REGISTRY is set.

Usage:
  hack/deploy.sh

Environment:
  IMG_REGISTRY   registry and path that hack/images/build.sh --push pushed to (those of the release)
  TAG            tag of the images there (the one that build.sh gives this checkout)

Example:
  IMG_REGISTRY=registry.example.com/team TAG=1.0.0 hack/deploy.sh | kubectl apply --server-side -f -
HELP
}

case "${1:-}" in
-h | --help)
	usage
	exit 0
	;;
?*)
	usage >&2
	exit 2
	;;
esac

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
kustomize=$("$root/hack/tools/tool.sh" kustomize)
if [ -z "${IMG_REGISTRY:-}" ]; then
	exec "$kustomize" build "$root/config/default"
fi
if [ -z "${TAG:-}" ]; then
	TAG=$("$root/hack/images/build.sh" --print | sed -n 's/^TAG=//p' | tr -d "'\"")
fi
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -R "$root/config/." "$copy"
(cd "$copy/manager" && "$kustomize" edit set image "controller=$IMG_REGISTRY/chatpdf-operator:$TAG")
sed -i "s|^APP_IMAGE=.*|APP_IMAGE=$IMG_REGISTRY/chatpdf:$TAG|; s|^DBAGENT_IMAGE=.*|DBAGENT_IMAGE=$IMG_REGISTRY/chatpdf-dbagent:$TAG|" "$copy/manager/images.env"
"$kustomize" build "$copy/default"
