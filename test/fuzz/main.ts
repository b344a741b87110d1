/** `npm run fuzz -- --seconds 60 [--seed 1]`: mangled answers until the time is over, or until one breaks a property. */
import { parseArgs } from 'node:util'
import * as fc from 'fast-check'
import { openClassifier } from '../../local/replay/classify.ts'
import { recording, recordingNames, recordingsPresent } from '../functions/providers/proxmox/transcripts.ts'
import { fuzzable, fuzzLimits, misstatedBackup, oneAnswer, wholeBackup } from './properties.ts'

/** Most of the time goes by waiting for answers that don't come. */
const WORKERS = 16
const BATCH = 20
/** Of what goes over no wire. */
const QUICK_BATCH = 1000

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const firstSeed = Number(values.seed)
const until = Date.now() + Number(values.seconds) * 1000
const exchanges = recordingsPresent ? fuzzable(recordingNames().flatMap(recording)) : []
const runs: Record<string, number> = {}
const failures: Record<string, unknown>[] = []

async function batch<Chosen>(
  name: string,
  property: fc.IAsyncProperty<Chosen>,
  seed: number,
  numRuns = BATCH,
): Promise<void> {
  const details = await fc.check(property, {
    seed,
    numRuns,
    interruptAfterTimeLimit: Math.max(1, until - Date.now()),
    markInterruptAsFailure: false,
  })
  runs[name] = (runs[name] ?? 0) + details.numRuns
  // Time that ran out before the first run counts as a failure to fast-check, one without an example.
  if (!details.failed || details.counterexample === null) return
  const { counterexample, counterexamplePath: path, errorInstance } = details
  const error = errorInstance instanceof Error ? errorInstance.message : String(errorInstance)
  failures.push({ failed: name, seed, path, error, counterexample })
}

async function work(worker: number): Promise<void> {
  const classifier = await openClassifier(fuzzLimits)
  for (let seed = firstSeed + worker; Date.now() < until && failures.length === 0; seed += WORKERS) {
    if (exchanges.length > 0) await batch('one answer', oneAnswer(classifier, exchanges), seed)
    await batch('a whole backup', wholeBackup(), seed)
    await batch('a misstated backup', misstatedBackup(), seed, QUICK_BATCH)
  }
  await classifier.close()
}

await Promise.all(Array.from({ length: WORKERS }, (_, worker) => work(worker)))
for (const failure of failures) process.stdout.write(`${JSON.stringify(failure)}\n`)
process.stdout.write(
  `${JSON.stringify({ seed: firstSeed, recordings: exchanges.length, runs, failures: failures.length })}\n`,
)
process.exitCode = failures.length === 0 ? 0 : 1
