#!/bin/sh
# Fetches Debian's cloud kernel and a static busybox, and packs an initramfs of ours: what the tests boot restored disks
# with under QEMU. Writes <folder>/boot/vmlinuz and <folder>/boot/initramfs.gz. Nothing is installed on this machine.
# Needs apt-get with its lists, dpkg-deb and gzip; no root.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mkdir -p "$1/boot" && cd "$1/boot" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# The package of this name is empty: it depends on the newest kernel.
kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
apt-get -qq -o APT::Sandbox::User=root download "${kernel:?no linux-image-cloud-amd64 here}" busybox-static
for package in ./*.deb; do dpkg-deb -x "$package" .; done

# ext4 and NVMe are built in; these buses are not.
root=$work/root
mkdir -p "$root/bin" "$root/dev" "$root/proc" "$root/mnt" "$root/modules"
add() {
  ! grep -qsx "$1" "$root/modules/order" || return 0
  file=$(find . -path '*/kernel/*' \( -name "$1.ko" -o -name "$1.ko.xz" -o -name "$1.ko.zst" \) | head -n 1)
  case $file in
    '') return 0 ;; # built in
    *.xz) xz -dc "$file" >"$root/modules/$1.ko" ;;
    *.zst) zstd -qdc "$file" >"$root/modules/$1.ko" ;;
    *) cp "$file" "$root/modules/$1.ko" ;;
  esac
  for needed in $(tr '\0' '\n' <"$root/modules/$1.ko" | sed -n 's/^depends=//p' | tr ',' ' '); do add "$needed"; done
  echo "$1" >>"$root/modules/order"
}
for module in virtio_pci virtio_blk virtio_scsi sd_mod; do add "$module"; done

busybox=$(find . -path '*bin/busybox' -type f | head -n 1)
cp "$busybox" "$root/bin/busybox"
for tool in cat cut dmesg grep insmod mount poweroff sed sh sha256sum sleep tail; do ln -s busybox "$root/bin/$tool"; done
cp "$here/boot-init.sh" "$root/init"
chmod 755 "$root/init"
(cd "$root" && find . | "$root/bin/busybox" cpio -o -H newc 2>/dev/null) | gzip >initramfs.gz
# The kernel last: where it lies, the other one is whole.
mv initramfs.gz "$folder/initramfs.gz"
mv boot/vmlinuz-* "$folder/vmlinuz"
