/** What deployments synthesise to, kept between tests and between processes. */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Stack } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { z } from 'zod'
import { fingerprint, sources, stateFolder } from '../../local/run/assembly.ts'
import { madeOnce } from '../../local/run/made-once.ts'
import { type Assembly, readAssembly } from '../../local/run/synthesised.ts'
import { type DeploymentName, deployments } from './deployments.ts'

/** What the tests read of a template is checked by them. */
const templateJson = z.record(z.string(), z.unknown())

export interface Synthesised {
  /** Without resources where the deployment has an existing bucket. */
  storage: Template
  exports: Template
  assembly: Assembly
}

/** A test only reads what was synthesised. */
const known = new Map<DeploymentName, Promise<Synthesised>>()
const kept = keptFolder()

/**
 * Synthesise a deployment. Each takes seconds, so all processes share what was synthesised from these very sources, and
 * so does the next run of the tests.
 * @param spoil adds something to the export stack before synthesis; that is shared with nobody
 * @param name of a deployment that is listed, since only those are judged by CloudFormation's rules
 * @throws an error that lists every finding of the AWS Solutions rules
 */
export function synthesise(name: DeploymentName, spoil?: (exports: Stack) => void): Promise<Synthesised> {
  if (spoil !== undefined) return synthesiseSpoilt(name, spoil)
  const synthesised = known.get(name) ?? synthesisedFolder(name).then(readSynthesised)
  known.set(name, synthesised)
  return synthesised
}

/** The folder of a deployment's cloud assembly, which is only read. @throws as `synthesise` does */
export async function synthesisedFolder(name: DeploymentName): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(deployments[name])).digest('hex').slice(0, 16)
  return madeOnce(join(await kept, hash), async (draft) => {
    // Loading all that synthesises takes longer than reading what was synthesised.
    const { synthesiseInto } = await import('./synthesise-into.ts')
    synthesiseInto(draft, name)
  })
}

async function synthesiseSpoilt(name: DeploymentName, spoil: (exports: Stack) => void): Promise<Synthesised> {
  const outdir = mkdtempSync(join(tmpdir(), 'guestlift-synth-'))
  try {
    const { synthesiseInto } = await import('./synthesise-into.ts')
    synthesiseInto(outdir, name, spoil)
    return await readSynthesised(outdir)
  } finally {
    rmSync(outdir, { recursive: true })
  }
}

async function readSynthesised(outdir: string): Promise<Synthesised> {
  const template = (stack: string): Template => {
    const [file] = readdirSync(outdir).filter((name) => name.endsWith(`-${stack}.template.json`))
    if (file === undefined) return Template.fromJSON({ Resources: {} })
    return Template.fromJSON(templateJson.parse(JSON.parse(readFileSync(join(outdir, file), 'utf8'))))
  }
  const assembly = await readAssembly(outdir, { archiveBucket: 'archives' })
  return { storage: template('storage'), exports: template('export'), assembly }
}

/** For what these sources synthesise to; that of others is removed once it is a day old. */
async function keptFolder(): Promise<string> {
  const own = `templates-${await fingerprint([...sources, 'test/lib/synthesise-into.ts'])}`
  const there = existsSync(stateFolder) ? readdirSync(stateFolder) : []
  const others = there.filter((name) => /^templates-[0-9a-f]{16}$/.test(name) && name !== own)
  for (const name of others) {
    const { mtimeMs } = statSync(join(stateFolder, name))
    if (Date.now() - mtimeMs > 24 * 3_600_000) rmSync(join(stateFolder, name), { recursive: true, force: true })
  }
  return join(stateFolder, own)
}
