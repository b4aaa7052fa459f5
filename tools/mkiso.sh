#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a disc (also a disk) image that boots a kernel by GRUB on BIOS and UEFI machines.
# usage: mkiso.sh KERNEL.elf OUT.iso [NAME=FILE …] [-- COMMAND-LINE …]
# The modules of nebulet.elf are program=… and wasi=build/wasm/user/wasi/wasi.wasm; docs/reference/command-line.md has its words.
set -eu
[ $# -ge 2 ] || { echo "usage: $0 KERNEL.elf OUT.iso [NAME=FILE ...] [-- COMMAND-LINE ...]" >&2; exit 125; }
kernel=$1 out=$2
shift 2
for program in grub-mkrescue xorriso mformat; do
  command -v "$program" >/dev/null || { echo "$0: $program is missing (packages grub-common xorriso mtools)" >&2; exit 125; }
done
work=$(mktemp -d)
dir=$work/image
trap 'rm -rf "$work"' EXIT
mkdir -p "$dir/boot/grub"
cp "$kernel" "$dir/boot/nebulet.elf"
: >"$work/modules"
count=0
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  case $1 in *=*) ;; *) echo "$0: $1: want NAME=FILE" >&2; exit 125 ;; esac
  cp "${1#*=}" "$dir/boot/module$count"
  echo "  module2 /boot/module$count ${1%%=*}" >>"$work/modules"
  count=$((count + 1))
  shift
done
[ $# -eq 0 ] || shift
{
  echo 'set timeout=0'
  echo 'menuentry nebulet {'
  echo "  multiboot2 /boot/nebulet.elf $*"
  cat "$work/modules"
  echo '}'
} >"$dir/boot/grub/grub.cfg"
grub-mkrescue -o "$out" "$dir" >/dev/null 2>"$work/log" || { cat "$work/log" >&2; exit 125; }
