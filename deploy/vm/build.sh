#!/bin/sh
# Builds the machine of the virtual board from Debian packages: kernel, modules, root file system with the package of asls in
# it. Everything lands in build/vm; each part is made again only when what it is made of has changed.
#
#   sh deploy/vm/build.sh [--deb FILE] [--arch amd64]
#     --deb FILE  the package to install; default: the newest build/deb/asls_*_ARCH.deb
#
# Needs root, Debian 12 and its archive. Its own packages (QEMU, mmdebstrap, kernel headers and source) are installed
# here and not by deploy/bootstrap.sh, since nothing else uses them. The kernel's sources are GPL-2.0: they come from
# linux-source at build time, and only modules/vboard.c, which is ours, is kept in the repository. docs/hil.md explains
# the machine.
set -eu
export LC_ALL=C
cd "$(dirname "$0")/../.."

arch=amd64
deb=
while [ $# -gt 0 ]; do
  case "$1" in
    --deb) deb=$2; shift 2 ;;
    --arch) arch=$2; shift 2 ;;
    *) echo "usage: sh deploy/vm/build.sh [--deb FILE] [--arch amd64]" >&2; exit 2 ;;
  esac
done

recipe=deploy/vm
out=$PWD/build/vm
log=$out/build.log

say() { echo "vm: $*"; }
fail() { echo "vm: $*" >&2; exit 1; }

# made NAME KEY: true when this part was made of exactly that.
made() { [ -f "$out/$1.key" ] && [ "$(cat "$out/$1.key")" = "$2" ]; }

# part NAME KEY COMMAND...: runs the command unless the part is up to date; its output is shown when it fails.
part() {
  name=$1 key=$2
  shift 2
  if made "$name" "$key"; then
    say "$name: up to date"
    return 0
  fi
  rm -f "$out/$name.key"
  began=$(date +%s)
  # A condition would switch `set -e` off inside of the command: a subshell with its own does not.
  (set -e; "$@") >"$log" 2>&1 &
  if ! wait $!; then
    tail -n 40 "$log" >&2
    fail "$name FAILED after $(($(date +%s) - began)) s"
  fi
  echo "$key" >"$out/$name.key"
  say "$name: made in $(($(date +%s) - began)) s"
}

hash_of() { cat "$@" | sha256sum | cut -c 1-16; }

[ "$arch" = amd64 ] || fail "only amd64 is built so far"
[ "$(id -u)" = 0 ] || fail "this needs root (mmdebstrap, device nodes)"
. /etc/os-release
[ "${VERSION_CODENAME-}" = bookworm ] ||
  fail "this needs Debian 12 (bookworm): kernel, headers and source come from its archive, and programs that were compiled here run in it"
mkdir -p "$out"

tools="qemu-system-x86 mmdebstrap busybox-static linux-source-6.1 linux-headers-amd64 openssh-client e2fsprogs kmod make gcc xz-utils"
missing=
for tool in $tools; do
  dpkg-query -W -f '${Status}' "$tool" 2>/dev/null | grep -q 'ok installed' || missing="$missing $tool"
done
install_tools() {
  apt-get update
  # shellcheck disable=SC2086 # a list of packages
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
}
[ -z "$missing" ] || part tools "$missing" install_tools

headers=$(dpkg-query -W -f '${Depends}' linux-headers-amd64 | grep -o 'linux-headers-[0-9][^ ,]*' | head -n 1)
kernel=${headers#linux-headers-}
kernel_version=$(dpkg-query -W -f '${Version}' "$headers")
source_version=$(dpkg-query -W -f '${Version}' linux-source-6.1)
[ "$kernel_version" = "$source_version" ] ||
  fail "kernel headers ($kernel_version) and source ($source_version) differ: apt-get update && apt-get install $headers linux-source-6.1"

. $recipe/kernel.sh
. $recipe/base.sh
. $recipe/image.sh

[ -n "$deb" ] || deb=$(ls -t build/deb/asls_*_"$arch".deb 2>/dev/null | head -n 1) || true
[ -n "$deb" ] && [ -f "$deb" ] || fail "no package of asls: sh deploy/deb/build.sh --fast"
deb=$(realpath "$deb")

# What the package depends on is installed with the release, so that it needs no network later.
depends=$(dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed 's/([^)]*)//; s/|.*//; s/[[:space:]]//g' | sort -u | paste -s -d ,)
packages=systemd,systemd-sysv,udev,dbus,kmod,iproute2,procps,openssh-server,mosquitto,gpiod,init-system-helpers,$depends

make_keys() {
  rm -rf "$out/keys"
  mkdir -m 700 "$out/keys"
  ssh-keygen -q -t ed25519 -N '' -C "$out" -f "$out/keys/client"
  ssh-keygen -q -t ed25519 -N '' -C vboard -f "$out/keys/host"
  echo "vboard $(cut -d ' ' -f 1-2 "$out/keys/host.pub")" >"$out/keys/known_hosts"
}


part kernel "$kernel $kernel_version $(hash_of $recipe/kernel.sh $recipe/modules/*)" make_kernel
part initrd "$kernel_version $(hash_of $recipe/kernel.sh $recipe/modules/* $recipe/initrd-init /bin/busybox)" make_initrd
part base "$(hash_of $recipe/base.sh) $packages" make_base
[ -d "$out/keys" ] || rm -f "$out/keys.key"
part keys "1" make_keys
part image "$(hash_of $recipe/image.sh "$out/kernel.key" "$out/base.key" "$out/keys/client.pub" "$deb" $(find $recipe/rootfs -type f | sort))" make_image
