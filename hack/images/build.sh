#!/usr/bin/env bash
# Builds the three images of the Dockerfile with docker, podman or buildah, and nothing that is built already.
set -euo pipefail

usage() {
	cat <<'HELP'
Build the images chatpdf-operator, chatpdf and chatpdf-dbagent from this checkout.

Usage:
  hack/images/build.sh            build what changed; write tarballs for clusters without a registry
  hack/images/build.sh --push     the same, then push to IMG_REGISTRY
  hack/images/build.sh --print    print references and tarballs as KEY=VALUE lines, build nothing
  hack/images/build.sh --build --print
                                  build, then print what was built, whatever was edited meanwhile

Environment:
  TAG            tag of the images (a digest of everything that enters them)
  VERSION        version that the binaries report (the tag of the commit, such as 1.4.0 for v1.4.0; else dev)
  IMG_REGISTRY   registry and path before the names (localhost/chatpdf)
  IMAGE_BUILDER  docker, podman or buildah (the first that works; buildah is installed on Debian and Ubuntu)
  PLATFORM       such as linux/arm64 (this machine's)
  GO_IMAGE, NODE_IMAGE, RUNTIME_IMAGE
                 bases (those that the Dockerfile names; stand-ins made here where no registry answers)
  CHATPDF_CACHE  images, caches and logs (~/.cache/chatpdf-operator)

Only buildah without subordinate ids, and installing packages, go through sudo.

Example:
  IMG_REGISTRY=registry.example.com/team hack/images/build.sh --push
HELP
}

say() { printf 'images: %s\n' "$*" >&2; }

fail() {
	say "$*"
	exit 1
}

BUILD=no PUSH=no PRINT=no
for argument in "$@"; do
	case "$argument" in
	--build) BUILD=yes ;;
	--push) PUSH=yes ;;
	--print) PRINT=yes ;;
	-h | --help)
		usage
		exit 0
		;;
	*)
		say "there is no $argument; see --help"
		exit 2
		;;
	esac
done

HACK=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HACK/../.." && pwd)
IMAGES=${CHATPDF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/chatpdf-operator}/images
REGISTRY=${IMG_REGISTRY:-localhost/chatpdf}
PLATFORM=${PLATFORM:-}
SHA256=(sha256sum)
command -v sha256sum >/dev/null || SHA256=(shasum -a 256)
AS_ROOT=()
STEP=
# shellcheck source=hack/images/inputs.sh
. "$HACK/inputs.sh"
# shellcheck source=hack/images/engine.sh
. "$HACK/engine.sh"
# shellcheck source=hack/images/bases.sh
. "$HACK/bases.sh"
# shellcheck source=hack/images/stand-ins.sh
. "$HACK/stand-ins.sh"
# shellcheck source=hack/images/settings.sh
. "$HACK/settings.sh"

