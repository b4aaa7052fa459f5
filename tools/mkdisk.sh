#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes a raw disk that boots a kernel by GRUB on BIOS and UEFI machines: GRUB in the gap behind the MBR, and one FAT partition, which is
# the EFI system partition too.
# usage: mkdisk.sh KERNEL.elf OUT.img INITFS [COMMAND-LINE …]
set -eu
[ $# -ge 3 ] || { echo "usage: $0 KERNEL.elf OUT.img INITFS [COMMAND-LINE ...]" >&2; exit 125; }
kernel=$1 out=$2 initfs=$3
shift 3
for program in grub-mkimage mformat mcopy mmd; do
  command -v "$program" >/dev/null || { echo "$0: $program is missing (packages grub-common mtools)" >&2; exit 125; }
done
for folder in i386-pc x86_64-efi; do
  [ -d "/usr/lib/grub/$folder" ] || { echo "$0: /usr/lib/grub/$folder is missing (packages grub-pc-bin grub-efi-amd64-bin)" >&2; exit 125; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# GRUB finds the partition by the kernel's name: the firmware decides which disk is the first.
echo 'search --file /boot/nebulet.elf --set=root
configfile /boot/grub/grub.cfg' >"$work/find.cfg"
cat >"$work/grub.cfg" <<END
set timeout=0
menuentry nebulet {
  multiboot2 /boot/nebulet.elf $*
  module2 /boot/initfs initfs
}
END
modules="part_msdos fat search search_fs_file configfile normal multiboot2"
grub-mkimage -O i386-pc -p /boot/grub -c "$work/find.cfg" -o "$work/core.img" biosdisk $modules
grub-mkimage -O x86_64-efi -p /boot/grub -c "$work/find.cfg" -o "$work/grub.efi" $modules

# Sectors of 512 bytes; the partition begins at 1 MiB and has room for its files and 4 MiB more.
begin=2048
sectors=$(( ($(wc -c <"$kernel") + $(wc -c <"$initfs") + $(wc -c <"$work/grub.efi")) / 512 + 8192 ))
[ "$sectors" -ge 65536 ] || sectors=65536
[ "$(wc -c <"$work/core.img")" -le $(( (begin - 1) * 512 )) ] || { echo "$0: GRUB does not fit before the partition" >&2; exit 125; }
truncate -s $(( (begin + sectors) * 512 )) "$out"
# boot.img loads sector 1, where core.img lies in one piece, as it expects unless it is told otherwise.
dd if=/usr/lib/grub/i386-pc/boot.img of="$out" bs=440 count=1 conv=notrunc status=none
dd if="$work/core.img" of="$out" bs=512 seek=1 conv=notrunc status=none
little() { # the bytes of a number, for printf
  printf '\\%03o\\%03o\\%03o\\%03o' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255))
}
# One entry of the partition table: active, type EFI system partition, addressed by sector.
printf "\\200\\376\\377\\377\\357\\376\\377\\377$(little $begin)$(little $sectors)" | dd of="$out" bs=1 seek=446 conv=notrunc status=none
printf '\125\252' | dd of="$out" bs=1 seek=510 conv=notrunc status=none

partition=$out@@1M
mformat -i "$partition" -v NEBULET -T "$sectors" -h 16 -s 63 -H $begin ::
mmd -i "$partition" ::/EFI ::/EFI/BOOT ::/boot ::/boot/grub
mcopy -i "$partition" "$work/grub.efi" ::/EFI/BOOT/BOOTX64.EFI
mcopy -i "$partition" "$work/grub.cfg" ::/boot/grub/grub.cfg
mcopy -i "$partition" "$kernel" ::/boot/nebulet.elf
mcopy -i "$partition" "$initfs" ::/boot/initfs
