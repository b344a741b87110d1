import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cdkJson = z.object({ app: z.string(), context: z.record(z.string(), z.unknown()) })
const { app, context } = cdkJson.parse(JSON.parse(readFileSync(join(root, 'cdk.json'), 'utf8')))

let outdir: string
beforeEach(() => {
  outdir = mkdtempSync(join(tmpdir(), 'guestlift-app-'))
})
afterEach(() => {
  rmSync(outdir, { recursive: true })
})

/** Run the app as the CDK CLI does, without bundling, and without credentials or a home to find them in. */
function synthesise(extraContext: Record<string, unknown>): Promise<{ code: number; errors: string }> {
  const env = {
    PATH: process.env['PATH'],
    // What it loads is large, and compiled already.
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
    HOME: outdir,
    CDK_OUTDIR: outdir,
    CDK_CONTEXT_JSON: JSON.stringify({ ...context, 'aws:cdk:bundling-stacks': [], ...extraContext }),
  }
  return new Promise((resolve) => {
    execFile(process.execPath, ['bin/app.ts'], { cwd: root, env }, (error, _, errors) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, errors })
    })
  })
}

describe('the app', () => {
  it('is what cdk.json runs, with the example as its default deployment', () => {
    expect(app).toBe('node bin/app.ts')
    expect(context['deployment']).toBe('example')
  })

  it('writes both stacks of the default deployment without credentials', async () => {
    const { code, errors } = await synthesise({})
    expect(code).toBe(0)
    // The example names nobody, since nobody's address is right for everybody; it says so and nothing else.
    expect(errors.match(/^(WARNING|ERROR).*/gm)).toEqual([expect.stringMatching(/names nobody in notificationEmails/)])
    expect(readdirSync(outdir).filter((file) => file.endsWith('.template.json'))).toEqual([
      'guestlift-example-export.template.json',
      'guestlift-example-storage.template.json',
    ])
  })

  it('stops at an unknown deployment with one message and no stack trace', async () => {
    const { code, errors } = await synthesise({ deployment: 'nowhere' })
    expect(code).toBe(1)
    expect(errors).toMatch(/^No deployment "nowhere" in lib\/deployments; there are .*example.*\n$/)
    expect(readdirSync(outdir).filter((file) => file.endsWith('.template.json'))).toEqual([])
  })
})
