#!/bin/sh
# Builds the local cluster's tool into the cache, if it changed, and runs it.
# example: hack/localcluster.sh up --nodes 2
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cache=${CHATPDF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/chatpdf-operator}
export CHATPDF_CACHE="$cache"
mkdir -p "$cache/localcluster"
go build -C "$root/hack/localcluster" -o "$cache/localcluster/localcluster" .
exec "$cache/localcluster/localcluster" "$@"
