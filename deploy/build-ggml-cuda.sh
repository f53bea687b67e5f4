#!/bin/sh
# Builds ggml's CUDA backend for the trainer from the llama.cpp release bundled with node-llama-cpp (Jetson: there is no prebuilt one for
# arm64). A long compile (68 CUDA files and 120 template instances), so never part of the ordinary build. The result is
# build/ggml-cuda/bin/libggml-cuda.so; run the trainer with ASLS_GGML_BACKEND_DIR=build/ggml-cuda/bin. Flash attention is left out:
# it has no backward pass, so the trainer never calls it, and its kernels are most of the compile.
#   --arch N     compute capability without the dot (default 87, Jetson Orin)
#   --jobs N     compile jobs (default: all cores)
#   --target T   build only this cmake target (default ggml-cuda)
#   --toolkit T  system: the nvcc on the PATH (default; JetPack's on a Jetson); debian: Debian's CUDA 11.8, downloaded into
#                build/cuda-toolkit (1.2 GB, non-free, x86-64 only; deploy/debian-cuda.sh)
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
arch=87; jobs=$(nproc); target=ggml-cuda; toolkit=system
while [ $# -gt 0 ]; do
  case "$1" in
    --arch) arch=$2 ;;
    --jobs) jobs=$2 ;;
    --target) target=$2 ;;
    --toolkit) toolkit=$2 ;;
    *) echo "build-ggml-cuda.sh: unknown option $1" >&2; sed -n '2,12p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done
host_compiler=""
case "$toolkit" in
  system) command -v nvcc > /dev/null || { echo "build-ggml-cuda.sh: nvcc is not on the PATH: install the CUDA toolkit (JetPack brings it), or use --toolkit debian" >&2; exit 69; } ;;
  debian)
    sh "$root/deploy/debian-cuda.sh"
    PATH="$root/build/cuda-toolkit/bin:$PATH"
    host_compiler="-DCMAKE_CUDA_HOST_COMPILER=$root/build/cuda-toolkit/bin/g++-11 -DCUDAToolkit_ROOT=$root/build/cuda-toolkit" ;;
  *) echo "build-ggml-cuda.sh: --toolkit is system or debian, not $toolkit" >&2; exit 2 ;;
esac
bundle="$root/node_modules/node-llama-cpp/llama/gitRelease.bundle"
[ -f "$bundle" ] || { echo "build-ggml-cuda.sh: node-llama-cpp is not installed: run npm ci first" >&2; exit 69; }
source="$root/build/ggml-cuda-source"
if [ ! -d "$source/ggml" ]; then
  rm -rf "$source" "$source.tmp"
  git clone --quiet --no-checkout "$bundle" "$source.tmp"
  git -C "$source.tmp" sparse-checkout set --no-cone /ggml
  git -C "$source.tmp" checkout --quiet
  touch "$source.tmp/ggml/ggml.pc.in" # a pkg-config template that the bundle leaves out and configuring asks for
  mv "$source.tmp" "$source"
fi
# shellcheck disable=SC2086 # $host_compiler is a list of options
cmake -S "$source/ggml" -B "$root/build/ggml-cuda" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON -DGGML_BACKEND_DL=ON -DGGML_NATIVE=OFF \
  -DGGML_CUDA=ON -DGGML_CUDA_FA=OFF -DGGML_CUDA_NCCL=OFF -DGGML_CPU=OFF $host_compiler -DCMAKE_CUDA_ARCHITECTURES="$arch" -DGGML_BUILD_TESTS=OFF -DGGML_BUILD_EXAMPLES=OFF
cmake --build "$root/build/ggml-cuda" -j "$jobs" --target "$target"
