# shellcheck shell=sh disable=SC2154 # sourced by deploy/deb/build.sh, which sets root, work, stage, app, arch, version, cpu, say, fail
# Everything around the program: command, configuration, units, documents, and the control files of the package.

files=$root/deploy/deb/files
maintainer='asls contributors <asls@example.org>'

finish_layout() {
  install -m 0755 "$files/asls" "$stage/usr/bin/asls"
  install -D -m 0644 "$files/asls.yaml" "$stage/etc/asls/asls.yaml"
  for unit in systemd/*; do install -D -m 0644 "$unit" "$stage/usr/lib/systemd/system/$(basename "$unit")"; done
  install -D -m 0644 "$files/asls.sysusers" "$stage/usr/lib/sysusers.d/asls.conf"
  install -D -m 0644 "$files/60-asls-gpio.rules" "$stage/usr/lib/udev/rules.d/60-asls-gpio.rules"

  docs=$stage/usr/share/doc/asls
  mkdir -p "$docs"
  write_copyright >"$docs/copyright"
  write_changelog | gzip -9n >"$docs/changelog.Debian.gz"
  gzip -9nc CHANGELOG.md >"$docs/changelog.gz"
  cp README.md docs/*.md "$docs/"

  # Modes as the policy has them, whatever the umask and the npm packages say.
  find "$stage" -type d -exec chmod 0755 {} +
  find "$app" -type f -exec chmod 0644 {} +
  chmod 0755 "$app/bin/node" "$app/build/trainer/asls-trainer"
  find "$docs" -type f -exec chmod 0644 {} +

  size=$(du -sk --exclude=DEBIAN "$stage" | cut -f 1)
  depends=$(library_dependencies "$app")
  sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@SIZE@/$size/" -e "s/@SHLIBS@/$depends/" \
    -e "s/@MAINTAINER@/$maintainer/" "$files/control.in" >"$stage/DEBIAN/control"
  echo /etc/asls/asls.yaml >"$stage/DEBIAN/conffiles"
  for script in postinst prerm postrm; do install -m 0755 "$files/$script" "$stage/DEBIAN/$script"; done
  (cd "$stage" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
}

# Dated by the last commit, so that the same tree gives the same package.
write_changelog() {
  when=$(git log -1 --format=%cd --date=rfc2822 2>/dev/null || date -R -r package.json)
  cat <<CHANGELOG
asls ($version) unstable; urgency=medium

  * Packaged from the source tree; changes are listed in changelog.gz.

 -- $maintainer  $when
CHANGELOG
}

# Our licence, and that of every npm package and of Node.js that is inside.
write_copyright() {
  cat "$files/copyright"
}
