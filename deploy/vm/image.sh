# shellcheck shell=sh disable=SC2154 # sourced by deploy/vm/build.sh, which sets out, recipe and the rest
# Root file system: Debian, kernel modules, simulated hardware, and the package of asls, installed by dpkg.

# Units that a machine without terminals, sessions, time servers and daily upgrades does not need.
idle_units="serial-getty@ttyS0.service getty@tty1.service getty.target systemd-logind.service systemd-timesyncd.service
  systemd-networkd.service systemd-resolved.service systemd-pcrphase.service systemd-update-utmp.service
  systemd-update-utmp-runlevel.service alsa-restore.service alsa-state.service e2scrub_reap.service apt-daily.timer
  apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer dev-hugepages.mount
  sys-kernel-debug.mount sys-kernel-tracing.mount systemd-binfmt.service proc-sys-fs-binfmt_misc.automount"

make_image() {
  stage=$out/image.tmp
  rm -rf "$stage"
  cp -a "$out/base" "$stage"
  mkdir -p "$stage/lib/modules" "$stage/mnt" "$stage/state" "$stage/root/.ssh"
  cp -a "$out/kernel/lib/modules/." "$stage/lib/modules/"
  cp -a --no-preserve=ownership "$recipe/rootfs/." "$stage/"
  # Ours first, and no question about it later: as on a device whose owner has edited the file.
  cp "$deb" "$stage/tmp/asls.deb"
  chroot "$stage" dpkg --force-confold -i /tmp/asls.deb
  rm "$stage/tmp/asls.deb"
  # Settings of a test are in the shared folder.
  rmdir "$stage/etc/asls/conf.d" 2>/dev/null || true
  ln -s /mnt/conf.d "$stage/etc/asls/conf.d"
  chroot "$stage" systemctl enable virtual-hardware.service asls.service ssh.service
  for unit in $idle_units; do ln -sf /dev/null "$stage/etc/systemd/system/$unit"; done
  install -m 600 "$out/keys/client.pub" "$stage/root/.ssh/authorized_keys"
  rm -f "$stage"/etc/ssh/ssh_host_*
  install -m 600 "$out/keys/host" "$stage/etc/ssh/ssh_host_ed25519_key"
  # An empty machine-id would make every boot a first boot.
  echo 00000000000000000000000000000001 >"$stage/etc/machine-id"
  echo vboard >"$stage/etc/hostname"
  : >"$stage/etc/fstab"
  rm -rf "$stage/var/lib/apt/lists" "$stage/var/cache/apt"
  used_mb=$(du -sm "$stage" | cut -f 1)
  rm -f "$out/root.ext4"
  mke2fs -q -t ext4 -O ^has_journal -d "$stage" "$out/root.ext4" "$((used_mb * 5 / 4 + 64))M"
  rm -rf "$stage"
}
