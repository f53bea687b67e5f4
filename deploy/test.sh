#!/bin/sh
# Everything that a change has to pass, in the order of cost: lint, types, dead code, then every test project.
# Stops at the first step that fails and names it. The last line is the total: `N passed, N failed, N skipped`.
#
#   sh deploy/test.sh [PROJECT...]     default: all of them; with names: only those projects, without the static gates
set -eu
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PATH"

results=build/test-results
rm -rf $results
mkdir -p $results
began=$(date +%s)

finish() {
  failed_step=$1
  [ -z "$failed_step" ] || echo "test: FAILED at step \"$failed_step\" after $(($(date +%s) - began)) s" >&2
  code=0
  node deploy/test-totals.mjs $results || code=1
  [ -z "$failed_step" ] || exit 1
  exit $code
}

step() {
  name=$1
  shift
  step_began=$(date +%s)
  echo "test: $name"
  "$@" </dev/null || finish "$name"
  echo "test: $name: passed in $(($(date +%s) - step_began)) s"
}

run_project() {
  ASLS_TEST_COUNTS="$results/$1.json" vitest run --project "$1" --reporter=default --reporter=./deploy/count-reporter.ts
}

if [ $# -gt 0 ]; then
  projects=$*
else
  # The slowest and most dependent last, so that a broken unit is told in seconds. test/gates checks that none is missing.
  projects="unit contract integration model gates docs hil e2e"
  step "biome" biome check --error-on-warnings .
  step "tsc" tsc --noEmit
  step "knip" knip
fi
for project in $projects; do
  step "$project" run_project "$project"
done
echo "test: everything passed in $(($(date +%s) - began)) s"
finish ""
