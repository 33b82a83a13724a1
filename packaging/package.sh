#!/bin/bash
# ./dev package: builds the .deb and the .rpm from the tree as it is, into build/packages, and lets lintian and rpmlint
# look at them: a warning is a failure.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
version=$(sed -n "s/^ *version: '\(.*\)',$/\1/p" meson.build | head -n 1)
work=$PWD/build/package out=$PWD/build/packages
source=$work/holdfast-$version
rm -rf "$work" "$out"
mkdir -p "$source" "$out" "$work"/rpm/{BUILD,RPMS}
git ls-files -co --exclude-standard -z | tar -c --null --files-from=- | tar -x -C "$source"
cp -r packaging/debian "$source/debian"

logged() { # logged NAME COMMAND…: its output matters only if it fails
  local log=$work/$1.log
  shift
  "$@" >"$log" 2>&1 || { tail -n 40 "$log" >&2; return 1; }
}

[ "$(cd "$source" && dpkg-parsechangelog -S Version)" = "$version" ] &&
  grep -q "^Version: *$version$" packaging/rpm/holdfast.spec ||
  { echo "packaging/debian/changelog and packaging/rpm/holdfast.spec must name version $version, as meson.build does" >&2; exit 1; }

echo "Debian: building"
# With the flags of ./dev build, and at the same depth: what that has compiled, ccache finds again.
(cd "$source" && DEB_BUILD_OPTIONS=werror logged deb dpkg-buildpackage --no-sign --build=binary)
mv "$work"/*.deb "$work"/*.changes "$work"/*.buildinfo "$out"
lintian --fail-on error,warning --tag-display-limit 0 "$out"/*.changes

echo "RPM: building"
# In place: what the Debian package has compiled, with flags that suit both, need not be compiled again. Debian's rpmbuild
# knows Debian's packages by no name (--nodeps), and makes no package of debugging symbols, so they are stripped.
flags=$(cd "$source" && make -s -f debian/rules flags)
rm -rf "$source/debian"
(cd "$source" && logged rpm rpmbuild -bb --build-in-place --nodeps --define "_topdir $work/rpm" --define "optflags $flags" --define 'werror true' \
  --define 'debug_package %{nil}' --define 'install_options --strip' packaging/rpm/holdfast.spec)
mv "$work"/rpm/RPMS/*/*.rpm "$out"
# It takes warnings for success.
rpmlint --config packaging/rpm/rpmlint.toml "$out"/*.rpm | tee "$work/rpmlint.log"
if grep -qE ': [EW]: ' "$work/rpmlint.log"; then exit 1; fi
ls -l "$out"
