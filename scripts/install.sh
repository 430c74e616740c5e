#!/bin/sh
# Installs a built tls-off with its manual page and shell completions. Downloads nothing.
set -eu

usage() {
  cat <<USAGE
usage: install.sh [--prefix DIR] [--binary FILE]
       install.sh --uninstall [--prefix DIR]

  --prefix DIR   where to (default: /usr/local); DESTDIR is put in front of it
  --binary FILE  the binary (default: the one for this machine that lies beside this script, on Bun if both are there)
  --uninstall    remove what was installed
USAGE
}

fail() {
  printf 'install.sh: %s\n' "$1" >&2
  exit 1
}

wrong_usage() {
  usage >&2
  printf 'install.sh: %s\n' "$1" >&2
  exit 2
}

files='bin/tls-off
share/man/man1/tls-off.1
share/bash-completion/completions/tls-off
share/zsh/site-functions/_tls-off
share/fish/vendor_completions.d/tls-off.fish'

prefix=/usr/local binary='' uninstall=no
while [ $# -gt 0 ]; do
  case $1 in
    --prefix | --binary)
      if [ $# -lt 2 ] || [ -z "$2" ]; then wrong_usage "Missing value of $1"; fi
      if [ "$1" = --prefix ]; then prefix=$2; else binary=$2; fi
      shift
      ;;
    --prefix=?*) prefix=${1#*=} ;;
    --binary=?*) binary=${1#*=} ;;
    --prefix= | --binary=) wrong_usage "Missing value of ${1%=}" ;;
    --uninstall) uninstall=yes ;;
    -h | --help)
      usage
      exit 0
      ;;
    *) wrong_usage "Unknown argument \"$1\"" ;;
  esac
  shift
done
case $prefix in
  /*) ;;
  *) wrong_usage "Cannot install to \"$prefix\": --prefix must be an absolute path" ;;
esac
if [ $uninstall = yes ] && [ -n "$binary" ]; then wrong_usage "Cannot use --binary with --uninstall"; fi
root=${DESTDIR:-}$prefix

if [ $uninstall = yes ]; then
  printf '%s\n' "$files" | while read -r file; do
    [ -e "$root/$file" ] || continue
    rm -f -- "$root/$file" || fail "Cannot remove \"$root/$file\": who may write there has to (sudo)"
    printf 'removed %s\n' "$root/$file"
  done
  exit
fi

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# In a clone the script is in scripts/, and what was built in dist/.
if [ ! -d "$here/share" ] && [ -d "$here/../dist/share" ]; then here=$(cd -- "$here/../dist" && pwd); fi
if [ -z "$binary" ]; then
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) machine=x64 ;;
    Linux-aarch64) machine=arm64 ;;
    *) fail "Cannot install on $(uname -s) $(uname -m): binaries are for Linux on x86_64 and aarch64" ;;
  esac
  for name in "tls-off-bun-linux-$machine" "tls-off-linux-$machine"; do
    [ -n "$binary" ] || [ ! -f "$here/$name" ] || binary=$here/$name
  done
  [ -n "$binary" ] || fail "Cannot find tls-off-bun-linux-$machine or tls-off-linux-$machine in $here: run deno task build"
fi
[ -f "$binary" ] || fail "Cannot find the binary \"$binary\""
[ -d "$here/share" ] || fail "Cannot find the manual page and completions in $here/share: run deno task build"

printf '%s\n' "$files" | while read -r file; do
  case $file in
    bin/*) from=$binary mode=755 ;;
    *) from=$here/$file mode=644 ;;
  esac
  new=$root/$file.new
  # Beside it and renamed: a program that runs cannot be written to, and nobody finds half of a file.
  if ! { mkdir -p -- "$(dirname -- "$new")" && cp -- "$from" "$new" && chmod "$mode" "$new"; }; then
    fail "Cannot install to \"$root\": who may write there has to (sudo), or give another --prefix"
  fi
  # With DESTDIR it is staged, maybe for another machine.
  if [ "$mode" = 755 ] && [ -z "${DESTDIR:-}" ]; then
    case $("$new" version 2>&1) in
      'tls-off '*) ;;
      *)
        rm -f -- "$new"
        fail "Cannot install \"$from\": does not run here as tls-off: must be a binary of deno task build for this machine"
        ;;
    esac
  fi
  mv -f -- "$new" "$root/$file"
  printf 'installed %s\n' "$root/$file"
done
