# shellcheck shell=bash
# The program that builds: docker, podman or buildah, behind five verbs. Sourced by build.sh.
#
# ENGINE is its name. buildah keeps images, caches and state under $IMAGES and nowhere else; docker and podman use their
# own storage. Only buildah is ever run through sudo.

# bounded runs a command for $1 seconds at most, where the machine can count them.
bounded() {
	local seconds=$1
	shift
	if command -v timeout >/dev/null; then timeout "$seconds" "$@"; else "$@"; fi
}

# docker_works says whether docker has a daemon and BuildKit (which older clients carry and newer ones have as buildx).
docker_works() {
	command -v docker >/dev/null || return 1
	case "$(docker --version 2>/dev/null)" in *podman*) return 1 ;; esac
	local version
	version=$(bounded 5 docker version --format '{{.Client.Version}} {{.Server.Version}}' 2>/dev/null) || return 1
	docker buildx version >/dev/null 2>&1 || [ "${version%%.*}" -lt 23 ]
}

podman_works() {
	command -v podman >/dev/null && bounded 20 podman info >/dev/null 2>&1 || return 1
	[ "$(uname)" != Linux ] || [ "$(id -u)" -eq 0 ] || has_users podman
}

# has_users says whether this user's containers get more users than one: files of an image belong to several.
has_users() {
	[ "$(bounded 20 "$1" unshare cat /proc/self/uid_map 2>/dev/null | wc -l)" -gt 1 ]
}

# buildah_works also sets AS_ROOT: empty where buildah may build as this user, else the sudo to put before it.
buildah_works() {
	command -v buildah >/dev/null || return 1
	AS_ROOT=()
	if [ "$(id -u)" -eq 0 ] || has_users buildah; then return 0; fi
	if may_sudo; then
		AS_ROOT=(sudo -n)
		return 0
	fi
	WHY="buildah cannot build as $(id -un): give this user subordinate ids (sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $(id -un)), or the right to run sudo"
	return 1
}

# may_sudo says whether sudo runs a command, asking for a password only on a terminal.
may_sudo() {
	command -v sudo >/dev/null || return 1
	if sudo -n true 2>/dev/null; then return 0; fi
	[ -t 0 ] && sudo -v
}

# install_packages installs Debian packages if this is Debian or Ubuntu and the user may.
install_packages() {
	local sudo=()
	command -v apt-get >/dev/null || return 1
	if [ "$(id -u)" -ne 0 ]; then
		may_sudo || return 1
		sudo=(sudo)
	fi
	say "installing $* with apt"
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
		-o DPkg::Lock::Timeout=300 "$@" >>"$LOG" 2>&1 ||
		{ "${sudo[@]}" apt-get update >>"$LOG" 2>&1 &&
			"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
				-o DPkg::Lock::Timeout=300 "$@" >>"$LOG" 2>&1; }
}

# choose_engine sets ENGINE, and installs buildah where nothing is there.
choose_engine() {
	local name
	WHY=
	for name in ${IMAGE_BUILDER:-docker podman buildah}; do
		case "$name" in docker | podman | buildah) ;; *) fail "IMAGE_BUILDER is $name: it must be docker, podman or buildah" ;; esac
		if "${name}_works"; then
			ENGINE=$name
			break
		fi
	done
	if [ -z "${ENGINE:-}" ] && [ -z "$WHY" ] && [ -z "${IMAGE_BUILDER:-}" ] && install_packages buildah uidmap && buildah_works; then
		ENGINE=buildah
	fi
	if [ -z "${ENGINE:-}" ]; then
		fail "${WHY:-no ${IMAGE_BUILDER:-docker, podman or buildah} that works: start the Docker daemon, or install podman or buildah (Debian, Ubuntu, Fedora: the package is named so)}"
	fi
	if [ "$ENGINE" = buildah ]; then prepare_buildah; fi
}

