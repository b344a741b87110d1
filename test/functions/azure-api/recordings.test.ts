import { afterEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { Arm, COMPUTE, DISKS } from '../../../functions/azure-api/arm.ts'
import { beginAccess, endAccess } from '../../../functions/azure-api/disk-address.ts'
import { isOver } from '../../../functions/azure-api/operations.ts'
import { azureAccessSchema } from '../../../functions/contracts/azure-access.ts'
import { CredentialsRejected } from '../../../functions/contracts/errors.ts'
import {
  collectionSchema,
  diskRestorePointSchema,
  machineSchema,
  machineStatusSchema,
  restorePointSchema,
  snapshotSchema,
} from '../../../functions/providers/azure/schemas.ts'
import { asked, playRecording, recording, type RecordedAzure, recordingsPresent } from './recorded-azure.ts'

const site = {
  tenantId: '99999999-9999-9999-9999-999999999999',
  subscriptionId: '11111111-1111-1111-1111-111111111111',
  auth: { clientId: '88888888-8888-8888-8888-888888888888', clientSecret: 'dummy-secret' },
}
const sub = `/subscriptions/${site.subscriptionId}`
const group = `${sub}/resourceGroups/RG-PROD/providers/Microsoft.Compute`
const machine = { path: `${group}/virtualMachines/web1`, version: COMPUTE }
const machines = { path: `${sub}/providers/Microsoft.Compute/virtualMachines`, version: COMPUTE }
const collection = { path: `${group}/restorePointCollections/guestlift-web1`, version: COMPUTE }
const point = { path: `${collection.path}/restorePoints/run-1`, version: COMPUTE }
const frozenDisk = `${point.path}/diskRestorePoints/web1_OsDisk_aaaa`
const snapshot = { path: `${group}/snapshots/guestlift-run-1-web1-os`, version: DISKS }
const noWait = async () => undefined
/** What the recording's own writer chose to send. */
const bodyOf = (name: string) => recording(name)[0]?.request.json as object

const write = async (arm: Arm, call: Parameters<Arm['write']>[0]) => {
  const { operation } = await arm.write(call)
  return isOver(arm, operation, 60, noWait)
}
const read = (arm: Arm, of: string) => beginAccess(arm, { resourceId: of, seconds: 86_400 }, noWait)

/** Each scenario done by our client; `undefined` in the place of a last request that only Microsoft's client makes. */
const scenarios: [name: string, work: (arm: Arm) => Promise<unknown>, spared?: number][] = [
  ['vm-list-all', (arm) => arm.all(machines, machineSchema)],
  ['vm-list-all-status', (arm) => arm.all({ ...machines, query: { statusOnly: 'true' } }, machineStatusSchema)],
  ['vm-get-instance-view', (arm) => arm.read({ ...machine, query: { $expand: 'instanceView' } }, machineSchema)],
  ['throttled', (arm) => arm.read(machine, machineSchema)],
  ['rpc-create', (arm) => write(arm, { method: 'PUT', ...collection, body: bodyOf('rpc-create') })],
  ['rp-create', (arm) => write(arm, { method: 'PUT', ...point, body: bodyOf('rp-create') }), 1],
  ['rp-get-instance-view', (arm) => arm.read({ ...point, query: { $expand: 'instanceView' } }, restorePointSchema)],
  ['rpc-get-expand', (arm) => arm.read({ ...collection, query: { $expand: 'restorePoints' } }, collectionSchema)],
  ['drp-get', (arm) => arm.read({ path: frozenDisk, version: DISKS }, diskRestorePointSchema)],
  ['drp-begin-get-access', (arm) => read(arm, frozenDisk)],
  ['drp-end-get-access', (arm) => endAccess(arm, frozenDisk, 60, noWait), 1],
  ['rp-delete', (arm) => write(arm, { method: 'DELETE', ...point })],
  ['rpc-delete', (arm) => write(arm, { method: 'DELETE', ...collection })],
  [
    'snapshot-create-incremental',
    (arm) => write(arm, { method: 'PUT', ...snapshot, body: bodyOf('snapshot-create-incremental') }),
    1,
  ],
  ['snapshot-get', (arm) => arm.read(snapshot, snapshotSchema)],
  ['snapshot-begin-get-access', (arm) => read(arm, snapshot.path)],
  ['snapshot-end-get-access', (arm) => endAccess(arm, snapshot.path, 60, noWait), 1],
  ['snapshot-delete', (arm) => write(arm, { method: 'DELETE', ...snapshot })],
  ['snapshot-delete-again', (arm) => write(arm, { method: 'DELETE', ...snapshot })],
  ['snapshot-list-by-group', (arm) => arm.all({ path: `${group}/snapshots`, version: DISKS }, snapshotSchema)],
]

const refused: [name: string, work: (arm: Arm) => Promise<unknown>, status: number, code: string][] = [
  [
    'vm-get-unknown',
    (arm) => arm.read({ ...machine, path: `${group}/virtualMachines/nope` }, z.unknown()),
    404,
    'ResourceNotFound',
  ],
  ['rp-delete-while-sas', (arm) => write(arm, { method: 'DELETE', ...point }), 409, 'OperationNotAllowed'],
  ['snapshot-delete-while-sas', (arm) => write(arm, { method: 'DELETE', ...snapshot }), 409, 'OperationNotAllowed'],
]

describe.skipIf(!recordingsPresent)('recordings of Azure (skipped: no ../shared/azure-transcripts)', () => {
  let played: RecordedAzure | undefined
  let arm: Arm | undefined
  afterEach(async () => {
    await arm?.close()
    await played?.close()
  })

  async function play(name: string): Promise<Arm> {
    played = await playRecording(recording(name))
    const { url, ca } = played
    const endpoints = { login: url, management: url }
    const access = azureAccessSchema.parse({ ...site, endpoints, tls: { mode: 'ca', ca } })
    arm = new Arm('az', access, { now: () => new Date(), sleep: noWait })
    return arm
  }

  it.each(scenarios)('%s: our client asks as Microsoft’s own does', async (name, work, spared = 0) => {
    await work(await play(name))
    const expected = recording(name).map(({ request }) => asked(request))
    expect(played?.seen).toEqual(expected.slice(0, expected.length - spared))
  })

  it.each(refused)('%s: is told by its code', async (name, work, status, code) => {
    await expect(work(await play(name))).rejects.toMatchObject({ name: 'AzureRefusal', status, code })
  })

  async function askForToken(name: string) {
    const [, exchange] = recording(name)
    const list = recording('snapshot-list-by-group')
    played = await playRecording(exchange === undefined ? [] : [exchange, ...list], false)
    const { url, ca } = played
    const form = exchange?.request.form ?? {}
    const access = azureAccessSchema.parse({
      ...site,
      auth: { clientId: site.auth.clientId, clientSecret: form['client_secret'] },
      endpoints: { login: url, management: url },
      tls: { mode: 'ca', ca },
    })
    arm = new Arm('az', access, { now: () => new Date(), sleep: noWait })
    const snapshots = { path: `${group}/snapshots`, version: DISKS }
    const outcome = await arm.all(snapshots, snapshotSchema).catch((error: unknown) => error)
    const { 'x-ms-lib-capability': _, ...bare } = form
    const same = played.seen.slice(0, 1).map((one) => [one.method, one.path, one.form])
    return { outcome, asked: played.seen.length, same, expected: [['POST', exchange?.request.path, bare]] }
  }

  it('identity-client-secret: a token is asked for with the same form', async () => {
    const { outcome, asked: times, same, expected } = await askForToken('identity-client-secret')
    expect([outcome, times, same]).toEqual([[], 2, expected])
  })

  it('identity-wrong-secret: a wrong secret is asked for once, and told', async () => {
    const { outcome, asked: times, same, expected } = await askForToken('identity-wrong-secret')
    expect(outcome).toBeInstanceOf(CredentialsRejected)
    expect([times, same]).toEqual([1, expected])
  })
})
