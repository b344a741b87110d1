#!/bin/sh
# The first program of a guest that boots a restored disk: reads what the tests put there, and writes one line of what it
# found to the kernel's log, which goes to the serial port line by line and without delay.
export PATH=/bin

end() {
  echo "guestlift-boot: $*" >/dev/kmsg
  poweroff -f
}

# The kernel's own reason goes into the line: a disk that isn't there must not pass for a damaged one.
damaged() {
  end "damaged: $1$(dmesg | grep -E 'EXT4-fs|I/O error' | grep -v 'mounted filesystem' | tail -n 1 | sed 's/^[^]]*\]/:/')"
}

# Compares a file's SHA-256 with the 64 digits beside it. Two sums that nobody could read are not equal.
check() {
  want=$(cut -c 1-64 "/mnt/$1.sha256")
  have=$(sha256sum <"/mnt/$1" | cut -c 1-64)
  [ "${#want}" = 64 ] && [ "$have" = "$want" ]
}

mount -t devtmpfs dev /dev
mount -t proc proc /proc
while read -r module; do insmod "/modules/$module.ko"; done </modules/order

# Disks are found while this runs.
tries=0
until [ -b /dev/vda ] || [ -b /dev/sda ] || [ -b /dev/nvme0n1 ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 300 ] || end 'no disk'
  sleep 0.1
done
for name in vda sda nvme0n1; do [ ! -b "/dev/$name" ] || disk=$name; done

# Without "loud" the kernel keeps to itself that it finds no ext4.
mount -t ext4 -o ro,loud "/dev/$disk" /mnt || damaged 'no file system'
check marker || damaged 'the marker'
check data || damaged 'the data'
end "marker=$(cat /mnt/marker) ok"
