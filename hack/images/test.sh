#!/usr/bin/env bash
# Builds the images if they are not up to date, and proves what they promise on the tarballs.
# example: hack/images/test.sh -run TestImagesHoldOneProgramAndNoShell
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
built=$(hack/images/build.sh --build --print)
eval "$built"
export VERSION COMMIT OPERATOR_IMAGE APP_IMAGE DBAGENT_IMAGE OPERATOR_TAR APP_TAR DBAGENT_TAR
go test -count=1 -tags images "$@" ./hack/images
