# shellcheck shell=sh disable=SC2154 # sourced by deploy/vm/build.sh, which sets out, recipe and the rest
# Debian without asls: the packages that the package of asls depends on, and those of the machine.

make_base() {
  rm -rf "$out/base"
  mmdebstrap --variant=apt --mode=root --include="$packages" \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt=force-unsafe-io bookworm "$out/base"
}
