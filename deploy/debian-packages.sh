# shellcheck shell=sh disable=SC2154 # sourced by deploy/bootstrap.sh, which sets quiet, dev, log and the functions say, run, fail
# Installs what deploy/packages.txt lists and the system lacks; see install_debian_packages.

nl='
'

# The first name of each line; `a|b` = the first that this release of Debian has; a second word `dev` = tests only,
# `dev-amd64` = tests on amd64 only.
wanted_packages() {
  architecture=$(dpkg --print-architecture)
  while read -r name kind _; do
    case "$name" in '' | '#'*) continue ;; esac
    case "$kind" in dev | dev-*) [ "$dev" = yes ] || continue ;; esac
    case "$kind" in dev-*) [ "$kind" = "dev-$architecture" ] || continue ;; esac
    echo "$name"
  done <deploy/packages.txt
}

# Prints each wanted line of which no alternative is installed.
missing_packages() {
  installed=$nl$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' 2>/dev/null | sed -n 's/^[a-z]i *//p')$nl
  for line in $(wanted_packages); do
    found=no
    for name in $(echo "$line" | tr '|' ' '); do
      case "$installed" in *"$nl$name$nl"*) found=yes ;; esac
    done
    [ "$found" = yes ] || echo "$line"
  done
}

# Prints the first alternative of a line that apt can install, or the first one when it knows none.
available_name() {
  for name in $(echo "$1" | tr '|' ' '); do
    if apt-cache policy "$name" 2>/dev/null | grep -q 'Candidate: [^(]'; then
      echo "$name"
      return 0
    fi
  done
  echo "${1%%|*}"
  return 1
}

# Sets `names` to what apt has to install; fails when apt knows no candidate for one of them.
resolve_names() {
  names=
  known=0
  for line in $1; do
    name=$(available_name "$line") || known=1
    names="$names $name"
  done
  return $known
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
  [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

apt_install() {
  # Nobody is asked about a configuration file that was changed: it stays as it is.
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold install -y --no-install-recommends "$@"
}

# One source of somebody else's that is out of order makes apt-get fail and harms nothing: what counts is the install.
apt_update() {
  as_root apt-get update || echo "apt-get update failed; going on with the lists that there are"
}

apt_update_and_install() {
  apt_update
  apt_install "$@"
}

install_debian_packages() {
  missing=$(missing_packages)
  if [ -z "$missing" ]; then
    present "Debian packages: all there"
    return 0
  fi
  resolve_names "$missing" || true
  if ! may_install; then
    echo "set-up: Debian packages are missing, and installing them takes root. Please run this once, then try again:" >&2
    echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$names" >&2
    exit 69
  fi
  resolve_names "$missing" || {
    run "Debian packages: refreshing the package lists" apt_update
    resolve_names "$missing" || fail "apt knows none of these in this release of the system:$names"
  }
  # Lists that are days old name versions that the mirror no longer has: refresh once, then try again.
  # shellcheck disable=SC2086 # one word per package is what is wanted
  if ! run_quietly apt_install $names; then
    run "Debian packages: installing$names" apt_update_and_install $names
  fi
}

run_quietly() {
  began=$(date +%s)
  say "Debian packages: installing$names ..."
  "$@" >"$log" 2>&1 || return 1
  say "Debian packages: done in $(($(date +%s) - began)) s"
}
