/** Reads a real assembly: the app that `cdk synth` wrote with its bundles, far from this project's packages. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tasks } from '../../../functions/contracts/tasks.ts'
import { synthesise } from '../../../local/run/assembly.ts'
import { AssemblyError, readAssembly, stemOf } from '../../../local/run/synthesised.ts'

const stems = Object.values(tasks).map(({ stem }) => stem)
const options = { archiveBucket: 'my-archives' }
let folder: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'guestlift-assembly-'))
  cpSync(await synthesise(() => undefined), join(folder, 'cdk.out'), { recursive: true })
})

afterAll(() => {
  rmSync(folder, { recursive: true })
})

/** A copy of the assembly's small files, to be spoilt. */
function spoiltCopy(file: string, spoil: (text: string) => string): string {
  const copy = mkdtempSync(join(folder, 'spoilt-'))
  const original = join(folder, 'cdk.out')
  for (const name of readdirSync(original).filter((each) => each.endsWith('.json'))) {
    cpSync(join(original, name), join(copy, name))
  }
  const [found = ''] = readdirSync(copy).filter((name) => name.endsWith(file))
  writeFileSync(join(copy, found), spoil(readFileSync(join(copy, found), 'utf8')))
  return copy
}

describe('a synthesised assembly', () => {
  it('holds all workflows as plain definitions, with no reference left open', async () => {
    const { machines } = await readAssembly(join(folder, 'cdk.out'), options)
    expect(machines.exportRun).toMatchObject({ StartAt: 'Authenticate', QueryLanguage: 'JSONata' })
    expect(machines.exportGuest).toMatchObject({ StartAt: 'Which platform?', QueryLanguage: 'JSONata' })
    expect(machines.sweepUploads).toMatchObject({ StartAt: 'Take up sweep', QueryLanguage: 'JSONata' })
    expect(machines.verifyArchives).toMatchObject({ StartAt: 'Plan verification', QueryLanguage: 'JSONata' })
    expect(machines.cleanUpRun).toMatchObject({ StartAt: 'Take up event', QueryLanguage: 'JSONata' })
    expect(JSON.stringify(machines)).not.toMatch(/Fn::|\$\{Token|"Ref"|AWS::/)
  })

  it('puts the given bucket where the deployed one would stand', async () => {
    const { machines, functions } = await readAssembly(join(folder, 'cdk.out'), options)
    expect(JSON.stringify(machines.exportRun).match(/"Bucket":"[^"]*"/g)).toEqual([
      '"Bucket":"my-archives"',
      '"Bucket":"my-archives"',
    ])
    expect(stems.map((stem) => functions[stem]?.environment['ARCHIVE_BUCKET'])).toEqual(stems.map(() => 'my-archives'))
  })

  it('names in the definitions exactly the functions that it holds', async () => {
    const { machines, functions } = await readAssembly(join(folder, 'cdk.out'), options)
    const called = JSON.stringify(machines).matchAll(/"FunctionName":"([^"]*)"/g)
    expect(new Set([...called].map(([, name = '']) => stemOf(name)))).toEqual(new Set(stems))
    expect(new Set(Object.keys(functions))).toEqual(new Set(stems))
  })

  it('holds the larger runner with the bundle of the function whose work it does', async () => {
    const { functions, builds } = await readAssembly(join(folder, 'cdk.out'), options)
    expect(builds).toEqual({
      'guestlift-example-verify-at-length': {
        name: 'guestlift-example-verify-at-length',
        directory: functions['verify-deep']?.directory,
        commands: [expect.stringMatching(/^node -e '[^']+'$/)],
        environment: {
          ARCHIVE_BUCKET: 'my-archives',
          GUESTLIFT_SECONDS: '129000',
          // No limit of the heap: CodeBuild starts Node.js itself, which takes its own from the machine.
          NODE_OPTIONS: '--max-semi-space-size=1',
        },
        timeoutSeconds: 36 * 3600,
      },
    })
  })

  it.each(stems)('holds a bundle of %s that Node loads, wherever it lies', async (stem) => {
    const { functions } = await readAssembly(join(folder, 'cdk.out'), options)
    const { directory = '', handler, timeoutSeconds = 0, memoryMiB = 0 } = functions[stem] ?? {}
    expect(handler).toBe('index.handler')
    const bundle: unknown = createRequire(import.meta.url)(join(directory, 'index.js'))
    expect(bundle).toEqual({ handler: expect.any(Function) })
    expect(readFileSync(join(directory, 'package.json'), 'utf8')).toBe('{"type":"commonjs"}')
    expect(timeoutSeconds).toBeGreaterThanOrEqual(60)
    expect(memoryMiB).toBeGreaterThanOrEqual(512)
  })

  it('refuses a folder that nothing was synthesised into, and says what to do', async () => {
    const reading = readAssembly(join(folder, 'nowhere'), options)
    await expect(reading).rejects.toThrow(AssemblyError)
    await expect(reading).rejects.toThrow(/manifest\.json can't be read; write it with: npm run synth/)
  })

  it('refuses a reference that nothing on this machine stands for', async () => {
    const spoilt = spoiltCopy('export.template.json', (text) =>
      text.replaceAll('guestlift-example-archive-bucket', 'something-else'),
    )
    await expect(readAssembly(spoilt, options)).rejects.toThrow(/Nothing on this machine stands for .*something-else/)
  })

  it('refuses an assembly without the workflows', async () => {
    const spoilt = spoiltCopy('export.template.json', (text) => text.replaceAll('guestlift:workflow', 'other:workflow'))
    await expect(readAssembly(spoilt, options)).rejects.toThrow(/lacks the workflows of Guestlift/)
  })

  it('refuses a template that is not one', async () => {
    const spoilt = spoiltCopy('storage.template.json', () => '{"Resources": 7}')
    await expect(readAssembly(spoilt, options)).rejects.toThrow(/is not what cdk synth writes/)
  })
})

describe('a function’s name', () => {
  it('is refused when it is none of the assembly’s', () => {
    expect(() => stemOf('arn:aws:lambda:eu-central-1:1:function:other')).toThrow(AssemblyError)
  })
})
