#!/bin/sh
# Fuzzes everything the native trainer reads (GGUF, adapter, checkpoint, data, protocol line) with libFuzzer and
# AddressSanitizer. Needs clang with libFuzzer (Debian: clang libclang-rt-14-dev; newer releases: libclang-rt-dev).
#
#   sh deploy/fuzz-trainer.sh [RUNS [READER...]]    default: 200000 runs of each reader
#
# What it finds is kept in build/trainer-fuzz/found-READER and run first the next time; make a test of it. Exit code 0: nothing found.
set -eu
cd "$(dirname "$0")/.."
runs=${1:-200000}
[ $# -eq 0 ] || shift
readers=${*:-protocol data checkpoint adapter gguf}
command -v clang++ >/dev/null || { echo "fuzz-trainer.sh: clang++ is missing: apt install clang libclang-rt-14-dev" >&2; exit 69; }
sh deploy/build-trainer.sh --fuzz
build=build/trainer-fuzz
failed=no
for reader in $readers; do
  corpus=$build/corpus-$reader
  kept=$build/found-$reader
  mkdir -p "$corpus" "$kept"
  node deploy/fuzz-seeds.mjs "$reader" "$corpus"
  echo "fuzz: $reader, $runs runs"
  log=$build/$reader.log
  if ! ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1 "$build/asls-fuzz-readers" --reader="$reader" --model=models/seed-q8_0.gguf \
    -runs="$runs" -max_len=8192 -rss_limit_mb=2048 -malloc_limit_mb=1024 -timeout=20 -print_final_stats=1 \
    -artifact_prefix="$kept/" "$corpus" "$kept" >"$log" 2>&1; then
    failed=yes
    grep -E "ERROR|SUMMARY|GGML_ASSERT|Test unit written" "$log" >&2 || tail -n 5 "$log" >&2
  fi
  grep -E "stat::number_of_executed_units|stat::peak_rss_mb" "$log" || true
done
[ "$failed" = no ] || { echo "fuzz: FOUND something; logs in $build" >&2; exit 1; }