# prepare_buildah sets BUILDAH, the command, STORE, the directory of everything it keeps, and DRIVER, how it keeps images.
# The state directory is named after the boot, because the mounts that it remembers do not survive one.
prepare_buildah() {
	local name settings=(BUILDAH_ISOLATION=chroot)
	STORE=$IMAGES/buildah
	if [ ${#AS_ROOT[@]} -gt 0 ]; then
		STORE=$IMAGES/buildah-root
		for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
			if [ -n "${!name:-}" ]; then settings+=("$name=${!name}"); fi
		done
		for name in "${REGISTRY_AUTH_FILE:-}" "${XDG_RUNTIME_DIR:-/run}/containers/auth.json" "$HOME/.docker/config.json"; do
			if [ -f "$name" ]; then
				settings+=("REGISTRY_AUTH_FILE=$name")
				break
			fi
		done
	fi
	mkdir -p "$STORE/tmp"
	settings+=("TMPDIR=$STORE/tmp") # cache mounts live there, too
	for DRIVER in overlay vfs; do
		BUILDAH=("${AS_ROOT[@]}" env "${settings[@]}" buildah --storage-driver "$DRIVER" --root "$STORE/$DRIVER"
			--runroot "$STORE/run-$(cat /proc/sys/kernel/random/boot_id)")
		# Else a mount stays behind that keeps the directory from being deleted.
		if [ "$DRIVER" = overlay ]; then BUILDAH+=(--storage-opt overlay.skip_mount_home=true); fi
		if "${BUILDAH[@]}" info >/dev/null 2>&1; then return; fi
	done
	fail "buildah cannot keep images under $STORE; to see why, run: ${BUILDAH[*]} info"
}

# machine prints the architecture of this machine in the words of image platforms.
machine() {
	uname -m | sed 's/^x86_64$/amd64/; s/^aarch64$/arm64/'
}

# engine_build TARGET REFERENCE CONTEXT DOCKERFILE [OPTION...] builds one target of a Dockerfile.
engine_build() {
	local target=$1 reference=$2 context=$3 dockerfile=$4 name options=()
	shift 4
	options=(--file "$dockerfile" --target "$target" --tag "$reference" "$@")
	if [ -n "$PLATFORM" ]; then
		options+=(--platform "$PLATFORM")
		# Older releases of buildah, which podman is built on too, leave this one empty.
		if [ "$ENGINE" != docker ]; then options+=(--build-arg "BUILDPLATFORM=linux/$(machine)"); fi
	fi
	case "$ENGINE" in
	docker)
		for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
			if [ -n "${!name:-}" ]; then options+=(--build-arg "$name"); fi
		done
		if docker buildx version >/dev/null 2>&1; then
			# The context's own builder sees local images; a builder in a container would not.
			docker buildx build --builder "$(docker context show)" --load --progress plain "${options[@]}" "$context"
		else
			DOCKER_BUILDKIT=1 docker build --progress plain "${options[@]}" "$context"
		fi
		;;
	podman) podman build --layers --format docker "${options[@]}" "$context" ;;
	buildah) "${BUILDAH[@]}" build --layers --format docker "${options[@]}" "$context" ;;
	esac
}

# engine_has says whether the image $1 is in the engine's storage.
engine_has() {
	case "$ENGINE" in
	docker) docker image inspect "$1" ;;
	podman) podman image exists "$1" ;;
	buildah) "${BUILDAH[@]}" inspect --type image "$1" ;;
	esac >/dev/null 2>&1
}

# engine_reaches says whether the image $1 can be had: it is here already, or its registry answers within seconds.
engine_reaches() {
	engine_has "$1" || case "$ENGINE" in
	docker) bounded 6 docker manifest inspect "$1" ;;
	podman) bounded 6 podman manifest inspect "docker://$1" ;;
	buildah) bounded 6 "${BUILDAH[@]}" manifest inspect "docker://$1" ;;
	esac >/dev/null 2>&1
}

# engine_save writes the image $1 as a docker-archive to the file $2.
engine_save() {
	case "$ENGINE" in
	docker) docker save --output "$2" "$1" ;;
	podman) podman save --format docker-archive --output "$2" "$1" ;;
	buildah)
		"${BUILDAH[@]}" push --disable-compression "$1" "docker-archive:$2:$1" &&
			if [ ${#AS_ROOT[@]} -gt 0 ]; then "${AS_ROOT[@]}" chown "$(id -u):$(id -g)" "$2"; fi
		;;
	esac
}

# engine_push pushes the image $1, whose tarball is $2, to its registry. Plain HTTP is allowed on the loopback address only.
engine_push() {
	local plain=()
	case "$1" in localhost[:/]* | 127.0.0.1[:/]*) plain=(--tls-verify=false) ;; esac
	case "$ENGINE" in
	docker) { engine_has "$1" || docker load --input "$2"; } && docker push "$1" ;;
	podman) { engine_has "$1" || podman load --input "$2"; } && podman push "${plain[@]}" "$1" ;;
	buildah) { engine_has "$1" || "${BUILDAH[@]}" pull "docker-archive:$2"; } && "${BUILDAH[@]}" push "${plain[@]}" "$1" "docker://$1" ;;
	esac
}

# engine_forget removes old images from the storage that this script owns, and its cached steps when those take more than
# 12 GB. docker and podman are the user's to tidy.
engine_forget() {
	if [ "$ENGINE" != buildah ]; then return; fi
	"${BUILDAH[@]}" rmi "$@" || true
	if [ "$("${AS_ROOT[@]}" du -sm "$STORE/$DRIVER" | cut -f1)" -gt 12000 ]; then "${BUILDAH[@]}" rmi --prune || true; fi
}

# engine_abandon removes what a build that failed or was interrupted left half done.
engine_abandon() {
	if [ "${ENGINE:-}" = buildah ]; then "${BUILDAH[@]}" rm --all || true; fi
}
