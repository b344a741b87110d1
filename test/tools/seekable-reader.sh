#!/bin/sh
# Builds the reference reader of the Zstandard Seekable Format out of Debian's source package of zstd, for the tests of
# disk archives. Writes <folder>/seekable_decompression. Needs root-less apt-get, tar and a C compiler.
set -eu
folder=$(mkdir -p "$1" && cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
. /etc/os-release
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $VERSION_CODENAME main" >sources
mkdir -p lists/partial cache/archives/partial
apt() {
  apt-get -qq -o Dir::Etc::sourcelist="$work/sources" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/lists" \
    -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root "$@"
}
apt update
apt source --download-only libzstd
tar xf libzstd_*.orig.tar.*z --strip-components=1
reader=contrib/seekable_format
cc -O1 -w -DZSTD_DISABLE_ASM=1 -Ilib -Ilib/common -I$reader $reader/examples/seekable_decompression.c \
  $reader/zstdseek_decompress.c lib/common/*.c lib/decompress/*.c -o "$folder/seekable_decompression" -lpthread
