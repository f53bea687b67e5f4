# shellcheck shell=sh disable=SC2154 # sourced by deploy/vm/build.sh, which sets out, recipe and the rest
# Kernel of the release with the modules that it lacks, and the first file system.

# What the machine needs of the kernel's modules, besides what these depend on.
boot_modules="virtio_pci virtio_blk ext4 overlay"
run_modules="virtio_net virtio_rng 9p 9pnet_virtio configfs snd_aloop snd_pcm_oss"
modules=$out/kernel/lib/modules/$kernel

make_kernel() {
  rm -rf "$out/kernel" "$out/kernel.tmp"
  mkdir -p "$out/kernel.tmp" "$out/kernel/boot"
  cd "$out/kernel.tmp"
  apt-get -o APT::Sandbox::User=root download "linux-image-$kernel=$kernel_version"
  dpkg-deb -x linux-image-*.deb image
  cp "image/boot/vmlinuz-$kernel" "$out/kernel/boot/vmlinuz"
  # Simulated GPIO and power supply: in the kernel's source, and in no Debian kernel.
  tar -xJf /usr/src/linux-source-6.1.tar.xz --strip-components=1 \
    linux-source-6.1/drivers/gpio/gpio-sim.c linux-source-6.1/drivers/gpio/gpiolib.h \
    linux-source-6.1/kernel/irq/irq_sim.c linux-source-6.1/drivers/power/supply/test_power.c
  mkdir ours
  cp drivers/gpio/gpio-sim.c drivers/gpio/gpiolib.h kernel/irq/irq_sim.c drivers/power/supply/test_power.c ours/
  cp "$OLDPWD/$recipe/modules/vboard.c" ours/
  cd ours
  # irq_sim is built into kernels that have it: as a module it needs a licence, and an exported function.
  sed -i 's/handle_simple_irq(irq_to_desc(irqnum));/generic_handle_irq(irqnum);/' irq_sim.c
  printf '\n#include <linux/module.h>\nMODULE_LICENSE("GPL");\n' >>irq_sim.c
  echo 'obj-m := gpio-sim.o irq_sim.o test_power.o vboard.o' >Makefile
  make -C "/usr/src/$headers" M="$PWD" modules
  cd ..
  image=$PWD/image
  mkdir -p "$image/lib/modules/$kernel/updates"
  cp ours/*.ko "$image/lib/modules/$kernel/updates/"
  depmod -b "$image" "$kernel"
  mkdir -p "$modules"
  for name in $boot_modules $run_modules gpio-sim test_power vboard; do
    modprobe -d "$image" -S "$kernel" --show-depends "$name"
  done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | sort -u | while read -r file; do
    target=$out/kernel/${file#"$image"/}
    mkdir -p "$(dirname "$target")"
    cp "$file" "$target"
  done
  cp "$image/lib/modules/$kernel/modules.builtin" "$image/lib/modules/$kernel/modules.builtin.modinfo" \
    "$image/lib/modules/$kernel/modules.order" "$modules/"
  depmod -b "$out/kernel" "$kernel"
  cd "$out"
  rm -rf kernel.tmp
}

make_initrd() {
  rm -rf "$out/initrd.tmp"
  mkdir -p "$out/initrd.tmp/bin" "$out/initrd.tmp/modules"
  cd "$out/initrd.tmp"
  cp /bin/busybox bin/
  for name in $boot_modules; do
    modprobe -d "$out/kernel" -S "$kernel" --show-depends "$name"
  done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++' | while read -r file; do
    cp "$file" modules/
    basename "$file" >>load-order
  done
  cp "$OLDPWD/$recipe/initrd-init" init
  chmod 755 init
  find . | busybox cpio -o -H newc | gzip -1 >"$out/initrd.gz"
  cd "$out"
  rm -rf initrd.tmp
}
