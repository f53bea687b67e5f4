#!/bin/sh
# Makes a clone ready to run: Debian packages, npm packages, native modules, builds. Idempotent, and done within a
# fraction of a second when nothing is missing, so that `npm start`, `npm run demo` and `npm test` call it every time.
#
#   sh deploy/bootstrap.sh [--quiet] [--dev]
#     --quiet  says nothing about what is already there
#     --dev    also the Debian packages that only tests need (marked `dev` in deploy/packages.txt)
#
# Exit code: 0 ready; 1 a step failed (its output is in build/bootstrap.log); 69 something must be installed by root.
set -eu
export LC_ALL=C
cd "$(dirname "$0")/.."

quiet=no
dev=no
for option in "$@"; do
  case "$option" in
    --quiet) quiet=yes ;;
    --dev) dev=yes ;;
    *) echo "usage: sh deploy/bootstrap.sh [--quiet] [--dev]" >&2; exit 2 ;;
  esac
done

log=build/bootstrap.log
stamp=build/bootstrap.stamp
tsc=node_modules/typescript/bin/tsc

say() { echo "set-up: $*"; }
present() { [ "$quiet" = yes ] || say "$*"; }
fail() { echo "set-up: $*" >&2; exit 1; }

# run LABEL COMMAND...: one line when it starts, its seconds when it ends, the end of its output when it fails.
run() {
  label=$1
  shift
  began=$(date +%s)
  say "$label ..."
  if "$@" >"$log" 2>&1; then
    say "$label: done in $(($(date +%s) - began)) s"
    return 0
  fi
  tail -n 30 "$log" >&2
  fail "$label FAILED after $(($(date +%s) - began)) s; the whole output is in $log"
}

