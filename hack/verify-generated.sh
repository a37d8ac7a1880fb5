#!/bin/sh
# Fails if generated files differ from what the code says now. Works on a copy, so the tree stays as it is.
# example: hack/verify-generated.sh
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cd "$root"
generated="api config/crd config/rbac charts docs/custom-resource.md docs/images/system.svg"
for path in $generated; do
	mkdir -p "$copy/before/$(dirname "$path")"
	cp -R "$path" "$copy/before/$path"
done
mkdir -p "$copy/tree"
git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'for f; do [ -e "$f" ] && printf "%s\0" "$f"; done' sh |
	tar --null -T - -cf - | tar -xf - -C "$copy/tree"
make --no-print-directory -C "$copy/tree" generate manifests >/dev/null
status=0
for path in $generated; do
	diff -ru "$copy/before/$path" "$copy/tree/$path" || status=1
done
[ "$status" = 0 ] || echo "generated files differ: run 'make generate manifests' and commit the result" >&2
exit "$status"
