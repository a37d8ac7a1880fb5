# shellcheck shell=bash
# The bases of the images: those that the Dockerfile names where a registry answers, else stand-ins made from this
# machine's distribution, Go and Node, and kept by version. Sourced by build.sh.

# default_base prints the image that the Dockerfile names for the argument $1.
default_base() {
	sed -n "s/^ARG $1=//p" "$ROOT/Dockerfile"
}

# choose_bases sets BASES, the build arguments that name the bases, and says which ones those are.
choose_bases() {
	local argument reference stand_ins=() own=()
	BASES=()
	for argument in GO_IMAGE NODE_IMAGE RUNTIME_IMAGE; do
		if [ -n "${!argument:-}" ]; then continue; fi
		{ engine_reaches "$(default_base $argument)" && touch "$WORK/reached-$argument"; } &
	done
	wait
	for argument in GO_IMAGE NODE_IMAGE RUNTIME_IMAGE; do
		if [ -n "${!argument:-}" ]; then
			reference=${!argument}
			own+=("$reference")
		elif [ -e "$WORK/reached-$argument" ]; then
			reference=$(default_base $argument)
			own+=("$reference")
		else
			stand_in "$argument"
			reference=$STAND_IN
			stand_ins+=("$STAND_IN_IS")
		fi
		BASES+=(--build-arg "$argument=$reference")
	done
	if [ ${#own[@]} -gt 0 ]; then say "bases: ${own[*]}"; fi
	if [ ${#stand_ins[@]} -gt 0 ]; then say "bases made here, as no registry answers: $(printf '%s; ' "${stand_ins[@]}" | sed 's/; $//')"; fi
}

# stand_in makes the local base for the argument $1 if it is not there. It sets STAND_IN, the image, and STAND_IN_IS, what
# it holds.
stand_in() {
	local kind material=("$HACK/bases.Dockerfile" "$HACK/stand-ins.sh") wanted
	wanted=$(default_base "$1")
	SUITE=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	case "$1" in
	GO_IMAGE)
		kind=go
		command -v go >/dev/null || fail "$wanted cannot be pulled and there is no Go to stand in for it: install Go, or set $1 to an image that can be pulled"
		STAND_IN_IS="Go $(cd "$ROOT" && go env GOVERSION | sed 's/^go//') on $SUITE"
		;;
	NODE_IMAGE)
		kind=node
		command -v node >/dev/null || fail "$wanted cannot be pulled and there is no Node to stand in for it: install Node with npm, or set $1 to an image that can be pulled"
		STAND_IN_IS="Node $(node -p process.versions.node) on $SUITE"
		material+=("$(npm_directory)/package.json")
		;;
	RUNTIME_IMAGE)
		kind=runtime
		STAND_IN_IS="certificates and time zones of $SUITE${PLATFORM:+ for $PLATFORM}"
		material+=("$(trusted_certificates)")
		;;
	esac
	STAND_IN=localhost/chatpdf-base/$kind:$({ cat "${material[@]}" && echo "$STAND_IN_IS"; } | digest)
	if ! engine_has "$STAND_IN"; then step "base with $STAND_IN_IS" make_stand_in "$kind" "$STAND_IN"; fi
}
