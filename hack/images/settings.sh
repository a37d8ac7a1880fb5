# shellcheck shell=bash
# Lends the settings of this machine to a build without leaving them in an image: Go's and npm's registries and the
# certificates that this machine trusts travel as secrets. Sourced by build.sh.

# lend_settings sets SETTINGS, the options that hand the settings to a build.
lend_settings() {
	local directory=$WORK/settings name value certificates modules
	SETTINGS=()
	mkdir -m 700 "$directory"

	certificates=$(trusted_certificates)
	if [ -n "$certificates" ]; then SETTINGS+=(--secret "id=ca,src=$certificates"); fi

	for name in GOPROXY GONOPROXY GOPRIVATE GOSUMDB GONOSUMDB GOINSECURE; do
		value=$(if command -v go >/dev/null; then go env "$name"; else printf '%s' "${!name:-}"; fi)
		# What this machine has downloaded already is not downloaded again. docker cannot mount a directory in a build.
		if [ "$name" = GOPROXY ] && [ "$ENGINE" != docker ] && command -v go >/dev/null; then
			modules=$(go env GOMODCACHE)/cache/download
			if [ -d "$modules" ]; then
				SETTINGS+=(--volume "$modules:/run/modules:ro")
				value=file:///run/modules${value:+,$value}
			fi
		fi
		if [ -n "$value" ]; then printf '%s=%s\n' "$name" "$value"; fi
	done >"$directory/goenv"
	SETTINGS+=(--secret "id=goenv,src=$directory/goenv")

	{
		if command -v npm >/dev/null; then printf 'registry=%s\n' "$(npm config get registry 2>/dev/null)"; fi
		if [ -f "$HOME/.npmrc" ]; then grep -E '^(//|@[^:]+:registry)' "$HOME/.npmrc" || true; fi
		if [ -n "$certificates" ]; then echo "cafile=/run/secrets/ca"; fi
	} >"$directory/npmrc"
	SETTINGS+=(--secret "id=npmrc,src=$directory/npmrc")
}
