/** `restore.sh`, which lies in the bucket: restores an archive by its folder, without this product. POSIX sh, checked by shellcheck. */
import { MANIFEST_NAME } from '../../domain/books/object-keys.ts'
import { quoted } from '../../domain/catalogue/restore-commands.ts'

/** Where the archives are, for people who have nothing but the bucket. */
export interface RestorePlace {
  bucket: string
  keyPrefix: string
  /** Where S3 is, when it is not AWS. */
  s3Url?: string | undefined
}

/** The second line of the script: what has another one is somebody else's, and stays. */
export const SCRIPT_MARK =
  '# Written by Guestlift, and written again when it changes: restores one archive of this bucket.'

export function restoreScript({ bucket, s3Url }: RestorePlace): string {
  return `#!/bin/sh
${SCRIPT_MARK}
# It needs zstd (gzip or lzop for other archives), Proxmox's qmrestore or pct, and aws or curl.
# aws finds its credentials as always. curl takes them from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
set -eu

usage() {
  cat <<'USAGE'
usage: sh restore.sh [options] FOLDER
  FOLDER           of one archive: archives/hq/vm-100/2026-11-22T02-00-07Z (with the bucket's prefix, if it has one)
  --id ID          restore under this id (default: the one that the guest had)
  --storage ID     onto this storage (default: those that the disks came from)
  --dir FOLDER     where the file is put (default: /var/lib/vz/dump)
  --fetch          put the file there and compare its CRC-32; restore nothing
  --pipe           put no file anywhere: straight into the restore tool
  --rootfs S:GIB   with --pipe, for a container: storage and size of its root disk
  --bucket NAME    another bucket, for a copy of this one
  --endpoint URL   where S3 is, when it is not AWS
USAGE
}

fail() {
  printf 'restore.sh: %s\\n' "$1" >&2
  exit 1
}

bucket=${quoted(bucket)}
endpoint=${s3Url === undefined ? "''" : quoted(s3Url)}
folder='' id='' storage='' dir=/var/lib/vz/dump way=file rootfs=''
while [ $# -gt 0 ]; do
  case $1 in
    --fetch) way=fetch ;;
    --pipe) way=pipe ;;
    --help | -h) usage; exit 0 ;;
    --id | --storage | --dir | --rootfs | --bucket | --endpoint)
      [ $# -gt 1 ] || fail "$1 needs a value."
      case $1 in
        --id) id=$2 ;;
        --storage) storage=$2 ;;
        --dir) dir=$2 ;;
        --rootfs) rootfs=$2 ;;
        --bucket) bucket=$2 ;;
        --endpoint) endpoint=$2 ;;
      esac
      shift
      ;;
    -*) usage >&2; exit 64 ;;
    *) [ -z "$folder" ] || fail 'Name one folder.'; folder=\${1%/} ;;
  esac
  shift
done
[ -n "$folder" ] || { usage >&2; exit 64; }

# Prints an object.
get() {
  if command -v aws >/dev/null; then
    if [ -n "$endpoint" ]; then aws s3 cp --only-show-errors --endpoint-url "$endpoint" "s3://$bucket/$1" -
    else aws s3 cp --only-show-errors "s3://$bucket/$1" -; fi
  else
    get_by_curl "$1"
  fi
}

# The secrets go to curl's standard input: other users of the machine see its arguments. curl before 8 leaves out the sum of
# the request's body, which S3 wants. The body is empty.
EMPTY=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
get_by_curl() {
  command -v curl >/dev/null || fail 'Neither aws nor curl is here.'
  if [ -z "\${AWS_ACCESS_KEY_ID:-}" ] || [ -z "\${AWS_SECRET_ACCESS_KEY:-}" ]; then
    fail 'curl needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment.'
  fi
  case $1 in *[!A-Za-z0-9._/-]*) fail "curl can't sign the key $1. Install aws (apt install awscli)." ;; esac
  region=\${AWS_REGION:-us-east-1}
  {
    printf 'user = "%s:%s"\\n' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
    printf 'header = "x-amz-content-sha256: %s"\\n' "$EMPTY"
    [ -z "\${AWS_SESSION_TOKEN:-}" ] || printf 'header = "x-amz-security-token: %s"\\n' "$AWS_SESSION_TOKEN"
  } | curl --fail --silent --show-error --config - --aws-sigv4 "aws:amz:$region:s3" \\
    "\${endpoint:-https://s3.$region.amazonaws.com}/$bucket/$1"
}

# CRC-32 of standard input in hexadecimal. gzip keeps it at its own end, the lowest byte first.
crc() {
  if python3 -c 'import zlib' 2>/dev/null; then
    python3 -c '
import functools, sys, zlib
blocks = iter(lambda: sys.stdin.buffer.read(1 << 22), b"")
print("%08x" % functools.reduce(lambda sum, block: zlib.crc32(block, sum), blocks, 0))'
  else
    gzip -1c | tail -c 8 | head -c 4 | od -An -tx1 | awk '{ print $4 $3 $2 $1 }'
  fi
}

# One field of the only artifact: the first of that name, since its source's come later. Within a JSON text each quote has
# a backslash, so no text looks like a field.
field() {
  grep -o '"'"$1"'" *: *"\\{0,1\\}[^",}]*' "$work/artifacts" | head -n 1 | sed 's/^"[^"]*" *: *"\\{0,1\\}//'
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP
get "$folder/${MANIFEST_NAME}" >"$work/manifest" ||
  fail "There is no manifest in s3://$bucket/$folder/, or it can't be read. Without one it is no whole archive."
tr -d '\\n' <"$work/manifest" | sed 's/.*"artifacts" *: *\\[//' >"$work/artifacts"
[ "$(grep -o '"partSizeBytes" *:' "$work/artifacts" | grep -c .)" = 1 ] ||
  fail 'This archive has several files, or none. RESTORE.md says how to bring them back one by one.'
file=$(field fileName) size=$(field sizeBytes) checksum=$(field checksum)
case $file in '' | */*) fail "The manifest of s3://$bucket/$folder/ names no file that can be restored here." ;; esac
case $size in '' | *[!0-9]*) fail "The manifest of s3://$bucket/$folder/ states no size." ;; esac
case $checksum in CRC32:*) ;; *) fail "The manifest of s3://$bucket/$folder/ states no CRC-32." ;; esac
wanted=$(printf %s "\${checksum#CRC32:}" | base64 -d | od -An -tx1 | tr -d ' \\n')

guest=\${folder%/*} guest=\${guest##*/}
case $guest in
  vm-*) kind=vm ;;
  container-*) kind=container ;;
  *) fail "$folder is not the folder of an archive: archives/<site>/<vm|container>-<id>/<time>." ;;
esac
[ -n "$id" ] || id=\${guest#*-}
case $file in
  *.zst) unpack='zstd -dc' ;;
  *.gz | *.tgz) unpack='gzip -dc' ;;
  *.lzo) unpack='lzop -dc' ;;
  *) unpack='cat' ;;
esac
case $kind,$file in
  vm,*.vma | vm,*.vma.* | container,*.tar | container,*.tar.* | container,*.tgz) ;;
  *) [ "$way" = fetch ] || fail "$file is not for Proxmox's restore tools. Get it with --fetch; RESTORE.md says what to do with it." ;;
esac

# Runs the restore tool on a file, or on - with the unpacked archive at its standard input.
restore() {
  from=$1
  if [ $kind = vm ]; then set -- qmrestore "$from" "$id"; else set -- pct restore "$id" "$from"; fi
  [ -z "$storage" ] || set -- "$@" --storage "$storage"
  [ -z "$rootfs" ] || set -- "$@" --rootfs "$rootfs"
  printf '%s\\n' "$*" >&2
  "$@"
}

if [ $way = pipe ]; then
  [ $kind = vm ] || [ -n "$rootfs" ] || fail 'A container through a pipe needs --rootfs STORAGE:GIB.'
  mkfifo "$work/copy"
  crc <"$work/copy" >"$work/sum" &
  get "$folder/$file" | tee "$work/copy" | $unpack | restore - ||
    fail "The restore tool failed. Remove the unfinished $kind $id before the next try."
  wait
  [ "$(cat "$work/sum")" = "$wanted" ] ||
    fail "What arrived does not have the CRC-32 of the manifest. Remove $kind $id and try again."
  printf '%s %s is restored, and the CRC-32 of its archive is the one in the manifest.\\n' "$kind" "$id"
  exit 0
fi

[ -d "$dir" ] || fail "There is no folder $dir. Name one with --dir."
target=$dir/$file
if [ ! -e "$target" ]; then
  trap 'rm -rf "$work" "$target.part"' EXIT
  get "$folder/$file" >"$target.part" ||
    fail "$file can't be read. If it lies in Glacier, RESTORE.md says how to thaw it."
  if [ "$(wc -c <"$target.part")" -ne "$size" ] || [ "$(crc <"$target.part")" != "$wanted" ]; then
    fail "What arrived does not have the size and CRC-32 of the manifest. Try again."
  fi
  mv "$target.part" "$target"
  ! grep -q '\\.notes"' "$work/artifacts" || get "$folder/$file.notes" >"$target.notes" || rm -f "$target.notes"
else
  [ "$(crc <"$target")" = "$wanted" ] || fail "$target is there already, and is another file. Name another folder with --dir."
fi
printf '%s has the size and the CRC-32 of the manifest.\\n' "$target"
[ $way = fetch ] || restore "$target" || fail "The restore tool failed. Remove the unfinished $kind $id before the next try."
`
}
