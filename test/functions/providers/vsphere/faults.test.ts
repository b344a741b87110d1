import { afterEach, describe, expect, it } from 'vitest'
import { GuestliftError } from '../../../../functions/contracts/errors.ts'
import { judge } from '../../../../functions/domain/backup/verdict.ts'
import { openVsphere } from '../../../../functions/providers/vsphere/provider.ts'
import { openDatastoreRoute } from '../../../../functions/readers/datastore/datastore.ts'
import { DB, MIB, options, SITE, type VsphereBed, vsphereBed, WEB } from './bed.ts'

const TOKEN = '0f1e2d3c4b5a6978'
const beds: VsphereBed[] = []
afterEach(async () => {
  await Promise.all(beds.splice(0).map((bed) => bed.close()))
})

async function open(...given: Parameters<typeof vsphereBed>): Promise<VsphereBed> {
  const bed = await vsphereBed(...given)
  beds.push(bed)
  return bed
}

/** A generator with a seed: a failure can be repeated. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}

describe('a session with a vCenter', () => {
  it('that is refused is not tried again, and its message holds no secret', async () => {
    const bed = await open()
    const site = { ...bed.site, auth: { username: 'guestlift@vsphere.local', password: 'wr0ng-s3cret' } }
    const provider = openVsphere(SITE, site, {
      now: () => new Date(),
      sleep: async () => undefined,
      log: () => undefined,
    })
    bed.lab.control.resetCounts()
    const error = await provider.listGuests().catch((one: unknown) => one)
    expect(error).toMatchObject({ name: 'CredentialsRejected', message: expect.stringContaining('InvalidLogin') })
    expect(JSON.stringify([error, String(error)])).not.toContain('wr0ng-s3cret')
    expect(bed.lab.control.calls('Login')).toBe(1)
    // Whatever is asked next: accounts lock after a few.
    await expect(provider.findGuests([WEB])).rejects.toMatchObject({ name: 'CredentialsRejected' })
    await expect(provider.identify()).rejects.toMatchObject({ name: 'CredentialsRejected' })
    expect(bed.lab.control.calls('Login')).toBe(1)
    await provider.close()
  })

  it('that is over is followed by another one, also where the answer is 200 with nothing but faults', async () => {
    const bed = await open()
    expect((await bed.provider.listGuests()).guests).toHaveLength(2)
    bed.lab.control.endSessions()
    const { guests, mayLack } = await bed.provider.listGuests()
    expect([guests.length, mayLack]).toEqual([2, undefined])
  })

  it('ends with the provider', async () => {
    const bed = await open()
    await bed.provider.listGuests()
    expect(bed.lab.control.sessions()).toBe(1)
    await bed.provider.close()
    expect(bed.lab.control.sessions()).toBe(0)
  })

  it('is not begun with a server that shows another certificate', async () => {
    const bed = await open()
    bed.lab.control.changeCertificate()
    await expect(bed.provider.listGuests()).rejects.toMatchObject({
      name: 'TlsIdentityMismatch',
      message: expect.stringContaining('No credential was sent'),
    })
    expect(bed.lab.control.calls('Login')).toBe(0)
  })

  it.each([
    ['out of sessions', 503],
    ['behind a page of a proxy', 200],
  ])('of a server that is %s is tried some times, and reported as passing', async (_, status) => {
    const bed = await open()
    bed.lab.control.answerPage('/sdk', status, 100)
    await expect(bed.provider.listGuests()).rejects.toMatchObject({ name: 'PlatformUnavailable' })
  })

  it('that passes over one bad answer goes on', async () => {
    const bed = await open()
    bed.lab.control.answerPage('RetrievePropertiesEx', 503, 1)
    expect((await bed.provider.listGuests()).guests).toHaveLength(2)
    expect(bed.waits.length).toBeGreaterThan(0)
  })

  it('pages through as many guests as there are', async () => {
    const bed = await open({ settings: { mostObjects: 1 } })
    expect((await bed.provider.listGuests()).guests.map(({ name }) => name).toSorted()).toEqual(['db01', 'web01'])
  })
})

describe('guests of vSphere in a list', () => {
  it('have tags, folders as paths, and their state', async () => {
    const bed = await open()
    const { guests, notes } = await bed.provider.listGuests()
    expect(guests.find(({ id }) => id === WEB)).toMatchObject({
      name: 'web01',
      state: 'running',
      tags: ['backup:gold'],
      template: false,
      identity: { id: WEB },
    })
    expect(notes).toEqual([])
  })

  it('are listed without tags, and with a note, where the REST API does not answer', async () => {
    const bed = await open()
    bed.lab.control.answerPage('/rest', 404, 10)
    const { guests, notes } = await bed.provider.listGuests()
    expect([guests.length, notes]).toEqual([2, [expect.stringContaining("Tags of guests can't be read")]])
  })

  it('lack what the account may not read, and say so', async () => {
    const bed = await open({
      users: [
        {
          name: 'guestlift@vsphere.local',
          password: 'right',
          permissions: [{ on: '/DC1', privileges: 'all' }],
        },
      ],
    })
    const { mayLack, notes } = await bed.provider.listGuests()
    expect([mayLack ?? '', ...notes].join(' ')).toMatch(/no System.Read/)
  })

  it('of a backup lack the rights that the account has not, by guest', async () => {
    const bed = await open({
      users: [
        {
          name: 'guestlift@vsphere.local',
          password: 'right',
          permissions: [
            {
              on: '/',
              privileges: ['System.Anonymous', 'System.View', 'System.Read', 'VirtualMachine.State.CreateSnapshot'],
            },
          ],
        },
      ],
    })
    const work = { guestIds: [DB], storage: 'local', deleteSource: true }
    const missing = await bed.provider.missingPrivileges(work)
    expect(missing).toContainEqual({ privilege: 'VirtualMachine.State.RemoveSnapshot', path: 'DC1/vm/db01' })
    expect(missing).toContainEqual({ privilege: 'Datastore.FileManagement', path: 'datastore datastore1' })
  })
})

describe('files of a datastore', () => {
  async function frozen(bed: VsphereBed) {
    const guest = await bed.guest()
    const { jobRef } = await bed.provider.start(guest, options(), TOKEN)
    await bed.ended(jobRef)
    const { evidence } = await bed.provider.gather(jobRef, guest, 'local')
    const [source] = evidence.sources ?? []
    if (source === undefined) throw new Error('nothing to read')
    return { ...source.artifact, jobRef }
  }

  it('are read on in another session when theirs is over', async () => {
    const bed = await open()
    const { location } = await frozen(bed)
    const reader = await openDatastoreRoute(SITE, bed.site).open(location)
    bed.lab.control.endSessions()
    expect(await reader.read(0, Buffer.alloc(MIB))).toBeGreaterThan(0)
    await reader.close()
    expect(bed.lab.control.sessions()).toBe(0)
  })

  it('are found whether names are to be quoted once or twice', async () => {
    for (const quoting of ['once', 'twice'] as const) {
      const bed = await open({
        datacenters: [{ name: 'DC & 1', folders: ['Nord/Süd %'], datastores: [{ name: 'store é [1] %2f' }] }],
        guests: [{ name: 'web01', id: WEB, toolsRunning: true, disks: [{ capacityBytes: MIB }] }],
        settings: { quoting },
      })
      const { location } = await frozen(bed)
      const reader = await openDatastoreRoute(SITE, bed.site).open(location)
      expect(reader.opened.sizeBytes).toBe(MIB)
      await reader.close()
    }
  })

  it('are read straight from the host, by a ticket for each range and by the certificate that the vCenter names', async () => {
    const bed = await open({}, { transport: 'host' })
    const { location } = await frozen(bed)
    const reader = await openDatastoreRoute(SITE, bed.site).open(location)
    bed.lab.control.resetCounts()
    const [one, other] = [Buffer.alloc(MIB), Buffer.alloc(MIB)]
    await reader.read(0, one)
    await reader.read(MIB, other)
    await reader.close()
    expect(Buffer.concat([one, other]).equals(Buffer.from(bed.lab.control.readDisk(WEB, 2000, 0, 2 * MIB)))).toBe(true)
    expect(bed.lab.control.calls('AcquireGenericServiceTicket')).toBe(2)
  })

  it.each([
    ['the whole file in place of a range', 'answerWhole', 'SourceUnreadable'],
    ['another range than the one asked for', 'wrongContentRange', 'SourceUnreadable'],
  ] as const)('that come as %s are not taken', async (_, fault, name) => {
    const bed = await open()
    const { location } = await frozen(bed)
    const reader = await openDatastoreRoute(SITE, bed.site).open(location)
    bed.lab.control[fault]('/folder/', 100)
    await expect(reader.read(0, Buffer.alloc(MIB))).rejects.toMatchObject({ name })
    await reader.close()
  })

  it('that change while they are read are given up', async () => {
    const bed = await open()
    const { location } = await frozen(bed)
    const reader = await openDatastoreRoute(SITE, bed.site).open(location)
    bed.lab.control.setFile('datastore1', 'web01/web01-flat.vmdk', { modifiedAt: new Date('2030-01-01T00:00:00Z') })
    await expect(reader.read(0, Buffer.alloc(MIB))).rejects.toMatchObject({ name: 'SourceChanged' })
    await reader.close()
  })

  it('that nothing holds any more are another state: what was begun is dropped', async () => {
    const bed = await open()
    const { location } = await frozen(bed)
    const route = openDatastoreRoute(SITE, bed.site)
    const reader = await route.open(location)
    for (const { id } of bed.lab.control.snapshots()) bed.lab.control.removeSnapshot(id)
    await expect(reader.read(0, Buffer.alloc(MIB))).rejects.toMatchObject({
      name: 'SourceChanged',
      message: expect.stringContaining('Someone removed our snapshot'),
    })
    await reader.close()
    await expect(route.open(location)).rejects.toMatchObject({ name: 'SourceChanged' })
  })

  it('are given up when our snapshot has stayed as long as the site lets it', async () => {
    const bed = await open({}, { snapshot: { maxHours: 2 } })
    const { location } = await frozen(bed)
    const late = { now: () => new Date(Date.now() + 3 * 3_600_000), sleep: async () => undefined }
    await expect(openDatastoreRoute(SITE, bed.site, late).open(location)).rejects.toMatchObject({
      name: 'LineTooSlow',
      message: expect.stringContaining('`snapshot.maxHours`'),
    })
  })

  it('that a host fails to serve are a matter of later', async () => {
    const bed = await open()
    const { location } = await frozen(bed)
    const reader = await openDatastoreRoute(SITE, bed.site).open(location)
    bed.lab.control.answerPage('/folder/', 500, 1)
    await expect(reader.read(0, Buffer.alloc(MIB))).rejects.toMatchObject({ name: 'ConnectionDropped' })
    await reader.close()
  })
})

describe('mangled answers of a vCenter', () => {
  const calls = ['RetrievePropertiesEx', 'FindByUuid', 'CreateContainerView', 'CurrentTime', 'RetrieveServiceContent']

  /** Cuts, doubles, swaps and replaces pieces of an answer. */
  function mangle(random: () => number): (body: string) => string {
    const at = (text: string) => Math.floor(random() * text.length)
    const kinds: ((body: string) => string)[] = [
      (body) => body.slice(0, at(body)),
      (body) => body.slice(0, at(body)) + body.slice(at(body)),
      (body) => body.replace(/<name>[^<]*<\/name>/, '<name></name>'),
      (body) => body.replaceAll(/<val [^>]*>[^<]*<\/val>/g, '<val/>'),
      (body) => body.replaceAll('propSet', 'propset'),
      (body) => body.replaceAll(/>\d+</g, '>-1<'),
      (body) => body.replaceAll(/>[^<>]{4,}</g, (text) => `>${text.slice(1, -1).split('').toReversed().join('')}<`),
      () => '',
      () => '<html><body>Please log in</body></html>',
      (body) => `${'<a>'.repeat(5_000)}${body}`,
      (body) => body.replaceAll(/<objects>.*<\/objects>/gs, ''),
    ]
    return (body) => (kinds[Math.floor(random() * kinds.length)] ?? String)(body)
  }

  /** What a false answer would be taken for: a good verdict over other sources than the true ones, or a fault of ours. */
  async function falseSuccess(seed: number): Promise<string | undefined> {
    const random = randomOf(seed)
    const bed = await open()
    const guest = await bed.guest()
    const { jobRef } = await bed.provider.start(guest, options(), TOKEN)
    await bed.ended(jobRef)
    const gather = () => bed.provider.gather(jobRef, guest, 'local')
    const sourcesIn = ({ evidence }: Awaited<ReturnType<typeof gather>>) =>
      JSON.stringify(
        evidence.sources?.map(({ artifact }) => [artifact.fileName, artifact.sizeBytes, artifact.location]),
      )
    const truth = sourcesIn(await gather())
    const which = calls[Math.floor(random() * calls.length)] ?? 'RetrievePropertiesEx'
    bed.lab.control.mangleAnswer(which, mangle(random), 1 + Math.floor(random() * 6))
    try {
      const found = await gather()
      const good = judge(found.evidence, bed.provider.judgeJob).good
      return good && sourcesIn(found) !== truth ? `seed ${seed}, ${which}: ${sourcesIn(found)}` : undefined
    } catch (error) {
      return error instanceof GuestliftError ? undefined : `seed ${seed}, ${which}: ${String(error)}`
    } finally {
      await Promise.all(beds.splice(0).map((one) => one.close()))
    }
  }

  it('end in one of our facts or in the truth, and never in a false success', async () => {
    const found: (string | undefined)[] = []
    for (let seed = 1; seed <= 60; seed += 1) found.push(await falseSuccess(seed))
    expect(found.filter((one) => one !== undefined)).toEqual([])
  })
})
