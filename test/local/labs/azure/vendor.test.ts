/** Microsoft's own clients, where they are at hand, judge the lab in a process of their own that trusts its certificate. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import type { Settings } from '../../../../local/labs/azure/world.ts'
import { labBed } from './client.ts'

const file = (path: string): string => fileURLToPath(new URL(`../../../../${path}`, import.meta.url))
const clients = file('.guestlift/tools/azure-sdk')
const hasClients = existsSync(join(clients, 'done'))
if (!hasClients) console.warn('skipped: no clients of Azure (sh test/tools/azure-sdk.sh .guestlift/tools)')

async function judge(settings: Partial<Settings>): Promise<{ told: unknown; complaint: string }> {
  const { lab } = await labBed({ settings: { retryAfterSeconds: 0, ...settings } })
  const folder = mkdtempSync(join(tmpdir(), 'azure-judge-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'ca.pem'), lab.ca)
  const { url, tenant, subscription, clients: known } = lab
  const site = JSON.stringify({ url, tenant, subscription, clientId: known[0]?.clientId, secret: known[0]?.secret })
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') }
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [file('test/tools/azure-sdk-judge.mjs'), clients, site],
      { env },
      (_error, out, complaint) => resolve({ told: out === '' ? undefined : JSON.parse(out), complaint }),
    )
  })
}

it.skipIf(!hasClients)(
  "lets Microsoft's clients archive, snapshot and restore disks",
  async () => {
    const { told, complaint } = await judge({})
    expect(complaint).toBe('')
    expect(told).toMatchObject({
      vms: [['web1', '22222222-2222-4222-8222-222222222222']],
      power: ['ProvisioningState/succeeded', 'PowerState/running'],
      point: ['Succeeded', 2],
      blob: { contentLength: 16 * 1024 ** 2 + 512, sumFits: true, pages: 5 },
      keptBySas: 'OperationNotAllowed',
      snapshot: 'Succeeded',
      restored: 'Unattached',
    })
  },
  120_000,
)

it.skipIf(!hasClients)(
  'is refused by them where the last look at Location has 204 or is missing',
  async () => {
    const without = await judge({ finalLocation: 'no-content' })
    expect([without.told, without.complaint]).toEqual([undefined, expect.stringContaining('204')])
    const missing = await judge({ finalLocation: 'missing' })
    expect(missing.told).toBeUndefined()
  },
  120_000,
)
