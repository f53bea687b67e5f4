#!/bin/sh
# Unit and contract suites on Node 24, the version that boards ship with, beside whatever Node runs `npm test`.
# Works in a copy of the tree under build/node24: `epoll` is bound to one Node version, and compiling it in place would
# break the installation for the other one. Needs a finished `sh deploy/bootstrap.sh --dev`.
set -eu
cd "$(dirname "$0")/.."

arch=$(node -p process.arch)
home=$PWD/build/node24
tree=$home/tree
results=$home/results
log=$home/setup.log
mkdir -p "$home"
runtime=$(sh deploy/board-node.sh "$arch")

rm -rf "$tree" "$results"
mkdir -p "$tree" "$results"
tar -cf - --exclude=./.git --exclude=./node_modules --exclude=./coverage --exclude=./build/node24 --exclude=./build/board-node --exclude=./build/deb \
  --exclude=./build/test-results . | tar -xf - -C "$tree"
cp -al node_modules "$tree/" # hard links: a gigabyte in a second
rm -rf "$tree/node_modules/epoll" "$tree/node_modules/.vite"
cp -a node_modules/epoll "$tree/node_modules/"

cd "$tree"
export PATH="$tree/node_modules/.bin:$runtime/bin:$PATH"
echo "node24: $(node --version), compiling epoll for it"
npm_config_nodedir="$runtime" npm rebuild epoll --no-audit --no-fund --foreground-scripts >"$log" 2>&1 || {
  tail -n 40 "$log" >&2
  exit 1
}
node -e 'require("epoll"); require("sqlite3")'

failed=no
for project in unit contract; do
  ASLS_TEST_COUNTS="$results/$project.json" vitest run --project $project --reporter=default \
    --reporter=./deploy/count-reporter.ts </dev/null || failed=yes
done
node deploy/test-totals.mjs "$results" node24 || failed=yes
[ "$failed" = no ] || exit 1
rm -rf "$tree"
