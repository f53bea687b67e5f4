#!/bin/sh
# Builds the native trainer against the ggml libraries that node-llama-cpp runs. Idempotent; a second run takes a second.
#   --asan | --ubsan   sanitised flavour in build/trainer-asan, build/trainer-ubsan
#   --tools            also the test tools (GGUF maker, reference, gradient checker)
#   --fuzz             with clang, AddressSanitizer and libFuzzer in build/trainer-fuzz (deploy/fuzz-trainer.sh)
#   --arch arm64       cross build in build/trainer-arm64 (needs g++-aarch64-linux-gnu)
#   --jobs N           compile jobs (default: all cores)
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
flavour=""; sanitize=""; tools=""; arch=$(uname -m); cross=""; jobs=$(nproc)
while [ $# -gt 0 ]; do
  case "$1" in
    --asan) flavour=-asan; sanitize=address ;;
    --ubsan) flavour=-ubsan; sanitize=undefined ;;
    --tools) tools=-DASLS_TRAINER_TOOLS=ON ;; # stays on for later builds of the same folder
    --fuzz) flavour=-fuzz; sanitize=address; tools="-DASLS_TRAINER_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++" ;;
    --arch) arch=$2; shift ;;
    --jobs) jobs=$2; shift ;;
    *) echo "build-trainer.sh: unknown option $1" >&2; sed -n '2,8p' "$0" >&2; exit 2 ;;
  esac
  shift
done
case "$arch" in
  x86_64 | x64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) echo "build-trainer.sh: no trainer for $arch (x64 and arm64 only)" >&2; exit 69 ;;
esac
case "$(uname -m)" in x86_64) host=x64 ;; aarch64) host=arm64 ;; *) host=other ;; esac
if [ "$arch" != "$host" ]; then
  flavour="$flavour-$arch"
  cross="-DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 -DCMAKE_CXX_COMPILER=aarch64-linux-gnu-g++"
fi

nlc="$root/node_modules/node-llama-cpp"
[ -f "$nlc/llama/gitRelease.bundle" ] || { echo "build-trainer.sh: node-llama-cpp is not installed: run npm ci first" >&2; exit 69; }
tag=$(sed -n 's/.*"tag": *"\([^"]*\)".*/\1/p' "$nlc/llama/llama.cpp.info.json" 2>/dev/null || true)
[ -n "$tag" ] || tag=$(sed -n 's/.*"release": *"\([^"]*\)".*/\1/p' "$nlc/llama/binariesGithubRelease.json")

# A build made on this board (Jetson: CUDA) wins over the prebuilt package, as it does in node-llama-cpp.
libs=""
for candidate in "$nlc"/llama/localBuilds/*/Release "$root/node_modules/@node-llama-cpp/linux-$arch/bins/linux-$arch"; do
  if [ -f "$candidate/libggml-base.so" ]; then libs=$candidate; break; fi
done
[ -n "$libs" ] || { echo "build-trainer.sh: no ggml libraries for linux-$arch: run npm ci, or build node-llama-cpp first" >&2; exit 69; }
if [ -f "$libs/_nlcBuildMetadata.json" ] && ! grep -q "\"release\":\"$tag\"" "$libs/_nlcBuildMetadata.json"; then
  echo "build-trainer.sh: $libs is not release $tag" >&2; exit 69
fi

# Tests and benchmarks may ask for the same folder at the same time; other flavours need not wait.
mkdir -p "$root/build"
if command -v flock > /dev/null; then
  exec 9> "$root/build/trainer$flavour.lock"
  flock 9
fi

source="$root/build/llama.cpp"
if command -v flock > /dev/null; then
  exec 8> "$root/build/llama.cpp.lock" # shared by all flavours
  flock 8
fi
if [ ! -f "$source/.asls-$tag" ]; then
  rm -rf "$source" "$source.tmp"
  git clone --quiet --no-checkout "$nlc/llama/gitRelease.bundle" "$source.tmp"
  git -C "$source.tmp" sparse-checkout set --no-cone /include /ggml/include /vendor/nlohmann
  git -C "$source.tmp" checkout --quiet
  touch "$source.tmp/.asls-$tag"
  mv "$source.tmp" "$source"
fi
exec 8>&-

# shellcheck disable=SC2086 # $cross and $tools are lists of options
cmake -S "$root/src/adapt/trainer" -B "$root/build/trainer$flavour" -DCMAKE_BUILD_TYPE=Release $cross \
  -DASLS_LLAMA_SRC="$source" -DASLS_GGML_LIB_DIR="$libs" -DASLS_GGML_TAG="$tag" \
  -DASLS_SANITIZE="$sanitize" -DASLS_WERROR="${sanitize:+ON}" $tools > "$root/build/trainer$flavour.log" 2>&1 || { cat "$root/build/trainer$flavour.log" >&2; exit 1; }
cmake --build "$root/build/trainer$flavour" -j "$jobs" --target all >> "$root/build/trainer$flavour.log" 2>&1 || { tail -n 40 "$root/build/trainer$flavour.log" >&2; exit 1; }
