/**
 * The commands that bring an archive back with standard tools alone. Spelled here and nowhere else: `guestlift show`, the
 * catalogue's page and RESTORE.md fill their own words into the same lines.
 */
import type { GuestKind } from '../../contracts/nouns.ts'

/** Where Proxmox's own tools look for archives of storage `local`. */
export const DUMP_FOLDER = '/var/lib/vz/dump'

/**
 * What a line leaves open, as `{key}`. Each is a word as a shell takes it, quoted already; `endpoint` and `version` are
 * options with a blank in front, or empty. A line has no other name in braces.
 */
export interface RestoreWords {
  bucket: string
  key: string
  /** `s3://…` */
  url: string
  /** As rclone names an object. */
  remote: string
  /** Of the archive, with a slash at its end. */
  folder: string
  /** Where the file lies on the node. */
  file: string
  id: string
  rootfs: string
  version: string
  endpoint: string
}

export type RestoreWay =
  | 'thaw'
  | 'file'
  | 'rclone'
  | 'stored-sum'
  | 'sum'
  | 'restore'
  | 'pipe'
  | 'rclone-pipe'
  | 'script'

/** One thing to do: a comment without its `#`, which may be empty, and the command. */
export interface RestoreStep {
  way: RestoreWay
  say: string
  run: string
}

/** Prints what `aws … --query ChecksumCRC32` prints. */
const SUM =
  'import base64,functools,sys,zlib;' +
  'blocks=iter(lambda:sys.stdin.buffer.read(1<<22),b"");' +
  'crc=functools.reduce(lambda sum,block:zlib.crc32(block,sum),blocks,0);' +
  'print(base64.b64encode(crc.to_bytes(4,"big")).decode())'

/** What comes first, whatever the file is. `aws s3 cp` knows no versions. */
const fetchSteps = (ofVersion: boolean): RestoreStep[] => [
  {
    way: 'thaw',
    say: 'Only where S3 answers InvalidObjectState: the archive lies in Glacier. This takes 3 to 12 hours.',
    run: `aws s3api restore-object --bucket {bucket} --key {key}{version}{endpoint} --restore-request '{"Days":7,"GlacierJobParameters":{"Tier":"Standard"}}'`,
  },
  {
    way: 'file',
    say: 'To a file, in a folder with room for it.',
    run: ofVersion
      ? 'aws s3api get-object --bucket {bucket} --key {key}{version}{endpoint} {file}'
      : 'aws s3 cp {url} {file}{endpoint}',
  },
  { way: 'rclone', say: 'The same with rclone.', run: 'rclone copyto {remote} {file}' },
  {
    way: 'stored-sum',
    say: 'The CRC-32 that S3 keeps, then that of the file. They have to be equal. Of a store that answers None, compare with the checksum in manifest.json.',
    run: 'aws s3api head-object --bucket {bucket} --key {key}{version}{endpoint} --checksum-mode ENABLED --query ChecksumCRC32 --output text',
  },
  { way: 'sum', say: '', run: `python3 -c '${SUM}' < {file}` },
]

/** What is done with a file of a guest whose name ends so. */
interface RestoreRule {
  kind: GuestKind
  ending: string
  steps: RestoreStep[]
}

const unpackDisk: RestoreStep = {
  way: 'restore',
  say: 'It is the image of one disk: unpack it, and give it to any hypervisor. "coldsnap upload disk.img" makes a snapshot of EBS of it.',
  run: 'zstd -dc {file} > disk.img',
}

const unpackVhd: RestoreStep = {
  way: 'restore',
  say: 'It is a fixed VHD, as Azure stores it: unpack it for azcopy. "qemu-img convert -f vpc -O qcow2 disk.vhd disk.qcow2" makes it one for another hypervisor.',
  run: 'zstd -dc {file} > disk.vhd',
}

const unpackVhdx: RestoreStep = {
  way: 'restore',
  say: 'It is a VHDX: unpack it. "qemu-img convert -f vhdx -O qcow2 disk.vhdx disk.qcow2" makes it one for another hypervisor.',
  run: 'zstd -dc {file} > disk.vhdx',
}

const convertDisk: RestoreStep = {
  way: 'restore',
  say: "It describes a disk of VMware. With all files of the disk in one folder, qemu-img reads it. Of several, the one with the highest number is the disk's last state.",
  run: 'qemu-img convert -f vmdk -O raw {file} disk.img',
}

/** The first that fits holds. */
const rules: readonly RestoreRule[] = (['vm', 'container'] as const).flatMap((kind) => [
  { kind, ending: '.raw.zst', steps: [unpackDisk] },
  { kind, ending: '.vhd.zst', steps: [unpackVhd] },
  { kind, ending: '.vhdx.zst', steps: [unpackVhdx] },
  ...['.raw', '.img', '-flat.vmdk', '-delta.vmdk', '-sesparse.vmdk'].map((ending) => ({ kind, ending, steps: [] })),
  { kind, ending: '.vmdk', steps: [convertDisk] },
  { kind, ending: '.zst', steps: guestSteps(kind, ['zstd -dc']) },
  ...['.gz', '.tgz'].map((ending) => ({ kind, ending, steps: guestSteps(kind, ['gzip -dc']) })),
  { kind, ending: '.lzo', steps: guestSteps(kind, ['lzop -dc']) },
  { kind, ending: '', steps: guestSteps(kind, []) },
])

