#!/bin/sh
# Builds VMware's vCenter simulator from Debian's packages golang-go and golang-github-vmware-govmomi-dev, around a
# program of ours. Writes <folder>/vcsim; nothing is installed. It takes about a minute, and nothing when it is there.
set -eu
here=$(cd "$(dirname "$0")/../vcsim/program" && pwd)
folder=$(mkdir -p "$1" && cd "$1" && pwd)
[ -z "$(find "$folder/vcsim" -newer "$here/main.go" 2>/dev/null)" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/src/vcsimrun"
cp "$here/main.go" "$work/src/vcsimrun/main.go"
cd "$work"
GO111MODULE=off GOFLAGS='' GOPATH="$work:/usr/share/gocode" GOCACHE="${GOCACHE:-$folder/go-cache}" go build -o "$work/vcsim" vcsimrun
# Whole or not at all, for whoever builds at the same time.
mv "$work/vcsim" "$folder/vcsim.$$"
mv -f "$folder/vcsim.$$" "$folder/vcsim"
