/** What the archive of a disk costs beside `zstd -1` of the very same bytes: CPU, size, and reading it back. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Measured, measure } from './measure.ts'
import { note } from './progress.ts'
import { cpuRatio, median, rounded } from './statistics.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const child = fileURLToPath(new URL('raw-disk-child.ts', import.meta.url))
const MIB = 2 ** 20
/** Programs, sources and documentation, and random data as media and what is encrypted look. */
const FILES_MIB = 384
const RANDOM_MIB = 128
/** So many times what was written: most disks are mostly empty. */
const SPARSENESS = 8

export interface RawDiskResult {
  writtenMiB: number
  /** CPU seconds, and the ratio to `zstd -1` of the same bytes in the same rounds. */
  pack: { cpuSecondsPerGiB: number; ratioToZstd: number | null; peakMiB: number }
  /** Of the object by that of `zstd -1`. */
  sizeRatio: number
  /** The disk is eight times as large and the rest was never written: CPU by `zstd -1` of all of it. */
  sparse: { ratioToZstd: number | null; sizeRatio: number }
  /** `zstd -d` of our file by `zstd -d` of its own: what a restore without us takes. */
  unpackByZstd: number | null
  /** By our reader, and read whole as `guestlift verify` does, by `zstd -d`. */
  unpack: number | null
  verify: number | null
}

/** @throws Error without zstd */
export async function measureRawDisk(runs: number): Promise<RawDiskResult> {
  const directory = mkdtempSync(join(tmpdir(), 'guestlift-raw-disk-bench-'))
  const at = (name: string): string => join(directory, name)
  const writtenBytes = (FILES_MIB + RANDOM_MIB) * MIB
  const shell = (command: string): Promise<Measured> => measure(['bash', '-c', command])
  const ours = (act: string, from: string, to = ''): Promise<Measured> =>
    measure([process.execPath, child, act, at(from), at(to), String(writtenBytes)])
  try {
    note('raw-disk: making a disk')
    const sample = `{ tar -cf - node_modules functions docs 2>/dev/null | head -c ${FILES_MIB * MIB}; head -c ${RANDOM_MIB * MIB} /dev/urandom; }`
    execFileSync('bash', ['-c', `${sample} > '${at('disk.raw')}' && truncate -s ${writtenBytes} '${at('disk.raw')}'`], {
      cwd: root,
    })
    execFileSync('bash', [
      '-c',
      `cp '${at('disk.raw')}' '${at('sparse.raw')}'; truncate -s ${writtenBytes * SPARSENESS} '${at('sparse.raw')}'`,
    ])
    const zstd = (from: string, to: string): Promise<Measured> =>
      shell(`zstd -q -1 -T1 -f '${at(from)}' -o '${at(to)}'`)
    const unzstd = (from: string): Promise<Measured> => shell(`zstd -q -d -c '${at(from)}' > /dev/null`)

    const start = median((await times(runs, () => ours('nothing', 'disk.raw'))).map(({ cpuSeconds }) => cpuSeconds))
    const rounds = await times(runs, async (round) => {
      note(`raw-disk: round ${round} of ${runs}`)
      return {
        packed: await ours('pack', 'disk.raw', 'ours.raw.zst'),
        zstd: await zstd('disk.raw', 'zstd.raw.zst'),
        packedSparse: await ours('pack', 'sparse.raw', 'ours-sparse.raw.zst'),
        zstdSparse: await zstd('sparse.raw', 'zstd-sparse.raw.zst'),
        unpackedByZstd: await unzstd('ours.raw.zst'),
        unzstd: await unzstd('zstd.raw.zst'),
        unpacked: await ours('unpack', 'ours.raw.zst'),
        verified: await ours('verify', 'ours.raw.zst'),
      }
    })
    type Name = keyof (typeof rounds)[number]
    const of = (name: Name): Measured[] => rounds.map((round) => round[name])
    /** Without what starting Node.js and loading take. */
    const started = (name: Name) => of(name).map((one) => ({ ...one, cpuSeconds: one.cpuSeconds - start }))
    const sizes = (one: string, other: string): number => rounded(statSync(at(one)).size / statSync(at(other)).size)
    const packing = started('packed')
    return {
      writtenMiB: writtenBytes / MIB,
      pack: {
        cpuSecondsPerGiB: rounded(median(packing.map(({ cpuSeconds }) => cpuSeconds)) / (writtenBytes / 2 ** 30)),
        ratioToZstd: cpuRatio(packing, of('zstd')),
        peakMiB: Math.max(...packing.map(({ peakMiB }) => peakMiB)),
      },
      sizeRatio: sizes('ours.raw.zst', 'zstd.raw.zst'),
      sparse: {
        ratioToZstd: cpuRatio(started('packedSparse'), of('zstdSparse')),
        sizeRatio: sizes('ours-sparse.raw.zst', 'zstd-sparse.raw.zst'),
      },
      unpackByZstd: cpuRatio(of('unpackedByZstd'), of('unzstd')),
      unpack: cpuRatio(started('unpacked'), of('unpackedByZstd')),
      verify: cpuRatio(started('verified'), of('unpackedByZstd')),
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** One after the other. */
async function times<Result>(count: number, work: (round: number) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = []
  for (let round = 1; round <= count; round += 1) results.push(await work(round))
  return results
}