function guestSteps(kind: GuestKind, decompress: readonly string[]): RestoreStep[] {
  const [fromFile, fromPipe, rootDisk] =
    kind === 'vm'
      ? ['qmrestore {file} {id}', 'qmrestore - {id}', '']
      : [
          'pct restore {id} {file}',
          'pct restore {id} - --rootfs {rootfs}',
          ' Name a storage, and the size of the root disk in GiB.',
        ]
  const piped = (source: string) => [source, ...decompress, fromPipe].join(' | ')
  return [
    {
      way: 'restore',
      say: 'Choose an id that is free: --force destroys the guest that has it. --storage <id> names where the disks go.',
      run: fromFile,
    },
    {
      way: 'pipe',
      say: `In place of a file: through a pipe, which needs no room for it.${rootDisk}`,
      run: piped('aws s3 cp {url} -{endpoint}'),
    },
    { way: 'rclone-pipe', say: 'The same with rclone.', run: piped('rclone cat {remote}') },
    {
      way: 'script',
      say: 'All of it by the script beside RESTORE.md: fetch, compare the CRC-32, restore.',
      run: 'sh restore.sh --id {id} {folder}',
    },
  ]
}

/** For the page, whose script looks them up as `restoreSteps` does. */
export const restoreTable = { fetch: fetchSteps(false), rules }

/**
 * The steps for a file of this name, with their words left open.
 * @param ofVersion whether a version of the object is named
 */
export function restoreSteps(kind: GuestKind, fileName: string, ofVersion = false): RestoreStep[] {
  const rule = rules.find((one) => one.kind === kind && fileName.endsWith(one.ending))
  const steps = [...fetchSteps(ofVersion), ...(rule?.steps ?? [])]
  return ofVersion
    ? steps.map((step) => (withoutVersion.has(step.way) ? { ...step, say: step.say + NEWEST } : step))
    : steps
}

/** None of these can name a version. */
const withoutVersion: ReadonlySet<RestoreWay> = new Set(['rclone', 'pipe', 'rclone-pipe', 'script'])
const NEWEST = ' (It takes the newest version of the object.)'

/** A line with its words. */
export function filled(line: string, words: RestoreWords): string {
  return line.replaceAll(/\{([a-z]+)\}/g, (whole, name: string) => words[name as keyof RestoreWords] ?? whole)
}

/** Of one file of an archive. `folder` ends with a slash; `s3Url` is that of a store which isn't AWS. */
export interface RestoreSource {
  bucket: string
  folder: string
  fileName: string
  guestId: string
  versionId?: string | undefined
  s3Url?: string | undefined
}

export function restoreWords({ bucket, folder, fileName, guestId, versionId, s3Url }: RestoreSource): RestoreWords {
  const key = `${folder}${fileName}`
  return {
    bucket: quoted(bucket),
    key: quoted(key),
    url: quoted(`s3://${bucket}/${key}`),
    remote: quoted(`store:${bucket}/${key}`),
    folder: quoted(folder),
    file: quoted(`${DUMP_FOLDER}/${fileName.slice(fileName.lastIndexOf('/') + 1)}`),
    id: quoted(guestId),
    rootfs: 'local-lvm:8',
    version: versionId === undefined ? '' : ` --version-id ${quoted(versionId)}`,
    endpoint: endpointOption(s3Url),
  }
}

export function endpointOption(s3Url: string | undefined): string {
  return s3Url === undefined ? '' : ` --endpoint-url ${quoted(s3Url)}`
}

/** What rclone has to know before the commands with `store:` work. */
export function rcloneSettings(s3Url: string | undefined): string[] {
  const provider = s3Url === undefined ? 'AWS' : `Other RCLONE_CONFIG_STORE_ENDPOINT=${quoted(s3Url)}`
  return [
    'export RCLONE_CONFIG_STORE_TYPE=s3 RCLONE_CONFIG_STORE_ENV_AUTH=true RCLONE_CONFIG_STORE_REGION="$AWS_REGION"',
    `export RCLONE_CONFIG_STORE_PROVIDER=${provider}`,
  ]
}

/** As a POSIX shell takes it for one word. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

/** All lines for one file, comments with a `#` in front. rclone's settings come where they are needed first. */
export function restoreLines(kind: GuestKind, source: RestoreSource): string[] {
  const words = restoreWords(source)
  return restoreSteps(kind, source.fileName, source.versionId !== undefined).flatMap(({ way, say, run }) => [
    ...(say === '' ? [] : [`# ${say}`]),
    ...(way === 'rclone' ? rcloneSettings(source.s3Url) : []),
    filled(run, words),
  ])
}
