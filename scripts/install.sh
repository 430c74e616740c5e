#!/bin/sh
# Installs a built tls-off with its manual page and shell completions. Downloads nothing.
set -eu

usage() {
  cat <<USAGE
usage: install.sh [--prefix DIR] [--binary FILE] [--systemd]
       install.sh --uninstall [--prefix DIR]

  --prefix DIR   where to (default: /usr/local); DESTDIR is put in front of it
  --binary FILE  the binary (default: the one for this machine that lies beside this script, on Bun if both are there)
  --systemd      install the unit, its user and, where there is none yet, an example configuration, too
  --uninstall    remove what was installed; the configuration stays
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

# Where systemd and the program look for them, whatever the prefix is.
units='etc/systemd/system/tls-off.service
etc/systemd/system/tls-off.socket
etc/sysusers.d/tls-off.conf'

prefix=/usr/local binary='' uninstall=no systemd=no
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
    --systemd) systemd=yes ;;
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
if [ $uninstall = yes ] && [ $systemd = yes ]; then wrong_usage "Cannot use --systemd with --uninstall"; fi
if [ $uninstall = yes ] && [ -n "$binary" ]; then wrong_usage "Cannot use --binary with --uninstall"; fi
root=${DESTDIR:-}$prefix

remove() {
  while read -r file; do
    [ -e "$1/$file" ] || continue
    rm -f -- "$1/$file" || fail "Cannot remove \"$1/$file\": who may write there has to (sudo)"
    printf 'removed %s\n' "$1/$file"
  done
}

if [ $uninstall = yes ]; then
  printf '%s\n' "$files" | remove "$root"
  # A unit that runs another binary is another installation's.
  unit=${DESTDIR:-}/etc/systemd/system/tls-off.service
  if grep -qsF "ExecStart=$prefix/bin/tls-off " "$unit"; then printf '%s\n' "$units" | remove "${DESTDIR:-}"; fi
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
if [ -f "$(dirname -- "$binary")/SHA256SUMS" ]; then
  # Only the line of this binary: the others need not have been downloaded.
  name=$(basename -- "$binary")
  (cd -- "$(dirname -- "$binary")" && grep -F "  $name" SHA256SUMS | sha256sum --check --status) ||
    fail "Cannot install \"$binary\": its checksum is not that of SHA256SUMS, download it again"
fi
[ -d "$here/share" ] || fail "Cannot find the manual page and completions in $here/share: run deno task build"

printf '%s\n' "$files" | while read -r file; do
  case $file in
    bin/*) from=$binary mode=755 ;;
    *) from=$here/$file mode=644 ;;
  esac
  new=$root/$file.new
  # Beside it and renamed: a program that runs cannot be written to, and nobody finds half of a file.
  if ! said=$({ mkdir -p -- "$(dirname -- "$new")" && cp -- "$from" "$new" && chmod "$mode" "$new"; } 2>&1); then
    fail "Cannot install to \"$root\": ${said##*: }: who may write there has to (sudo), or give another --prefix"
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

if [ $systemd = no ]; then exit; fi

# In a clone they are in scripts/deploy/.
from=$here/systemd
[ -d "$from" ] || from=$here/../scripts/deploy/systemd
[ -d "$from" ] || fail "Cannot find the units in $here/systemd: run deno task build"
etc=${DESTDIR:-}/etc
put() {
  if ! { mkdir -p -- "$(dirname -- "$2")" && cp -- "$1" "$2" && chmod 644 "$2"; }; then
    fail "Cannot install \"$2\": who may write there has to (sudo)"
  fi
  printf 'installed %s\n' "$2"
}
put "$from/tls-off.service" "$etc/systemd/system/tls-off.service"
sed -i "s,^ExecStart=[^ ]*,ExecStart=$prefix/bin/tls-off," "$etc/systemd/system/tls-off.service"
put "$from/tls-off.socket" "$etc/systemd/system/tls-off.socket"
put "$from/tls-off.sysusers" "$etc/sysusers.d/tls-off.conf"
if [ -e "$etc/tls-off/tls-off.toml" ]; then
  printf 'kept %s\n' "$etc/tls-off/tls-off.toml"
else
  put "$from/tls-off.toml" "$etc/tls-off/tls-off.toml"
fi
if [ -z "${DESTDIR:-}" ] && [ -d /run/systemd/system ]; then
  systemd-sysusers tls-off.conf || fail 'Cannot make the user "tls-off"'
  systemctl daemon-reload || fail 'Cannot let systemd load the unit'
fi
cat <<NEXT

Next:
  1. Put the certificate in place: install -m 0640 -g tls-off cert.pem key.pem /etc/tls-off/
     (or, to try it: tls-off cert --out /etc/tls-off && chgrp tls-off /etc/tls-off/*.pem && chmod 0640 /etc/tls-off/key.pem)
  2. Say in /etc/tls-off/tls-off.toml where the application listens, and look: tls-off check /etc/tls-off/tls-off.toml
  3. systemctl enable --now tls-off
NEXT
