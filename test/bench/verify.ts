/**
 * `node test/bench/verify.ts`: what reading an archive whole costs. A made-up VM's archive through each compressor of the
 * platform, read by `guestlift verify --local`, with the function's options of Node.js and without, beside a floor: the
 * compressor's own tool that undoes it into nothing.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { byteMoverNodeOptions } from '../../lib/node-options.ts'
import { writeVma } from '../../local/labs/proxmox/vma-writer.ts'
import { median } from './statistics.ts'

const bin = fileURLToPath(new URL('../../bin/guestlift.ts', import.meta.url))
const program = new Command()
  .option('--mib <n>', 'size of the disk', Number, 2048)
  .option('--runs <n>', 'of each, in turns', Number, 3)
  .parse()
const { mib, runs } = program.opts<{ mib: number; runs: number }>()
const directory = await mkdtemp(join(tmpdir(), 'guestlift-verify-bench-'))
const NAME = 'vzdump-qemu-100-2026_11_22-02_00_00.vma'

const candidates = [
  { suffix: '', make: ['cat'], floor: ['cat'] },
  { suffix: '.zst', make: ['zstd', '-q', '-c', '-T0'], floor: ['zstd', '-q', '-d', '-c'] },
  { suffix: '.gz', make: ['gzip', '-c', '--rsyncable'], floor: ['gzip', '-d', '-c'] },
  { suffix: '.lzo', make: ['lzop', '-c'], floor: ['lzop', '-d', '-c'] },
]

async function makeVma(path: string): Promise<void> {
  const configuration = 'name: bench\nscsi0: local:vm-100-disk-0\n#qmdump#map:scsi0:drive-scsi0:local:raw:\n'
  const parts = writeVma({
    uuid: Buffer.alloc(16, 7),
    ctime: 1_795_312_800,
    configs: [{ name: 'qemu-server.conf', text: configuration }],
    disks: [{ deviceName: 'drive-scsi0', sizeBytes: mib * 2 ** 20, seed: 1, zero: 0.3, compressible: 0.6 }],
  })
  await pipeline(Readable.from(parts), createWriteStream(path))
}

/** A command's CPU, its children's included, by the shell's own clock. */
async function run(command: string): Promise<{ cpuSeconds: number; code: number }> {
  const child = spawn('bash', ['-c', `TIMEFORMAT="%U %S"; time { (${command}) >/dev/null 2>&1; }`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let text = ''
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const [code]: unknown[] = await once(child, 'close')
  const [user = 0, system = 0] = text.trim().split(/\s+/).slice(-2).map(Number)
  return { cpuSeconds: user + system, code: Number(code) }
}

try {
  const plain = join(directory, NAME)
  await makeVma(plain)
  const contentGiB = (await stat(plain)).size / 2 ** 30
  console.log(`${NAME}: ${contentGiB.toFixed(2)} GiB of content; load ${loadavg()[0]?.toFixed(1)}; medians of ${runs}`)
  for (const { suffix, make } of candidates.slice(1)) {
    const child = spawn('bash', ['-c', `${make.join(' ')} '${plain}' > '${plain}${suffix}'`], { stdio: 'inherit' })
    await once(child, 'close')
  }
  const taken = new Map<string, { ours: number[]; plainly: number[]; floor: number[] }>()
  for (let turn = 0; turn < runs; turn += 1) {
    for (const { suffix, floor } of candidates) {
      const figures = taken.get(suffix) ?? { ours: [], plainly: [], floor: [] }
      taken.set(suffix, figures)
      for (const [kind, nodeOptions] of [
        ['ours', byteMoverNodeOptions],
        ['plainly', ''],
      ] as const) {
        const { code, cpuSeconds } = await run(
          `NODE_OPTIONS='${nodeOptions}' '${process.execPath}' '${bin}' verify --local '${plain}${suffix}'`,
        )
        if (code !== 0) throw new Error(`${NAME}${suffix} was not accepted`)
        figures[kind].push(cpuSeconds)
      }
      figures.floor.push((await run(`${floor.join(' ')} '${plain}${suffix}'`)).cpuSeconds)
    }
  }
  for (const [suffix, { ours, plainly, floor }] of taken) {
    const storedMiB = (await stat(`${plain}${suffix}`)).size / 2 ** 20
    const [our, their, its] = [median(ours), median(plainly), median(floor)]
    console.log(
      `${(suffix || 'none').padEnd(5)} ${(storedMiB / 1024).toFixed(2)} GiB stored: ${our.toFixed(1)} CPU s, ` +
        `${(storedMiB / our).toFixed(0)} MiB of archive per CPU second; ${(our / their).toFixed(2)} of what it takes ` +
        `without these options, ${(our / its).toFixed(1)} × the tool alone`,
    )
  }
} finally {
  await rm(directory, { recursive: true })
}
