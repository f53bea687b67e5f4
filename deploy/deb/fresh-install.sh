#!/bin/sh
# Proves that the package installs on a fresh Debian with nothing but its own dependencies, and that what it brings works:
# node, model, trainer, recogniser and voice, as `asls doctor` sees them. Leaves nothing behind.
#
#   sh deploy/deb/fresh-install.sh bookworm|trixie PACKAGE.deb
#
# Needs root, mmdebstrap and a Debian mirror.
set -eu
release=${1-}
package=${2-}
case "$release" in bookworm | trixie) ;; *) sed -n '5p' "$0" >&2; exit 64 ;; esac
[ -f "$package" ] || { echo "fresh-install: there is no package $package" >&2; exit 66; }
result=$(mktemp)
trap 'rm -f "$result"' EXIT

mmdebstrap --quiet --variant=apt --format=null \
  --customize-hook="copy-in $package /root" \
  --customize-hook='chroot "$1" sh -c "DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends /root/*.deb"' \
  --customize-hook='chroot "$1" sh -c "cd /; asls doctor --json; true"' \
  "$release" /dev/null >"$result"

verdict=PASS
for part in node configuration model trainer hearing speech; do
  if grep -q "\"part\":\"$part\",\"status\":\"ok\"" "$result"; then
    echo "fresh-install $release: $part: ok"
  else
    verdict=FAIL
    echo "fresh-install $release: $part: NOT ok"
  fi
done
[ $verdict = PASS ] || tail -n 40 "$result" >&2
echo "fresh-install: $verdict $release"
[ $verdict = PASS ]
