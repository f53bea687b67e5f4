#!/bin/sh
# Proves that a stranger's fresh machine is enough: makes a minimal Debian root with Node, npm and git, clones this
# repository's HEAD into it, runs `npm run demo` and `npm test` there and nothing else, and says PASS or FAIL.
#
#   sh deploy/fresh-machine.sh bookworm|trixie [--keep] [--only COMMAND]...
#     --keep           leaves the root on disk and says where it is
#     --only COMMAND   runs this command instead of the two (may be repeated)
#
# Needs root and mmdebstrap, about 5 GB in $TMPDIR (default /tmp) and tens of minutes on two cores. Mounts live in a mount
# namespace of their own, so that nothing stays mounted however the script ends.
set -eu
cd "$(dirname "$0")/.."

usage() { echo "usage: sh deploy/fresh-machine.sh bookworm|trixie [--keep] [--only COMMAND]..." >&2; exit 2; }
fail() { echo "fresh-machine: $*" >&2; exit 1; }
say() { echo "fresh-machine: $*"; }

# Everything below yields to whatever else the machine is doing.
renice -n 10 $$ >/dev/null

release=${1-}
case "$release" in bookworm | trixie) shift ;; *) usage ;; esac
keep=no
commands=
nl='
'
while [ $# -gt 0 ]; do
  case "$1" in
    --keep) keep=yes ;;
    --only) [ $# -gt 1 ] || usage; shift; commands="$commands$1$nl" ;;
    *) usage ;;
  esac
  shift
done
[ -n "$commands" ] || commands="npm run demo${nl}npm test$nl"

[ "$(id -u)" = 0 ] || fail "root is needed for a chroot: sudo sh deploy/fresh-machine.sh $release"
command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing: apt-get install mmdebstrap"
[ -z "$(git status --porcelain --untracked-files=no)" ] || say "note: uncommitted changes are not part of what is tested"

work=$(mktemp -d "${TMPDIR:-/tmp}/asls-fresh-$release.XXXXXX")
root=$work/root
cleanup() {
  if [ "$keep" = yes ]; then say "kept: $root"; else rm -rf --one-file-system "$work"; fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM HUP

# A board owner's machine reaches the registries directly; a machine behind a proxy or with its own certificate
# authority does so through these, and its chroot has to do the same.
copy_network_settings() {
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  if ls /usr/local/share/ca-certificates/*.crt >/dev/null 2>&1; then
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
    chroot "$root" update-ca-certificates >/dev/null 2>&1
  fi
  grep -lisE '^ *Acquire::(https?|ftp|Check-|Retries)' /etc/apt/apt.conf.d/* 2>/dev/null | while read -r file; do
    cp "$file" "$root/etc/apt/apt.conf.d/"
  done
  for key in registry proxy https-proxy; do
    value=$(npm config get "$key" 2>/dev/null)
    case "$value" in '' | null | undefined) ;; *) echo "$key=$value" >>"$root/root/.npmrc" ;; esac
  done
  echo "cafile=/etc/ssl/certs/ca-certificates.crt" >>"$root/root/.npmrc"
}

# in_root COMMAND: a login-like shell in the clone, with a clean environment.
in_root() {
  unshare --mount --pid --fork --kill-child sh -eu -c '
    mount --make-rprivate /
    mount --rbind "$1" "$1" # a root is a mount point, here too: some tests make mount namespaces of their own
    mount -t proc proc "$1/proc"
    mount --rbind /sys "$1/sys"
    mount --rbind /dev "$1/dev"
    exec chroot "$1" /usr/bin/env -i HOME=/root USER=root LANG=C.UTF-8 TERM=dumb \
      PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt \
      ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
      sh -c "cd \"$2\" && $3"
  ' in_root "$root" "$1" "$2" </dev/null
}

timed() {
  label=$1
  shift
  began=$(date +%s)
  say "$label ..."
  if "$@" >"$work/step.log" 2>&1; then
    say "$label: $(($(date +%s) - began)) s"
  else
    tail -n 40 "$work/step.log" >&2
    fail "FAIL $release: $label"
  fi
}

timed "minimal root of Debian $release" mmdebstrap --variant=apt --include=ca-certificates,git,nodejs,npm \
  "$release" "$root"
copy_network_settings
grep -qs localhost "$root/etc/hosts" || echo "127.0.0.1 localhost" >>"$root/etc/hosts" # as any installer leaves it
if [ "$release" = bookworm ]; then
  # Debian 12 carries Node 18, too old for us: its user installs a current one.
  timed "Node 24 by npm" in_root /root "npm install --global --no-audit --no-fund node@24"
fi
branch=$(git rev-parse --abbrev-ref HEAD)
[ "$branch" != HEAD ] || fail "check out a branch first: a clone has one"
git bundle create --quiet "$root/root/asls.bundle" "$branch"
chroot "$root" git clone --quiet --branch "$branch" /root/asls.bundle /root/asls
say "Debian $release: node $(chroot "$root" node --version), npm $(chroot "$root" npm --version), $(
  git rev-parse --short HEAD), $(du -sm "$root" | cut -f 1) MB"

verdict=PASS
printf '%s' "$commands" >"$work/commands"
while read -r command <&3; do
  began=$(date +%s)
  say "$command"
  code=0
  in_root /root/asls "$command" || code=$?
  say "$command: exit $code after $(($(date +%s) - began)) s"
  if [ $code != 0 ]; then
    verdict=FAIL
    break
  fi
done 3<"$work/commands"
say "$(du -sm "$root" | cut -f 1) MB in the root, of that node_modules $(du -sm "$root/root/asls/node_modules" 2>/dev/null | cut -f 1) MB"
say "$verdict $release"
[ $verdict = PASS ]
