#!/bin/sh
# Builds the Debian package of one architecture from this tree, which `sh deploy/bootstrap.sh` has set up.
#   sh deploy/deb/build.sh [--arch amd64|arm64] [--version V] [--out FOLDER] [--fast]
#     --arch      default: this machine's. arm64 on amd64 is cross-compiled (needs g++-aarch64-linux-gnu)
#     --version   Debian version (default: that of package.json with -1)
#     --out       where the package goes (default: build/deb)
#     --fast      no compression: for tests
# Prints the path of the package. DEBFULLNAME and DEBEMAIL name who publishes it.
set -eu
export LC_ALL=C
cd "$(dirname "$0")/../.."
root=$PWD

arch=$(dpkg --print-architecture)
version=$(sed -n 's/^ *"version": *"\(.*\)",*$/\1/p' package.json)-1
out=$root/build/deb
compression=-Zxz
while [ $# -gt 0 ]; do
  case "$1" in
    --arch) arch=$2; shift ;;
    --version) version=$2; shift ;;
    --out) out=$2; shift ;;
    --fast) compression=-Znone ;;
    -h | --help) sed -n '2,9p' "$0"; exit 0 ;;
    *) echo "deb/build.sh: unknown option $1" >&2; sed -n '3,7p' "$0" >&2; exit 2 ;;
  esac
  shift
done
say() { echo "deb: $*" >&2; }
fail() { echo "deb: $*" >&2; exit 1; }

case "$arch" in
  amd64) cpu=x64 ;;
  arm64) cpu=arm64 ;;
  *) fail "no package for $arch (amd64 and arm64 only)" ;;
esac
tool=
[ "$arch" = "$(dpkg --print-architecture)" ] || tool=aarch64-linux-gnu-
command -v "${tool}strip" >/dev/null || fail "${tool}strip is missing: apt-get install binutils${tool:+ g++-aarch64-linux-gnu}"

command -v patchelf >/dev/null || fail "patchelf is missing: apt-get install patchelf"

work=$root/build/deb/$arch
stage=$work/root
app=$stage/usr/lib/asls
mkdir -p "$work" "$out"
# One build of an architecture at a time.
if [ "${ASLS_DEB_LOCKED-}" != "$arch" ]; then
  set -- --arch "$arch" --version "$version" --out "$out"
  [ "$compression" = -Zxz ] || set -- "$@" --fast
  ASLS_DEB_LOCKED=$arch exec flock "$work.lock" sh deploy/deb/build.sh "$@"
fi
node=$(sh deploy/board-node.sh "$cpu")
. deploy/deb/native.sh

rm -rf "$stage"
mkdir -p "$app/bin" "$app/build/trainer" "$app/src/adapt/trainer" "$app/node_modules" "$stage/usr/bin" "$stage/DEBIAN"

say "program"
cp package.json "$app/"
cp -a dist "$app/"
find "$app/dist" -name '*.map' -delete
cp -a models "$app/"
cp -a build/home-lm "$app/build/"
cp src/adapt/trainer/protocol.json "$app/src/adapt/trainer/"

say "node_modules"
modules=$(node_modules_root) # the folder that holds node_modules and package-lock.json for this architecture
node deploy/deb/production-modules.mjs "$cpu" "$modules" >"$work/modules"
copy_modules "$modules/node_modules" "$work/modules"
install_native

say "Node.js"
strip_to "$node/bin/node" "$app/bin/node"
strip_to "$(trainer_executable)" "$app/build/trainer/asls-trainer"

. deploy/deb/layout.sh
finish_layout

name=asls_${version}_$arch.deb
dpkg-deb --root-owner-group $compression --build "$stage" "$out/$name" >/dev/null
say "$out/$name: $(du -k "$out/$name" | cut -f 1) kB, installed $(sed -n 's/^Installed-Size: //p' "$stage/DEBIAN/control") kB"
echo "$out/$name"
