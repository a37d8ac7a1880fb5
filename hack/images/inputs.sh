# shellcheck shell=bash
# What enters the images, and the version and tag that follow from it. Sourced by build.sh.

# git_here runs git on the checkout. A source archive without history gets an empty repository beside it, which answers
# the same questions about which files count.
git_here() {
	if [ -d "$WORK/empty.git" ]; then
		git --git-dir="$WORK/empty.git" --work-tree="$ROOT" -C "$ROOT" "$@"
	else
		git -C "$ROOT" "$@"
	fi
}

# read_inputs sets INPUTS to the pathspecs of the files that .dockerignore lets into a build.
read_inputs() {
	local line
	INPUTS=(Dockerfile .dockerignore)
	while IFS= read -r line; do
		case "$line" in
		'' | '#'* | '*') ;;
		'!'*) INPUTS+=(":(glob)${line#!}" ":(glob)${line#!}/**") ;;
		*) INPUTS+=(":(exclude,glob)$line" ":(exclude,glob)$line/**") ;;
		esac
	done <"$ROOT/.dockerignore"
	if ! git -C "$ROOT" rev-parse --git-dir >/dev/null 2>&1; then git init --quiet --bare "$WORK/empty.git"; fi
}

# stage_inputs copies the files that git tracks or would track to the directory $1, so that the tag and the images come
# from the same bytes even if somebody saves a file meanwhile.
stage_inputs() {
	local file
	mkdir -p "$1"
	git_here ls-files --cached --others --exclude-standard -z -- "${INPUTS[@]}" |
		while IFS= read -r -d '' file; do
			if [ -f "$ROOT/$file" ]; then printf '%s\0' "$file"; fi
		done | tar -C "$ROOT" --null -T - -cf - | tar -C "$1" -xf -
}

# commit_of_inputs prints the newest commit that touched an input, with -dirty if an input differs from it; nothing
# without history. A commit that touches other files only changes no image.
commit_of_inputs() {
	local commit
	git_here rev-parse --verify --quiet HEAD >/dev/null || return 0
	commit=$(git_here log -1 --format=%H -- "${INPUTS[@]}")
	if [ -n "$(git_here status --porcelain -- "${INPUTS[@]}")" ]; then commit=$commit-dirty; fi
	printf '%s' "$commit"
}

# version_of_inputs prints the release (1.4.0 where HEAD carries the tag v1.4.0 and $1, the commit, is clean), else dev.
version_of_inputs() {
	local tag
	case "$1" in
	'' | *-dirty) ;;
	*)
		if tag=$(git_here describe --tags --exact-match --match 'v*' 2>/dev/null); then
			printf '%s' "${tag#v}"
			return
		fi
		;;
	esac
	printf dev
}

# digest prints twelve hexadecimal digits of the SHA-256 of its standard input.
digest() {
	"${SHA256[@]}" | cut -c1-12
}

# content_tag prints the tag that belongs to the staged inputs in $1 and to every setting that shapes the images.
content_tag() {
	{
		(cd "$1" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 "${SHA256[@]}")
		printf '%s\n' "$VERSION" "$COMMIT" "$PLATFORM" "${GO_IMAGE:-}" "${NODE_IMAGE:-}" "${RUNTIME_IMAGE:-}"
	} | digest
}
