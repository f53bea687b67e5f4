# shellcheck shell=sh disable=SC2154 # sourced by deploy/deb/build.sh, which sets root, work, stage, app, arch, version, cpu, say, fail
# Everything around the program: command, configuration, units, documents, and the control files of the package.

files=$root/deploy/deb/files
maintainer="${DEBFULLNAME:-asls contributors} <${DEBEMAIL:-asls@example.org}>"

finish_layout() {
  install -m 0755 "$files/asls" "$stage/usr/bin/asls"
  install -D -m 0755 deploy/mosquitto/set-up.sh "$app/mosquitto/set-up.sh"
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
  write_licences >"$docs/licences.txt"
  gzip -9nc "$node/LICENSE" >"$docs/LICENSE.nodejs.gz"
  mkdir -p "$stage/usr/share/man/man1" "$stage/usr/share/lintian/overrides"
  gzip -9nc "$files/asls.1" >"$stage/usr/share/man/man1/asls.1.gz"
  cp "$files/lintian-overrides" "$stage/usr/share/lintian/overrides/asls"

  # Modes as the policy has them, whatever the umask and the npm packages say.
  find "$stage" -type d -exec chmod 0755 {} +
  find "$app" -type f -exec chmod 0644 {} +
  find "$stage/usr/share" -type f -exec chmod 0644 {} +
  chmod 0755 "$app/bin/node" "$app/build/trainer/asls-trainer" "$app/mosquitto/set-up.sh"
  # Command lines of npm packages, and ours, are started by the bundled node and never by `/usr/bin/env node`.
  grep -rlI --max-count=1 '^#!' "$app/node_modules" "$app/dist" | xargs sed -i '1s/^#!.*//'

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

# Our licence; those of npm packages and Node.js are files of their own.
write_copyright() {
  cat "$files/copyright"
}

# Every npm package inside: name, version, licence; its text lies in its folder.
write_licences() {
  echo "Node.js $(sh deploy/board-node.sh --version): LICENSE.nodejs.gz"
  node -e '
    const { readFileSync } = require("node:fs");
    for (const name of readFileSync(process.argv[2], "utf8").trim().split("\n")) {
      const { version, license } = JSON.parse(readFileSync(`${process.argv[1]}/${name}/package.json`, "utf8"));
      console.log(`${name} ${version}: ${license ?? "see its folder"}`);
    }' "$app/node_modules" "$work/modules"
}
