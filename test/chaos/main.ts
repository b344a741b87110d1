/** `npm run chaos -- --seed N --rounds M [--json]`: rounds in which much goes wrong, each judged by one list of invariants. */
import { parseArgs } from 'node:util'
import { formatBytes } from '../../functions/domain/words/byte-size.ts'
import { synthesise } from '../../local/run/assembly.ts'
import { actWords, planRound } from './act.ts'
import { judgeRound } from './invariants.ts'
import { playRound } from './play.ts'

const usage = `npm run chaos -- [--seed 1] [--rounds 10] [--lanes 2] [--json]

Plays rounds with a simulated site, an embedded S3 and the real command line, in which processes are killed, lines cut and
clocks stepped; then a quiet run, and a look at everything that is left. One seed is one round, the next round has the
next seed. A round that violates an invariant keeps its folder. Ends with 1 when any did.`

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '10' },
    lanes: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}

const [first, rounds, lanes] = [values.seed, values.rounds, values.lanes].map(Number)
if (
  !Number.isSafeInteger(first) ||
  !Number.isSafeInteger(rounds) ||
  !Number.isSafeInteger(lanes) ||
  Number(lanes) < 1
) {
  console.error(usage)
  process.exit(64)
}

const seeds = Array.from({ length: Number(rounds) }, (_, index) => Number(first) + index)
const totals = { rounds: 0, violated: [] as number[], archives: 0, bytes: 0, partsTwice: 0, bytesTwice: 0 }
await synthesise(() => console.error('Building the workflow and its functions (once, until they change) …'))
await Promise.all(Array.from({ length: Number(lanes) }, () => lane()))
const { violated, archives, bytes, partsTwice, bytesTwice } = totals
if (values.json) console.log(JSON.stringify(totals))
else {
  console.log(
    `${totals.rounds} rounds from seed ${first}, ${violated.length} with a violation${violated.length === 0 ? '' : ` (${violated.join(', ')})`}; ` +
      `${archives} archives, ${formatBytes(bytes)}; sent twice: ${partsTwice} parts, ${formatBytes(bytesTwice)}`,
  )
}
process.exitCode = violated.length === 0 ? 0 : 1

async function lane(): Promise<void> {
  for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) await play(seed)
}

async function play(seed: number): Promise<void> {
  const plan = planRound(seed)
  const startedAt = performance.now()
  let violations: string[] = []
  const { record, diary, directory } = await playRound(plan, (one) => (violations = judgeRound(one)).length > 0)
  const twice = partsSentTwice(record.parts)
  totals.rounds += 1
  totals.archives += record.archives.length
  totals.bytes += record.archives.flatMap(({ artifacts }) => artifacts).reduce((sum, one) => sum + one.sizeBytes, 0)
  totals.partsTwice += twice.length
  totals.bytesTwice += twice.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  if (violations.length > 0) totals.violated.push(seed)
  const outcomes = record.runs.map(({ exitCode, report, quiet }) =>
    [quiet ? 'quiet ' : '', report?.outcome ?? 'no report', ` (${exitCode ?? 'killed'})`].join(''),
  )
  const seconds = Math.round((performance.now() - startedAt) / 1000)
  if (values.json) {
    const kept = violations.length > 0 ? { directory, plan } : {}
    console.log(
      JSON.stringify({ seed, ok: violations.length === 0, acts: diary, outcomes, violations, seconds, ...kept }),
    )
    return
  }
  const ok = violations.length === 0 ? '✓' : '✗'
  console.log(`${ok} seed ${seed}: ${diary.join(', ') || 'nothing went wrong'} → ${outcomes.join(', ')}; ${seconds} s`)
  if (violations.length === 0) return
  for (const violation of violations) console.log(`    ! ${violation}`)
  console.log(`    planned: ${plan.acts.map(actWords).join(', ')}`)
  console.log(`    everything of it: ${directory}; play it again: npm run chaos -- --seed ${seed} --rounds 1`)
}

function partsSentTwice<Part extends { key: string; partNumber: number }>(parts: readonly Part[]): Part[] {
  const seen = new Set<string>()
  return parts.filter(({ key, partNumber }) => {
    const name = `${key} ${partNumber}`
    const before = seen.has(name)
    seen.add(name)
    return before
  })
}
