/** `npm run faults`: tries every fault of the table on this machine and prints what each one cost. */
import { parseArgs } from 'node:util'
import { openBeds } from './beds.ts'
import type { Fault } from './fault.ts'
import { faultTable } from './table.ts'
import { type Finding, tryFault } from './try-fault.ts'

const usage = `npm run faults -- [--json] [--only <words>] [--lanes 5] [--list]

Tries every fault of the table, of the transfer, of restores and of instances, against a simulated site and an embedded S3. Prints a
line for each: how it ended, what was sent twice, what was lost, and the cause that was reported. Ends with 1 when any ended otherwise.
  --only   faults whose name, scenario (backup, restore, instance), theme or route holds all of these words
  --lanes  faults tried at the same time
  --json   one line of JSON for each fault, and a last one with the sums
  --list   the faults as a table in Markdown, without trying them`

const { values } = options()
const words = values.only.toLowerCase().split(/\s+/).filter(Boolean)
const chosen = faultTable.filter(({ name, scenario, theme, route }) =>
  words.every((word) => `${name} ${scenario} ${theme} ${route}`.toLowerCase().includes(word)),
)
if (chosen.length === 0) fail(`no fault's name holds: ${values.only}`)
if (values.list) {
  console.log('| Fault | What happens |\n| --- | --- |')
  for (const { name, happens } of chosen) console.log(`| ${name} | ${happens} |`)
  process.exit(0)
}

const beds = openBeds()
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stop.abort()
    void beds.close().finally(() => process.exit(130))
  })
}

const startedAt = performance.now()
// Those that wait for time-outs cost no processor: they start first, beside the others.
const queue = chosen.toSorted((one, other) => Number(other.long ?? false) - Number(one.long ?? false))
const findings: Finding[] = []
const crashes: { fault: Fault; message: string }[] = []
await Promise.all(Array.from({ length: Number(values.lanes) }, () => lane()))
if (!stop.signal.aborted) {
  await beds.close()
  sum()
  process.exitCode = crashes.length > 0 || findings.some(({ complaints }) => complaints.length > 0) ? 1 : 0
}

async function lane(): Promise<void> {
  for (let fault = queue.shift(); fault !== undefined && !stop.signal.aborted; fault = queue.shift()) {
    const tried = fault
    try {
      const finding = await tryFault(tried, beds)
      if (stop.signal.aborted) return
      findings.push(finding)
      print(finding)
    } catch (error) {
      if (stop.signal.aborted) return
      const message = error instanceof Error ? error.message : String(error)
      crashes.push({ fault: tried, message })
      console.log(
        values.json
          ? JSON.stringify({ name: tried.name, route: tried.route, ok: false, message })
          : `✗ ${tried.name}: ${message}`,
      )
    }
  }
}

function print(finding: Finding): void {
  const { fault, ending, partsTwice, bytesTwice, refused, bytesLost, cause, complaints, seconds } = finding
  if (values.json) {
    const { name, scenario, theme, route, expected } = fault
    const { outcome, verdict } = ending
    const measured = { partsTwice, bytesTwice, refused, uploads: finding.uploads, bytesLost, seconds }
    console.log(
      JSON.stringify({
        name,
        scenario,
        theme,
        route,
        ok: complaints.length === 0,
        expected,
        outcome,
        verdict,
        ...measured,
        cause,
        complaints,
      }),
    )
    return
  }
  const ok = complaints.length === 0 ? '✓' : '✗'
  const well = { backup: 'archived', restore: 'restored', instance: 'archived' }[fault.scenario]
  const end = ending.outcome === 'succeeded' ? well : `${ending.outcome}: ${ending.verdict}`
  const again = partsTwice === 0 ? 'nothing' : `${partsTwice} part (${(bytesTwice / 2 ** 20).toFixed(1)} MiB)`
  const told = cause === '' ? 'absorbed within the call' : cause.replaceAll(/\s+/g, ' ')
  console.log(
    `${ok} [${fault.route}] ${fault.name} → ${end}; sent twice: ${again}${refused > 0 ? `, ${refused} not taken` : ''}; lost: ${bytesLost}; ` +
      `${seconds.toFixed(1)} s; cause: ${told}`,
  )
  for (const complaint of complaints) console.log(`    ! ${complaint}`)
}

function sum(): void {
  const bad = crashes.length + findings.filter(({ complaints }) => complaints.length > 0).length
  const bytesTwice = findings.reduce((total, each) => total + each.bytesTwice, 0)
  const bytesLost = findings.reduce((total, each) => total + each.bytesLost, 0)
  const seconds = (performance.now() - startedAt) / 1000
  const tried = findings.length + crashes.length
  console.log(
    values.json
      ? JSON.stringify({ tried, otherwise: bad, bytesTwice, bytesLost, seconds })
      : `\n${tried} faults, ${bad} ended otherwise than expected; sent twice in all: ${(bytesTwice / 2 ** 20).toFixed(1)} MiB; lost: ${bytesLost} bytes; ${seconds.toFixed(0)} s`,
  )
}

function options() {
  try {
    const parsed = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        only: { type: 'string', default: '' },
        lanes: { type: 'string', default: '5' },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    })
    if (parsed.values.help) {
      console.log(usage)
      process.exit(0)
    }
    if (!/^[1-9]\d?$/.test(parsed.values.lanes)) throw new Error('--lanes is a whole number above 0')
    return parsed
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
  }
}

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}
