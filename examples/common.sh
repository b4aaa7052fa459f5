# SPDX-License-Identifier: MIT
# What the examples' scripts share; they source it. Sets: root, here, out (where to build).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
out=$root/build/examples
mkdir -p "$out"

# need PACKAGE…: installs the Debian packages that are not there.
need() {
  missing=
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" = "install ok installed" ] || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  echo "installing Debian packages:$missing" >&2
  sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  # shellcheck disable=SC2086  # they are words
  $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -qq -y --no-install-recommends $missing >/dev/null ||
    { echo "could not install$missing; try: apt-get install$missing" >&2; exit 125; }
}

# start MODULE [WORD…]: flags of ./nebulet run up to --, then the program's arguments, behind $first if that is set.
first=
start() {
  module=$1
  shift
  count=$#
  flags=1
  # Rotates the words: flags stay in front of the module.
  while [ "$count" -gt 0 ]; do
    word=$1
    shift
    count=$((count - 1))
    if [ "$flags" = 1 ] && [ "$word" = -- ]; then
      flags=0
      set -- "$@" "$module" ${first:+"$first"}
    else
      set -- "$@" "$word"
    fi
  done
  [ "$flags" = 0 ] || set -- "$@" "$module" ${first:+"$first"}
  exec "${NEBULET:-$root/nebulet}" run "$@"
}