mkdir -p "$IMAGES/logs"
WORK=$(mktemp -d "$IMAGES/work.XXXXXX")
cleanup() {
	local result=$?
	trap '' INT TERM # a second Ctrl-C must not leave half of this undone
	if [ -n "$STEP" ]; then
		"${AS_ROOT[@]}" kill -- "-$STEP" 2>/dev/null || true
		wait "$STEP" 2>/dev/null || true
	fi
	if [ $result -ne 0 ]; then engine_abandon >/dev/null 2>&1; fi
	rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# step NAME COMMAND... runs a command into the log, shows for how long it has been running, and on failure the log.
step() {
	local name=$1 started=$SECONDS from
	shift
	from=$(wc -l <"$LOG")
	set -m # a process group of its own, so that an interrupt ends whatever the command started
	"$@" >>"$LOG" 2>&1 </dev/null &
	STEP=$!
	set +m
	if [ -t 2 ]; then
		while kill -0 "$STEP" 2>/dev/null; do
			printf '\rimages: %-34s %4ss ' "$name" $((SECONDS - started)) >&2
			sleep 1
		done
		printf '\r' >&2
	else
		say "$name ..."
	fi
	if ! wait "$STEP"; then
		STEP=
		tail -n "+$((from + 1))" "$LOG" | tail -n 200 >&2
		fail "$name failed after $((SECONDS - started)) s; the whole log is $LOG"
	fi
	STEP=
	printf 'images: %-34s %4s s\n' "$name" $((SECONDS - started)) >&2
}

# build_image TARGET REFERENCE TARBALL builds one target and writes its tarball.
build_image() {
	engine_build "$1" "$2" "$WORK/inputs" "$WORK/inputs/Dockerfile" "${BASES[@]}" "${SETTINGS[@]}" \
		--build-arg "VERSION=$VERSION" --build-arg "COMMIT=$COMMIT"
	engine_save "$2" "$WORK/$1.tar"
}

# The tarballs are finished only when this file says for which inputs and names.
built_for() { printf '%s\n' "$CONTENT" "$OPERATOR_IMAGE" "$APP_IMAGE" "$DBAGENT_IMAGE"; }
up_to_date() { [ "$(cat "$TARBALLS/built-for" 2>/dev/null)" = "$(built_for)" ]; }

# prune keeps the tarballs and logs of the newest five tags.
prune() {
	local old
	(cd "$IMAGES" && ls -1dt -- */built-for) | tail -n +6 | while read -r old; do
		old=${old%/built-for}
		rm -rf "${IMAGES:?}/$old" "$IMAGES/logs/$old.log"
		engine_forget "$REGISTRY/chatpdf-operator:$old" "$REGISTRY/chatpdf:$old" "$REGISTRY/chatpdf-dbagent:$old"
	done
}

read_inputs
stage_inputs "$WORK/inputs"
COMMIT=$(commit_of_inputs)
VERSION=${VERSION:-$(version_of_inputs "$COMMIT")}
CONTENT=$(content_tag "$WORK/inputs")
TAG=${TAG:-$CONTENT}
TARBALLS=$IMAGES/$TAG
OPERATOR_IMAGE=$REGISTRY/chatpdf-operator:$TAG
APP_IMAGE=$REGISTRY/chatpdf:$TAG
DBAGENT_IMAGE=$REGISTRY/chatpdf-dbagent:$TAG

# print_built prints what was built, or would be, in words for the shell.
print_built() {
	local name
	# shellcheck disable=SC2034 # the loop reads them by name
	local OPERATOR_TAR=$TARBALLS/operator.tar APP_TAR=$TARBALLS/app.tar DBAGENT_TAR=$TARBALLS/dbagent.tar
	for name in TAG VERSION COMMIT OPERATOR_IMAGE APP_IMAGE DBAGENT_IMAGE OPERATOR_TAR APP_TAR DBAGENT_TAR; do
		printf '%s=%q\n' "$name" "${!name}"
	done
}

if [ "$BUILD$PUSH$PRINT" = nonoyes ]; then
	print_built
	exit 0
fi

LOG=$IMAGES/logs/$TAG.log
# One build at a time: the second finds the work of the first done.
if command -v flock >/dev/null; then
	exec 9>"$IMAGES/lock"
	flock --nonblock 9 || { say "waiting for another build" && flock 9; }
fi
if up_to_date; then
	say "up to date: $OPERATOR_IMAGE and the app and dbagent beside it"
else
	: >"$LOG"
	choose_engine
	say "building $TAG with $ENGINE; log: $LOG"
	choose_bases
	lend_settings
	step operator build_image operator "$OPERATOR_IMAGE"
	step dbagent build_image dbagent "$DBAGENT_IMAGE"
	step app build_image app "$APP_IMAGE"
	mkdir -p "$TARBALLS"
	rm -f "$TARBALLS/built-for"
	mv -f "$WORK"/{operator,dbagent,app}.tar "$TARBALLS/"
	built_for >"$TARBALLS/built-for"
	prune >>"$LOG" 2>&1 || true
	say "built in $SECONDS s: $OPERATOR_IMAGE and the app and dbagent beside it"
fi
if [ $PUSH = yes ]; then
	if [ -z "${ENGINE:-}" ]; then choose_engine; fi
	touch "$LOG"
	step "push operator" engine_push "$OPERATOR_IMAGE" "$TARBALLS/operator.tar"
	step "push dbagent" engine_push "$DBAGENT_IMAGE" "$TARBALLS/dbagent.tar"
	step "push app" engine_push "$APP_IMAGE" "$TARBALLS/app.tar"
fi
if [ $PRINT = yes ]; then print_built; fi
