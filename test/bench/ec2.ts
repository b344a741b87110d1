/**
 * `node test/bench/ec2.ts`: what archiving a volume of EC2 costs by its written bytes, beside what its parts cost when each
 * is done alone: signed requests, sums, and zstd. The lab is a process of its own whose CPU isn't counted. A second
 * volume is a hundred times as large and holds the same bytes: holes should cost next to nothing.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { backupOptionsSchema } from '../../functions/contracts/backup-options.ts'
import { sourcesOf } from '../../functions/domain/backup/sources.ts'
import { ec2SiteSchema } from '../../functions/providers/ec2/config.ts'
import { openEc2 } from '../../functions/providers/ec2/provider.ts'
import { byteMoverNodeOptions } from '../../lib/node-options.ts'
import { type Measured, measure } from './measure.ts'
import { median, rounded } from './statistics.ts'

const program = new Command()
  .option('--mib <n>', 'written bytes of each volume', Number, 512)
  .option('--runs <n>', 'runs of each', Number, 3)
  .parse()
const { mib, runs } = program.opts<{ mib: number; runs: number }>()
const child = fileURLToPath(new URL('ec2-child.ts', import.meta.url))
const labProgram = fileURLToPath(new URL('ec2-lab-child.ts', import.meta.url))
const GUEST = 'i-0123456789abcdef0'
const MOST_OF_PARTS = 1.15
const MOST_OF_DENSE = 1.3

const lab = spawn(process.execPath, [labProgram, String(mib)], { stdio: ['pipe', 'pipe', 'inherit'] })
try {
  const [line] = (await once(lab.stdout, 'data')) as [Buffer]
  const site = JSON.parse(line.toString()) as object
  const provider = openEc2('bench', ec2SiteSchema.parse(site), {
    now: () => new Date(),
    sleep: async () => undefined,
    log: () => undefined,
  })
  const [guest] = await provider.findGuests([GUEST])
  if (guest === undefined) throw new Error('the lab has no such guest')
  const { jobRef } = await provider.start(guest, backupOptionsSchema.parse({}), '0f1e2d3c4b5a6978')
  for (let looks = 0; looks < 50 && (await provider.check(jobRef)).running; looks += 1);
  const sources = sourcesOf((await provider.gather(jobRef, guest, '')).evidence).map(({ artifact }) => artifact)
  await provider.close()
  const dense = sources.find(({ fileName }) => fileName === 'xvda.raw.zst')
  const sparse = sources.find(({ fileName }) => fileName === 'sdf.raw.zst')

  const acts = ['nothing', 'requests', 'sums', 'encode', 'archive', 'sparse'] as const
  const taken: Record<(typeof acts)[number], Measured[]> = {
    nothing: [],
    requests: [],
    sums: [],
    encode: [],
    archive: [],
    sparse: [],
  }
  for (let run = 1; run <= runs; run += 1) {
    for (const act of acts) {
      const source = act === 'sparse' ? sparse : dense
      const order = JSON.stringify({ site, location: source?.location })
      const command = [process.execPath, child, act === 'sparse' ? 'archive' : act, order]
      taken[act].push(await measure(command, { NODE_OPTIONS: byteMoverNodeOptions }))
    }
  }
  const gib = mib / 1024
  const idle = median(taken.nothing.map(({ cpuSeconds }) => cpuSeconds))
  const cpu = (act: (typeof acts)[number]) => median(taken[act].map(({ cpuSeconds }) => cpuSeconds - idle)) / gib
  const parts = cpu('requests') + cpu('sums') + cpu('encode')
  const held = JSON.parse(taken.archive[0]?.output ?? '{}') as { heldBytes?: number }
  const peakMiB = Math.max(...taken.archive.map((one) => one.peakMiB))
  const wall = (act: 'archive' | 'sparse') => median(taken[act].map(({ seconds }) => seconds))
  const lines = [
    `load before: ${loadavg()[0]?.toFixed(1)}; ${mib} MiB written, ${runs} runs, medians`,
    `CPU s per written GiB: requests ${rounded(cpu('requests'))}, sums ${rounded(cpu('sums'))}, zstd ${rounded(cpu('encode'))}: together ${rounded(parts)}`,
    `archived: ${rounded(cpu('archive'))}, ${rounded(cpu('archive') / parts)} times its parts (bar ${MOST_OF_PARTS})`,
    `a hundred times as large and as much written: ${rounded(wall('sparse') / wall('archive'))} times the time (bar ${MOST_OF_DENSE})`,
    `memory: ${Math.round(peakMiB)} MiB at most, of which parts in flight may hold ${Math.round((held.heldBytes ?? 0) / 2 ** 20)} MiB`,
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
} finally {
  lab.kill()
}
