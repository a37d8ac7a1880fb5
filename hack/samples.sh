#!/bin/sh
# Prints docs/samples/handbook.html to handbook.pdf with Chromium.
# example: hack/samples.sh
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
browser=$(command -v chromium || command -v google-chrome || command -v chromium-browser) || {
	echo "no Chromium found: install it (Debian: apt-get install chromium)" >&2
	exit 1
}
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
"$browser" --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update \
	--disable-sync --user-data-dir="$profile" --no-pdf-header-footer \
	--print-to-pdf="$root/docs/samples/handbook.pdf" "file://$root/docs/samples/handbook.html" 2>/dev/null
ls -l "$root/docs/samples/handbook.pdf"