check_node() {
  command -v node >/dev/null || fail "Node.js >= 20.19 is needed, and there is no node in PATH (https://nodejs.org)."
  command -v npm >/dev/null || fail "npm is needed, and there is no npm in PATH (Debian: apt install npm)."
  # One call of node tells all that the rest needs: version, ABI, architecture, folder of the installation.
  facts=$(node -p '
    const [major, minor] = process.versions.node.split(".").map(Number);
    const isNewEnough = major > 20 || (major === 20 && minor >= 19);
    [isNewEnough, process.versions.node, process.versions.modules, process.arch, process.execPath].join(" ")')
  read -r node_ok node_version node_abi node_arch node_path <<FACTS
$facts
FACTS
  [ "$node_ok" = true ] || fail "Node.js >= 20.19 is needed; $node_path is $node_version."
  present "Node.js $node_version ($node_arch): fine"
}

# Native modules are compiled against headers of the very Node that runs them. node-gyp would download them; an
# installation that carries them (tarball, NodeSource, npm package `node`, Debian's libnode-dev) needs no network.
find_node_headers() {
  prefix=${node_path%/bin/node}
  for folder in "$prefix" "$prefix/node_modules/node-linux-$node_arch" /usr /usr/local; do
    for include in "$folder/include/node" "$folder/include/nodejs/src"; do
      [ -f "$include/node_version.h" ] || continue
      major=$(sed -n 's/^#define NODE_MAJOR_VERSION *//p' "$include/node_version.h")
      [ "$major" = "${node_version%%.*}" ] || continue
      export npm_config_nodedir="$folder"
      return 0
    done
  done
  return 1
}

prepare_node_headers() {
  find_node_headers && return 0
  # Debian's own node: its headers are a package of the same version.
  if [ "$node_path" = /usr/bin/node ] && dpkg-query -S /usr/bin/node 2>/dev/null | grep -q '^nodejs:' && may_install &&
    available_name libnode-dev >/dev/null; then
    run "Debian packages: installing libnode-dev (headers of Node.js)" apt_update_and_install libnode-dev
    find_node_headers && return 0
  fi
  say "no headers of Node.js $node_version found on this machine: node-gyp will download them"
}

# What is installed must follow from these alone.
install_key() {
  { cat package-lock.json; echo "$node_abi $node_arch"; } | sha256sum | cut -d ' ' -f 1
}

# Prints the compiled modules that this Node cannot load: not built yet, or built for another Node (epoll is bound to one
# ABI; sqlite3 is not).
unloadable_modules() {
  for module in sqlite3 epoll; do
    node -e "require('$module')" >/dev/null 2>&1 || printf ' %s' "$module"
  done
}

npm_install() {
  # No dependency's install script runs here: node-llama-cpp's would try to download, and the two modules that must be
  # compiled are compiled in the next step, the same way with every npm (9 runs all scripts, 11 only the listed ones).
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
}

compile_modules() {
  JOBS=max npm rebuild "$@" --no-audit --no-fund --foreground-scripts
}

# Compiling sqlite3 takes one core for more than a minute: the builds, which do not need it, go on meanwhile.
start_native_modules() {
  modules=$(unloadable_modules)
  [ -n "$modules" ] || return 0
  prepare_node_headers
  (
    log=build/native-modules.log
    # shellcheck disable=SC2086 # one word per module is what is wanted
    run "native modules:$modules for Node.js $node_version" compile_modules $modules
  ) &
  native_pid=$!
}

finish_native_modules() {
  if [ -n "$native_pid" ]; then
    wait "$native_pid" || { native_pid=; exit 1; }
    native_pid=
    modules=$(unloadable_modules)
    [ -z "$modules" ] || fail "these do not load after compiling, see build/native-modules.log:$modules"
  fi
}

# Sets `key` when something was installed, or may have been by hand.
install_npm_packages() {
  key=$(install_key)
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$key" ] && [ -f node_modules/.package-lock.json ]; then
    present "npm packages: up to date"
    key=
    return 0
  fi
  rm -f "$stamp"
  if difference=$(node deploy/check-install.mjs); then
    present "npm packages: all there"
  else
    present "npm packages: $difference"
    run "npm packages: npm ci" npm_install
  fi
  start_native_modules
}

# build NAME OUTPUT COMMAND INPUTS...: runs the command when its output is missing or an input is newer than its last
# success, of which a file in build/ is the witness.
build() {
  name=$1
  output=$2
  command=$3
  shift 3
  done_file=build/$(basename "$output").stamp
  if [ -e "$output" ] && [ -f "$done_file" ] && [ -z "$(find "$@" -newer "$done_file" -print | head -n 1)" ]; then
    present "$name: up to date"
    return 0
  fi
  touch "$done_file.new" # before the work: an input edited meanwhile is newer
  # shellcheck disable=SC2086 # a command line, split on purpose
  run "$name" $command
  mv "$done_file.new" "$done_file"
}

compile_program() {
  [ -d dist ] || rm -f build/tsc.tsbuildinfo # else tsc believes that its output is there
  node $tsc -p tsconfig.build.json || return 1 # `set -e` does not reach into a tested function
  # A module that was removed or renamed must not live on in dist/.
  find dist -path dist/dashboard -prune -o \( -name '*.js' -o -name '*.cjs' \) -print | while read -r file; do
    source=src/${file#dist/}
    [ -f "${source%js}ts" ] || rm -f "$file" "$file.map"
  done
}

run_builds() {
  build "program" dist compile_program src tsconfig.json tsconfig.build.json node_modules/.package-lock.json
  if [ -f deploy/build-dashboard.mjs ]; then
    build "dashboard" dist/dashboard "node deploy/build-dashboard.mjs" \
      src/dashboard deploy/build-dashboard.mjs tsconfig.json tsconfig.dashboard.json node_modules/.package-lock.json
  fi
  if [ -f deploy/home-language-model/build.ts ]; then
    build "home language model" build/home-lm "node node_modules/tsx/dist/cli.mjs deploy/home-language-model/build.ts" \
      deploy/home-language-model
  fi
  if [ -f deploy/build-trainer.sh ]; then
    build "trainer" build/trainer/asls-trainer "sh deploy/build-trainer.sh" \
      src/adapt/trainer deploy/build-trainer.sh node_modules/.package-lock.json
  fi
}

. deploy/debian-packages.sh

mkdir -p build
# One set-up at a time: `npm test` beside `npm run demo` must not install into the same folder.
if [ -z "${ASLS_SETUP_LOCKED-}" ] && command -v flock >/dev/null; then
  ASLS_SETUP_LOCKED=yes exec flock build/bootstrap.lock sh deploy/bootstrap.sh "$@"
fi

check_node
if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
  install_debian_packages
else
  say "this system has no apt: please install the equivalents of deploy/packages.txt yourself"
fi
native_pid=
trap '[ -z "$native_pid" ] || wait "$native_pid" || true' EXIT # leaves no compiler behind when a build fails
install_npm_packages
run_builds
finish_native_modules
[ -z "$key" ] || echo "$key" >"$stamp"
present "ready"
