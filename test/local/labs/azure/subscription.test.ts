import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { refusedGuests } from '../../../../local/labs/azure/guests.ts'
import { DISK, labBed, pointOf, PROD, send, signedPoint, tokenOf, WEB1 } from './client.ts'

const MIB = 1024 ** 2
const COLLECTION = `${PROD}/restorePointCollections/guestlift-web1`
const codeOf = ({ json }: { json: Record<string, unknown> }): unknown =>
  (json['error'] as Record<string, unknown> | undefined)?.['code']

it('gives a token for the secret alone, and tells a wrong secret from an expired one', async () => {
  const { lab } = await labBed()
  const id = lab.clients[0]?.clientId ?? ''
  expect((await tokenOf(lab)).json).toMatchObject({ token_type: 'Bearer', expires_in: 3599 })
  const wrong = await tokenOf(lab, { client_secret: 'other' })
  expect([wrong.status, wrong.json['error'], wrong.json['error_codes']]).toEqual([401, 'invalid_client', [7_000_215]])
  lab.control.expireSecret(id)
  expect((await tokenOf(lab)).json['error_codes']).toEqual([7_000_222])
})

it('takes an assertion of the issuer, for the subject and the audience that it trusts, and no other', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const federation = { issuer: 'https://issuer.example', subject: 'arn:aws:iam::111122223333:role/backup', publicKey }
  const { lab } = await labBed({ clients: [{ clientId: 'app', federation, role: { Actions: ['*'] } }] })
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const jwt = (claims: Record<string, unknown>): string => {
    const good = { iss: federation.issuer, sub: federation.subject, aud: 'api://AzureADTokenExchange', exp: 4e9 }
    const text = `${part({ alg: 'RS256' })}.${part({ ...good, ...claims })}`
    return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`
  }
  const ask = async (assertion: string): Promise<unknown> => {
    const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
    const { json } = await tokenOf(lab, { client_assertion: assertion, client_assertion_type: type })
    return json['error_codes'] ?? json['token_type']
  }
  expect(await ask(jwt({}))).toBe('Bearer')
  expect(await ask(jwt({ sub: 'another' }))).toEqual([70_021])
  expect(await ask(jwt({ aud: 'another' }))).toEqual([700_212])
  expect(await ask(jwt({ exp: 1 }))).toEqual([700_024])
  expect(await ask(`${jwt({}).slice(0, -8)}AAAAAAAA`)).toEqual([700_027])
})

it('refuses an old token, a missing one, a foreign version and what a role lacks', async () => {
  const { lab, arm, get } = await labBed()
  const path = '/providers/Microsoft.Compute/virtualMachines'
  expect(codeOf(await arm('GET', path, { api: '2019-01-01' }))).toBe('NoRegisteredProviderFound')
  lab.control.setRole(lab.clients[0]?.clientId ?? '', { Actions: ['Microsoft.Compute/*/read'] })
  const denied = await pointOf({ lab, arm, get } as never)
  expect([denied.status, codeOf(denied)]).toEqual([403, 'AuthorizationFailed'])
  expect(denied.text).toContain('Microsoft.Compute/restorePointCollections/restorePoints/write')
  lab.control.expireTokens()
  expect(codeOf(await arm('GET', path))).toBe('ExpiredAuthenticationToken')
  expect(codeOf(await get(`${lab.url}/subscriptions/x`, { headers: { authorization: '' } }))).toBe(
    'AuthenticationFailed',
  )
})

it('lists machines in pages, and the ids come back in changing case', async () => {
  const vms = [1, 2, 3, 4, 5].map((number) => ({ ...WEB1, name: `vm${number}`, vmId: `id-${number}` }))
  const { lab, arm, get } = await labBed({ vms, settings: { pageSize: 2 } })
  let page = await arm('GET', '/providers/Microsoft.Compute/virtualMachines')
  const seen: Record<string, unknown>[] = []
  for (;;) {
    seen.push(...(page.json['value'] as Record<string, unknown>[]))
    if (page.json['nextLink'] === undefined) break
    page = await get(page.json['nextLink'] as string)
  }
  expect(seen.map(({ name }) => name)).toEqual(['vm1', 'vm2', 'vm3', 'vm4', 'vm5'])
  expect(new Set(seen.map(({ id }) => (id as string).split('/')[4])).size).toBeGreaterThan(1)
  expect(lab.control.calls('virtualMachines.list')).toBe(3)
})

it('makes one point at a time, three an hour, and no second one of the same name', async () => {
  const now = { at: new Date('2026-12-01T00:00:00Z') }
  const bed = await labBed({ clock: () => now.at })
  const first = await pointOf(bed, 'run-1')
  expect(first.status).toBe(201)
  expect(codeOf(await pointOf(bed, 'run-2'))).toBe('ConcurrentRestorePointCreation')
  expect((await bed.finish(first)).last.json['status']).toBe('Succeeded')
  expect((await pointOf(bed, 'run-1')).status).toBe(200)
  for (const name of ['run-2', 'run-3']) await bed.finish(await pointOf(bed, name))
  const fourth = await pointOf(bed, 'run-4')
  expect([fourth.status, fourth.headers['retry-after']]).toEqual([429, '3600'])
  expect((await pointOf(bed, 'run-4', { consistencyMode: 'CrashConsistent' })).status).toBe(201)
})

it('fails an application-consistent point without the agent, and makes a crash-consistent one', async () => {
  const bed = await labBed()
  bed.lab.control.setVm('web1', { agent: false })
  const failed = (await bed.finish(await pointOf(bed))).last
  expect([failed.json['status'], codeOf(failed)]).toEqual(['Failed', 'VMAgentStatusCommunicationError'])
  const crash = await bed.finish(await pointOf(bed, 'run-2', { consistencyMode: 'CrashConsistent' }))
  expect(crash.last.json['status']).toBe('Succeeded')
})

it('shows the bytes of a point by ranges with their sum, and its pages in windows', async () => {
  const bed = await labBed()
  const { sas } = await signedPoint(bed)
  const { ca } = bed.lab
  const head = await send(ca, sas, { method: 'HEAD' })
  expect(head.headers).toMatchObject({ 'content-length': String(16 * MIB + 512), 'x-ms-blob-type': 'PageBlob' })
  const headers = { 'x-ms-range': `bytes=0-${MIB - 1}`, 'x-ms-range-get-content-md5': 'true' }
  const range = await send(ca, sas, { headers })
  expect([range.status, range.bytes.length]).toEqual([206, MIB])
  expect(range.headers['content-md5']).toBe(createHash('md5').update(range.bytes).digest('base64'))
  const pages = await send(ca, `${sas}&comp=pagelist`, { headers: { 'x-ms-range': `bytes=512-${3 * MIB - 1}` } })
  const expected = [`<Start>512</Start><End>${MIB - 1}</End>`, `<Start>${2 * MIB}</Start><End>${3 * MIB - 1}</End>`]
  expect(pages.text).toContain(`<PageRange>${expected.join('</PageRange><PageRange>')}</PageRange></PageList>`)
  const past = await send(ca, sas, { headers: { 'x-ms-range': `bytes=${20 * MIB}-${21 * MIB}` } })
  expect([past.status, past.headers['x-ms-error-code']]).toEqual([416, 'InvalidRange'])
  const other = await send(ca, sas, { headers: { 'if-match': '"0x0"' } })
  expect([other.status, other.headers['x-ms-error-code']]).toEqual([412, 'ConditionNotMet'])
  const write = { method: 'PUT', headers: { 'x-ms-range': 'bytes=0-511' }, body: Buffer.alloc(512) }
  expect((await send(ca, `${sas}&comp=page`, write)).headers['x-ms-error-code']).toBe('AuthorizationPermissionMismatch')
})

it('keeps a point while a signature lives, and answers 200 with nothing when it is given back', async () => {
  const bed = await labBed()
  const { path, sas } = await signedPoint(bed)
  const kept = await bed.arm('DELETE', `${COLLECTION}/restorePoints/run-1`)
  expect([kept.status, codeOf(kept)]).toEqual([409, 'OperationNotAllowed'])
  const { final } = await bed.finish(await bed.arm('POST', `${path}/endGetAccess`, { api: DISK }))
  expect([final.status, final.text]).toEqual([200, ''])
  expect((await send(bed.lab.ca, sas)).headers['x-ms-error-code']).toBe('AuthenticationFailed')
  await bed.finish(await bed.arm('DELETE', `${COLLECTION}/restorePoints/run-1`))
  expect((await bed.arm('GET', `${COLLECTION}/restorePoints/run-1`)).status).toBe(404)
  expect((await bed.arm('DELETE', `${COLLECTION}/restorePoints/run-1`)).status).toBe(204)
})

it('takes the bytes of a disk by upload, and makes a machine of it', async () => {
  const bed = await labBed()
  const length = 4 * MIB + 512
  const disk = `${PROD}/disks/restored`
  const creationData = { createOption: 'Upload', uploadSizeBytes: length }
  await bed.finish(
    await bed.arm('PUT', disk, {
      api: DISK,
      body: { location: 'westeurope', properties: { osType: 'Linux', creationData } },
    }),
  )
  const body = { access: 'Write', durationInSeconds: 3600 }
  const { final } = await bed.finish(await bed.arm('POST', `${disk}/beginGetAccess`, { api: DISK, body }))
  const sas = final.json['accessSAS'] as string
  const put = await send(bed.lab.ca, `${sas}&comp=page`, {
    method: 'PUT',
    headers: { 'x-ms-page-write': 'update', 'x-ms-range': `bytes=${MIB}-${MIB + 511}` },
    body: Buffer.alloc(512, 7),
  })
  expect(put.status).toBe(201)
  await bed.finish(await bed.arm('POST', `${disk}/endGetAccess`, { api: DISK }))
  const made = bed.lab.control.disks().find(({ name }) => name === 'restored')
  expect([made?.state, made?.blob.pages.written()]).toEqual(['Unattached', [{ start: MIB, end: MIB + 512 }]])
  const network = '/resourceGroups/RG-PROD/providers/Microsoft.Network/networkInterfaces/nic1'
  const nic = await bed.arm('PUT', network, { body: { location: 'westeurope', properties: {} } })
  await bed.finish(nic)
  const properties = {
    hardwareProfile: { vmSize: 'Standard_D2s_v5' },
    storageProfile: { osDisk: { createOption: 'Attach', osType: 'Linux', managedDisk: { id: made?.id } } },
    networkProfile: { networkInterfaces: [{ id: nic.json['id'] }] },
  }
  const vm = await bed.arm('PUT', `${PROD}/virtualMachines/again`, { body: { location: 'westeurope', properties } })
  expect(vm.status).toBe(201)
  expect((await bed.finish(vm)).last.json['status']).toBe('Succeeded')
})

it('refuses points of disks that have none', async () => {
  const bed = await labBed({ vms: refusedGuests() })
  for (const name of ['old1', 'brief1', 'cluster1']) {
    const place = '/resourceGroups/rg-prod/providers/Microsoft.Compute'
    const source = { id: `/subscriptions/${bed.lab.subscription}${place}/virtualMachines/${name}` }
    await bed.arm('PUT', `${place}/restorePointCollections/${name}`, {
      body: { location: 'westeurope', properties: { source } },
    })
    const point = await bed.arm('PUT', `${place}/restorePointCollections/${name}/restorePoints/p`, { body: {} })
    expect([name, point.status, codeOf(point)]).toEqual([name, 409, 'OperationNotAllowed'])
  }
})

it('lets faults strike: lost, cut, truncated, whole, wrong bytes, a web page, a policy, an operation without end', async () => {
  const bed = await labBed()
  const { control, ca } = bed.lab
  const { sas } = await signedPoint(bed)
  const headers = { 'x-ms-range': 'bytes=0-1023', 'x-ms-range-get-content-md5': 'true' }
  control.answerWhole()
  expect((await send(ca, sas, { headers })).status).toBe(200)
  control.truncateAnswer('blob.read')
  expect((await send(ca, sas, { headers })).bytes.length).toBe(512)
  control.corruptRead()
  const wrong = await send(ca, sas, { headers })
  expect(wrong.headers['content-md5']).not.toBe(createHash('md5').update(wrong.bytes).digest('base64'))
  control.cutAnswer('blob.read')
  await expect(send(ca, sas, { headers })).rejects.toThrow('aborted')
  control.busy('blob.read')
  expect((await send(ca, sas, { headers })).headers['x-ms-error-code']).toBe('ServerBusy')
  control.answerPage('virtualMachines.get')
  expect((await bed.arm('GET', `${PROD}/virtualMachines/web1`)).text).toContain('<html>')
  control.loseAnswer('restorePoints.createOrUpdate')
  await expect(pointOf(bed, 'run-2')).rejects.toThrow('socket hang up')
  expect((await bed.arm('GET', `${COLLECTION}/restorePoints/run-2`)).status).toBe(200)
  await bed.arm('GET', `${COLLECTION}/restorePoints/run-2`)
  control.forbid('restorePoints.createOrUpdate', 'no-points', 1)
  expect(codeOf(await pointOf(bed, 'run-3'))).toBe('RequestDisallowedByPolicy')
  control.holdOperations()
  const held = await bed.finish(await pointOf(bed, 'run-3'))
  expect([held.last.json['status'], held.final.status]).toEqual(['InProgress', 202])
})

it('keeps nothing secret of what it saw', async () => {
  const bed = await labBed()
  const { sas } = await signedPoint(bed)
  await send(bed.lab.ca, sas, { method: 'HEAD' })
  const text = JSON.stringify(bed.lab.control.seen)
  expect(text).not.toContain(bed.token)
  expect(text).not.toContain(bed.lab.clients[0]?.secret)
  expect(text).not.toContain(new URL(sas).searchParams.get('sig'))
})

const hasQemu = spawnSync('qemu-img', ['--version']).status === 0
it.skipIf(!hasQemu)('has disks whose footer qemu-img reads, to the size they have', async () => {
  const { lab } = await labBed()
  const folder = mkdtempSync(join(tmpdir(), 'azure-lab-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  lab.control.disks()[0]?.blob.pages.saveTo(join(folder, 'disk.vhd'))
  const told = execFileSync('qemu-img', ['info', '-f', 'vpc', '--output=json', join(folder, 'disk.vhd')])
  expect(JSON.parse(told.toString('utf8'))).toMatchObject({ 'virtual-size': 16 * MIB })
})
