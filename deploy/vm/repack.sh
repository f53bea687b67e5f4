#!/bin/sh
# The same package under another version, for upgrade and rollback: sh deploy/vm/repack.sh PACKAGE VERSION FOLDER
# Prints its path. Made again only when the package is newer.
set -eu
package=$1 version=$2 folder=$3
name=$(dpkg-deb -f "$package" Package)_${version}_$(dpkg-deb -f "$package" Architecture).deb
if [ ! "$folder/$name" -nt "$package" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  dpkg-deb -R "$package" "$work/root"
  sed -i "s/^Version: .*/Version: $version/" "$work/root/DEBIAN/control"
  dpkg-deb --root-owner-group -Znone --build "$work/root" "$folder/$name" >/dev/null
fi
echo "$(cd "$folder" && pwd)/$name"
