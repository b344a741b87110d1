import assert from 'node:assert/strict'
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { npm, runAsUser } from './run.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const versionsSchema = z.object({ devDependencies: z.record(z.string(), z.string()) })
const templateSchema = z.object({ Resources: z.record(z.string(), z.object({ Type: z.string() })) })
const assetsSchema = z.object({ files: z.record(z.string(), z.object({ source: z.object({ path: z.string() }) })) })

/** Checks the types of the example app and synthesises it against the packed product. Returns how many functions it has. */
export async function synthesiseExample(folder: string, tarball: string): Promise<number> {
  const app = join(folder, 'example-app')
  await cp(fileURLToPath(new URL('example-app', import.meta.url)), app, { recursive: true })
  const { devDependencies } = versionsSchema.parse(JSON.parse(await readFile(join(root, 'package.json'), 'utf8')))
  const peers = ['aws-cdk-lib', 'constructs'].map((name) => `${name}@${devDependencies[name]}`)
  await npm(app, 'install', tarball, ...peers)

  const as = { node: process.execPath, cwd: app, home: join(folder, 'home-of-the-app') }
  await runAsUser(join(root, 'node_modules', '.bin', 'tsc'), ['-p', '.'], as)
  // As the CDK command line runs it; without one, CDK writes where it is told.
  await runAsUser('env', [`CDK_OUTDIR=${join(app, 'cdk.out')}`, process.execPath, 'bin/app.ts'], as)

  const json = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(app, 'cdk.out', name), 'utf8'))
  const { Resources } = templateSchema.parse(await json('Backups.template.json'))
  const { files } = assetsSchema.parse(await json('Backups.assets.json'))
  for (const { source } of Object.values(files).filter((file) => file.source.path.startsWith('asset.'))) {
    assert.match(await readFile(join(app, 'cdk.out', source.path, 'index.js'), 'utf8'), /handler/)
  }
  const functions = Object.values(Resources).filter(({ Type }) => Type === 'AWS::Lambda::Function')
  assert.ok(functions.length > 30)
  return functions.length
}
