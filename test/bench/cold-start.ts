import { execFile } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { synthesise } from '../../local/run/assembly.ts'
import { readAssembly, type SynthesisedFunction } from '../../local/run/synthesised.ts'
import { note } from './progress.ts'
import { median, rounded } from './statistics.ts'

export interface ColdStart {
  bundleKiB: number
  /** Loading the handler in a fresh process with the deployed Node options. Node's own start isn't in it. */
  initMs: number
}

const LOADS = 7

/** Bundle size and load time of every function, as synthesised; functions take turns. By stem. */
export async function measureColdStarts(): Promise<Record<string, ColdStart>> {
  const folder = await synthesise(() => note('cold: synthesising the app'))
  const { functions } = await readAssembly(folder, { archiveBucket: 'archives' })
  const taken = new Map(Object.values(functions).map((one) => [one, [] as number[]]))
  for (let load = 1; load <= LOADS; load++) {
    note(`cold: load ${load} of ${LOADS}`)
    for (const [one, milliseconds] of taken) milliseconds.push(await loadMilliseconds(one))
  }
  const rows = [...taken].map(([one, milliseconds]): [string, ColdStart] => [
    one.stem,
    { bundleKiB: Math.round(statSync(bundleOf(one)).size / 1024), initMs: rounded(median(milliseconds), 1) },
  ])
  return Object.fromEntries(rows.toSorted(([one], [other]) => one.localeCompare(other)))
}

function bundleOf({ directory, handler }: SynthesisedFunction): string {
  return join(directory, `${handler.split('.')[0] ?? ''}.js`)
}

async function loadMilliseconds(one: SynthesisedFunction): Promise<number> {
  const script = 'const at = performance.now(); require(process.argv[1]); console.log(performance.now() - at)'
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script, bundleOf(one)], {
    env: { PATH: process.env['PATH'], AWS_REGION: 'us-east-1', ...one.environment },
  })
  return Number(stdout)
}
