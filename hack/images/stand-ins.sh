# shellcheck shell=bash
# Makes the stand-ins for bases that cannot be pulled: a small Debian or Ubuntu with the Go or Node of this machine to build
# in, and certificates with time zones to run on. Sourced by build.sh.

# trusted_certificates prints the path of the bundle of certificate authorities that this machine trusts, if there is one.
trusted_certificates() {
	local file
	for file in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
		if [ -f "$file" ]; then
			echo "$file"
			return
		fi
	done
}

# npm_directory prints where npm lies: beside Node, as its own releases have it, or where Debian puts it.
npm_directory() {
	local directory
	for directory in "$(dirname "$(node -p process.execPath)")/../lib/node_modules/npm" /usr/share/nodejs/npm; do
		if [ -f "$directory/package.json" ]; then
			(cd "$directory" && pwd -P)
			return
		fi
	done
	fail "there is no npm beside $(node -p process.execPath): install npm, or set NODE_IMAGE to an image that can be pulled"
}

# make_stand_in builds the base of kind $1 as image $2.
make_stand_in() {
	local context=$WORK/base-$1
	mkdir -p "$context"
	make_system
	case "$1" in
	go)
		ln "$SYSTEM" "$context/system.tar.gz"
		tar -cf "$context/go.tar" --owner=0 --group=0 --exclude=testdata --exclude='*_test.go' --exclude=./test \
			--transform 's,^\.,go,' -C "$(cd "$ROOT" && go env GOROOT)" .
		;;
	node)
		ln "$SYSTEM" "$context/system.tar.gz"
		pack_node "$context"
		;;
	runtime) pack_runtime "$context" ;;
	esac
	# Go and Node run here, whatever they build for; the runtime base takes the platform of the images.
	# shellcheck disable=SC2034 # engine_build reads it
	case "$1" in go | node) local PLATFORM= ;; esac
	engine_build "$1" "$2" "$context" "$HACK/bases.Dockerfile"
	rm -rf "$context"
}

# make_system sets SYSTEM, the tarball of a minimal system of this machine's distribution, and makes it once.
make_system() {
	local sources=() file
	SYSTEM=$IMAGES/bases/system-$SUITE-$(uname -m).tar.gz
	if [ -f "$SYSTEM" ]; then return; fi
	if [ -z "$SUITE" ] || ! command -v apt-get >/dev/null; then
		fail "the bases of the Dockerfile cannot be pulled, and stand-ins can be made on Debian and Ubuntu only: set GO_IMAGE, NODE_IMAGE and RUNTIME_IMAGE to images that can be pulled"
	fi
	command -v mmdebstrap >/dev/null || install_packages mmdebstrap ||
		fail "the bases of the Dockerfile cannot be pulled, and making stand-ins needs mmdebstrap: sudo apt-get install mmdebstrap"
	# The mirrors that this machine uses, without the repositories of third parties.
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list.d/ubuntu.sources; do
		if [ -s "$file" ]; then sources+=("$file"); fi
	done
	mkdir -p "$IMAGES/bases"
	"${AS_ROOT[@]}" mmdebstrap --variant=minbase --include=ca-certificates,tzdata "$SUITE" "$WORK/system.tar.gz" "${sources[@]}"
	mv -f "$WORK/system.tar.gz" "$SYSTEM"
}

# pack_node writes Node, npm and the shared libraries that the minimal system lacks to $1/node.tar.
pack_node() {
	local tree=$1/tree node npm library
	node=$(node -p process.execPath)
	npm=$(npm_directory)
	mkdir -p "$tree/usr/local/bin"
	cp -L "$node" "$tree/usr/local/bin/node"
	case "$npm" in
	/usr/share/nodejs/npm) # Debian's npm shares its dependencies with other packages
		mkdir -p "$tree/usr/share"
		cp -R /usr/share/nodejs "$tree/usr/share/"
		;;
	*)
		mkdir -p "$tree/usr/local/lib/node_modules"
		cp -RL "$npm" "$tree/usr/local/lib/node_modules/"
		npm=/usr/local/lib/node_modules/npm
		;;
	esac
	ln -s "$npm/bin/npm-cli.js" "$tree/usr/local/bin/npm"
	ln -s "$npm/bin/npx-cli.js" "$tree/usr/local/bin/npx"
	ldd "$node" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' |
		grep -Ev '/(libc|libm|libdl|libpthread|librt|libgcc_s|libstdc\+\+)\.so' |
		while read -r library; do
			# Through the real directory: /lib is a link to /usr/lib in the system that this is laid over.
			mkdir -p "$tree$(dirname "$library" | xargs readlink -f)"
			cp -L "$library" "$tree$(dirname "$library" | xargs readlink -f)/"
		done || true
	tar -cf "$1/node.tar" --owner=0 --group=0 -C "$tree" .
}

# pack_runtime writes to $1/runtime.tar what a static binary needs: certificate authorities, time zones, the user that it
# runs as, a home and a place for temporary files.
pack_runtime() {
	local tree=$1/tree
	mkdir -p "$tree/etc/ssl/certs" "$tree/usr/share" "$tree/tmp" "$tree/home/nonroot"
	tar -xzf "$SYSTEM" -C "$tree" --exclude='*/zoneinfo/posix' --exclude='*/zoneinfo/right' ./usr/share/zoneinfo
	cp -L "$(trusted_certificates)" "$tree/etc/ssl/certs/ca-certificates.crt"
	printf '%s\n' 'root:x:0:0:root:/root:/sbin/nologin' 'nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin' >"$tree/etc/passwd"
	printf '%s\n' 'root:x:0:' 'nonroot:x:65532:' >"$tree/etc/group"
	chmod -R u=rwX,go=rX "$tree"
	chmod 1777 "$tree/tmp"
	tar -cf "$1/runtime.tar" --owner=0 --group=0 --exclude=./home/nonroot -C "$tree" .
	tar -rf "$1/runtime.tar" --owner=65532 --group=65532 -C "$tree" ./home/nonroot
}
