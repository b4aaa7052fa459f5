#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a disc (also a disk) image that boots a kernel by GRUB on BIOS and UEFI machines.
# usage: mkiso.sh KERNEL.elf OUT.iso [MODULE [COMMAND-LINE…]]
set -eu
[ $# -ge 2 ] || { echo "usage: $0 KERNEL.elf OUT.iso [MODULE [COMMAND-LINE...]]" >&2; exit 125; }
kernel=$1 out=$2 module=${3:-}
[ $# -gt 2 ] && shift 3 || shift 2
for program in grub-mkrescue xorriso mformat; do
  command -v "$program" >/dev/null || { echo "$0: $program is missing (packages grub-common xorriso mtools)" >&2; exit 125; }
done
work=$(mktemp -d)
dir=$work/image
trap 'rm -rf "$work"' EXIT
mkdir -p "$dir/boot/grub"
cp "$kernel" "$dir/boot/nebulet.elf"
{
  echo 'set timeout=0'
  echo 'menuentry nebulet {'
  echo "  multiboot2 /boot/nebulet.elf $*"
  if [ -n "$module" ]; then
    cp "$module" "$dir/boot/initfs"
    echo '  module2 /boot/initfs'
  fi
  echo '}'
} >"$dir/boot/grub/grub.cfg"
grub-mkrescue -o "$out" "$dir" >/dev/null 2>"$work/log" || { cat "$work/log" >&2; exit 125; }
