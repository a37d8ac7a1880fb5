#!/bin/sh
# Prints the path of a Chromium for the tests of the page, after installing it where it is missing.
set -eu

usage() {
	cat <<'HELP'
Print the path of a Chromium. On Debian and Ubuntu a missing one is installed with apt, through sudo where needed.

Usage:
  hack/tools/chromium.sh

Environment:
  CHROMIUM_BIN   take this one

Example:
  CHROMIUM_BIN=$(hack/tools/chromium.sh) npm --prefix app/web run test:page
HELP
}

fail() {
	echo "chromium: $*" >&2
	exit 1
}

# find prints the first Chromium or Chrome that there is.
find() {
	for name in chromium chromium-browser google-chrome-stable google-chrome; do
		if command -v "$name"; then return 0; fi
	done
	return 1
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

if [ -n "${CHROMIUM_BIN:-}" ]; then
	[ -x "$CHROMIUM_BIN" ] || fail "CHROMIUM_BIN is $CHROMIUM_BIN, which is no program"
	echo "$CHROMIUM_BIN"
	exit 0
fi
if find; then exit 0; fi
command -v apt-get >/dev/null || fail "there is none: install chromium, or name one in CHROMIUM_BIN"

sudo=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || fail "installing it needs root: apt-get install chromium"
	sudo=sudo
fi
apt() { $sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -oDPkg::Lock::Timeout=300 "$@" >&2; }

echo "chromium: installing it with apt" >&2
apt install -y --no-install-recommends chromium || { apt update && apt install -y --no-install-recommends chromium; } ||
	fail "apt did not install it: install chromium by hand, or name one in CHROMIUM_BIN"
find || fail "apt succeeded and there is no Chromium in PATH: name one in CHROMIUM_BIN"
