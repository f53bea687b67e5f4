#!/bin/sh
# A private CUDA toolkit in build/cuda-toolkit, for machines without NVIDIA's: Debian's own packages (CUDA 11.8, component non-free, and
# g++-11, which is the newest compiler that CUDA 11.8 takes) are downloaded and unpacked there in NVIDIA's folder layout. Nothing is
# installed, and neither the machine's package sources nor its lists are touched. 1.2 GB of downloads; only to compile with:
# running needs NVIDIA's driver. NVIDIA's licence (/usr/share/doc/nvidia-cuda-toolkit/copyright in the package) is the user's to accept,
# so neither the set-up nor CI calls this; deploy/build-ggml-cuda.sh --toolkit debian does.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
toolkit="$root/build/cuda-toolkit"; work="$toolkit.tmp"
[ -f "$toolkit/.complete" ] && exit 0
if [ "$(uname -m)" != x86_64 ] || ! command -v apt-get > /dev/null; then
  echo "debian-cuda.sh: needs apt-get on x86-64 (a Jetson's JetPack brings its own CUDA)" >&2; exit 69
fi
rm -rf "$work" "$toolkit"
mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial" "$work/debs" "$work/debian"
echo "deb http://deb.debian.org/debian bookworm main contrib non-free" > "$work/apt/sources.list"
cat > "$work/apt/conf" << END
Dir::State::lists "$work/apt/lists";
Dir::Cache::archives "$work/apt/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::sourcelist "$work/apt/sources.list";
Dir::Etc::sourceparts "-";
APT::Sandbox::User "$(id -un)";
END
export APT_CONFIG="$work/apt/conf"
apt-get update -qq
(cd "$work/debs" && apt-get download -qq nvidia-cuda-toolkit nvidia-cuda-dev libcudart11.0 libcublas11 libcublaslt11 libnvvm4 \
  libcu++-dev libcub-dev libthrust-dev g++-11 gcc-11 gcc-11-base cpp-11 libgcc-11-dev libstdc++-11-dev)
for package in "$work"/debs/*.deb; do # most of the size are static libraries that nobody links
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$work/debian" --exclude='libcu[bfrs]*.a' --exclude='libn*.a'
done

# NVIDIA's layout: bin, include, lib64, nvvm beside each other, and a profile that finds them from wherever the folder is.
d=$work/debian/usr
mkdir -p "$work/bin" "$work/nvvm/bin" "$work/nvvm/libdevice" "$work/lib64/stubs"
ln -s debian/usr/include "$work/include"
mv "$d"/lib/nvidia-cuda-toolkit/bin/nvcc "$d"/bin/ptxas "$d"/bin/fatbinary "$d"/bin/cudafe++ "$d"/bin/nvlink "$d"/bin/bin2c "$work/bin/"
mv "$d"/lib/nvidia-cuda-toolkit/bin/crt "$work/bin/"
mv "$d"/lib/nvidia-cuda-toolkit/bin/cicc "$work/nvvm/bin/"
mv "$d"/lib/nvidia-cuda-toolkit/libdevice/* "$work/nvvm/libdevice/"
mv "$d"/lib/x86_64-linux-gnu/libcu*.so* "$d"/lib/x86_64-linux-gnu/libcuda*.a "$d"/lib/x86_64-linux-gnu/libnvvm.so* "$work/lib64/"
mv "$d"/lib/x86_64-linux-gnu/stubs/* "$work/lib64/stubs/"
cat > "$work/bin/nvcc.profile" << 'END'
TOP = $(_HERE_)/..
NVVMIR_LIBRARY_DIR = $(TOP)/nvvm/libdevice
LD_LIBRARY_PATH += $(TOP)/lib64:
PATH += $(TOP)/nvvm/bin:$(_HERE_):
INCLUDES += "-I$(TOP)/include" $(_SPACE_)
LIBRARIES =+ $(_SPACE_) "-L$(TOP)/lib64/stubs" "-L$(TOP)/lib64"
END
for name in gcc g++; do
  ln -sf "../debian/usr/bin/$name-11" "$work/bin/$name-11"
done
rm -rf "$work/debs" "$work/apt"
touch "$work/.complete"
mv "$work" "$toolkit"
