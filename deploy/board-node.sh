#!/bin/sh
# Fetches the Node.js that boards run, the same for every release of Debian, and prints the folder that holds bin/ and include/.
#   sh deploy/board-node.sh [x64|arm64]     default: this machine's architecture
#   sh deploy/board-node.sh --version       only says which
# Native modules are bound to what they are compiled for, so the version is pinned here and nowhere else.
set -eu
cd "$(dirname "$0")/.."
version=24.21.0
if [ "${1-}" = --version ]; then echo $version; exit 0; fi
arch=${1:-$(node -p process.arch)}
home=$PWD/build/board-node/$arch
folder=$home/node_modules/node-linux-$arch
if ! grep -qs "\"version\": *\"$version\"" "$folder/package.json" || [ ! -x "$folder/bin/node" ]; then
  mkdir -p "$home"
  echo '{ "private": true }' > "$home/package.json"
  # The npm package `node` is a script that fetches this one; taken directly, no install script has to be allowed.
  # Forced, since npm refuses what is for another processor.
  npm install --prefix "$home" --no-audit --no-fund --ignore-scripts --force "node-linux-$arch@$version" > "$home/install.log" 2>&1 || {
    cat "$home/install.log" >&2
    exit 1
  }
fi
echo "$folder"
