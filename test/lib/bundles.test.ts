import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, buildSync } from 'esbuild'
import { beforeAll, describe, expect, it } from 'vitest'
import { type TaskName, tasks } from '../../functions/contracts/tasks.ts'
import { handlerBundling } from '../../lib/handler-bundling.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const handlers = readdirSync(new URL('../../functions/handlers', import.meta.url))

/** By stem, the files whose code is in the bundle, as paths from the root; what was shaken off isn't among them. */
const contents = new Map<string, string[]>()
/** By stem, the code. */
const code = new Map<string, string>()
beforeAll(async () => {
  const { metafile, outputFiles } = await build({
    ...handlerBundling,
    absWorkingDir: root,
    entryPoints: handlers.map((name) => `functions/handlers/${name}`),
    outdir: 'bundles',
    write: false,
    metafile: true,
  })
  for (const { path, text } of outputFiles) code.set(basename(path, '.js'), text)
  for (const [path, { inputs }] of Object.entries(metafile.outputs)) {
    const kept = Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    contents.set(
      basename(path, '.js'),
      kept.map(([input]) => input),
    )
  }
})

/** Stems of the functions that carry code of this kind. */
function carriers(kind: RegExp): string[] {
  return [...contents].flatMap(([stem, files]) => (files.some((file) => kind.test(file)) ? [stem] : [])).sort()
}

/** Who talks to the platform, by its API. */
const platformTasks: TaskName[] = [
  'Authenticate',
  'PlanRun',
  'StartBackup',
  'CheckBackup',
  'LocateArchive',
  'ReleaseBackup',
  'RecordFailure',
  'JudgeCoverage',
  'KeepConfiguration',
  'PlanPruning',
  'SweepStrays',
  'CheckTarget',
  'CreateGuest',
  'CheckRestore',
  'CompareGuest',
  'ProbeGuest',
  'FetchDisks',
  'PlanDrill',
  'FinishRestore',
  'SweepRestores',
]
/** Who looks at archives on the node, or moves their bytes. */
const routeTasks: TaskName[] = ['PlanRun', 'OpenUpload', 'CopyParts', 'CompleteUpload']
/** Who brings files to nodes, or removes them there. */
const deliveryTasks: TaskName[] = [
  'CheckTarget',
  'PlanDelivery',
  'DeliverParts',
  'FinishDelivery',
  'FinishRestore',
  'SweepRestores',
]

const stemsOf = (names: readonly TaskName[]): string[] => names.map((name) => tasks[name].stem).sort()
const allTasks = Object.keys(tasks) as TaskName[]

describe('a function starts quickly', () => {
  it('because it asks Node.js for a module by `require`: `import` would load the HTTP client that `node:http` offers too', () => {
    expect(code.size).toBe(allTasks.length)
    expect([...code].flatMap(([stem, text]) => (/\bimport\(["'`]/.test(text) ? [stem] : []))).toEqual([])
  })
})

describe('no function bundles what it does not use', () => {
  it('has a bundle for each task', () => {
    expect([...contents.keys()].sort()).toEqual(stemsOf(allTasks))
  })

  it('keeps the platform’s client and its HTTP library to the tasks that talk to the platform', () => {
    expect(carriers(/^functions\/providers\/proxmox\/client\.ts$/)).toEqual(stemsOf(platformTasks))
    expect(carriers(/node_modules\/undici\//)).toEqual(stemsOf(platformTasks))
  })

  it('holds the clients of those platforms alone that its registry names', () => {
    const registry = fileURLToPath(new URL('../second-platform/registry.ts', import.meta.url))
    const bundle = (alias: Record<string, string>) =>
      buildSync({
        ...handlerBundling,
        entryPoints: [fileURLToPath(new URL('../../functions/handlers/start-backup.ts', import.meta.url))],
        alias,
        write: false,
        metafile: true,
      })
    const [product, island] = [bundle({}), bundle({ '#platforms': registry })]
    const bytesOf = ({ metafile }: typeof product, folder: string): number =>
      Object.values(metafile.outputs)
        .flatMap(({ inputs }) => Object.entries(inputs))
        .filter(([path]) => path.includes(folder))
        .reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0)
    expect(bytesOf(product, 'second-platform')).toBe(0)
    expect(bytesOf(product, 'providers/proxmox')).toBeGreaterThan(50_000)
    expect(bytesOf(island, 'second-platform')).toBeGreaterThan(1_000)
    expect(bytesOf(island, 'providers/proxmox')).toBe(0)
  })

  it('keeps SSH, readers and writers to the tasks that reach archives on the node', () => {
    expect(carriers(/node_modules\/ssh2\//)).toEqual(stemsOf([...routeTasks, ...deliveryTasks]))
    expect(carriers(/^functions\/readers\//)).toEqual(stemsOf(routeTasks))
    // It asks which blocks a disk has that was written.
    expect(carriers(/^functions\/writers\//)).toEqual(stemsOf([...deliveryTasks, 'CompareGuest']))
  })

  it('keeps the client of Secrets Manager to the tasks whose contract reads a site’s secret', () => {
    const reading = allTasks.filter((name) => 'SITE_SECRET_PREFIX' in tasks[name].env.shape)
    expect(carriers(/node_modules\/@aws-sdk\/client-secrets-manager\//)).toEqual(stemsOf(reading))
  })

  it('gives every task the client of S3, which all of them need', () => {
    expect(carriers(/node_modules\/@aws-sdk\/client-s3\//)).toEqual(stemsOf(allTasks))
  })

  it.each([
    ['the deployment’s library', /node_modules\/(aws-cdk-lib|constructs|cdk-nag)\/|^lib\//],
    ['what serves one machine alone', /^(local|bin|test)\//],
    ['what the command line and the local run use', /node_modules\/(commander|jsonata|tar-stream|esbuild)\//],
    ['the client of Step Functions', /node_modules\/@aws-sdk\/client-sfn\//],
    ['validation messages in other languages than English', /node_modules\/zod\/v4\/locales\/(?!en\.|index\.)/],
    ['SHA-256 and CRC in JavaScript where Node has its own', /node_modules\/@aws-crypto\/(crc32c?|sha256-js)\//],
  ])('never carries %s', (_, kind) => {
    expect(carriers(kind)).toEqual([])
  })
})
