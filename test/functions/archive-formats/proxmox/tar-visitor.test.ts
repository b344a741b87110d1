import { describe, expect, it } from 'vitest'
import { ByteCursor } from '../../../../functions/archive-formats/byte-cursor.ts'
import { Damage, Findings } from '../../../../functions/archive-formats/damage.ts'
import { walkTar } from '../../../../functions/archive-formats/proxmox/tar.ts'
import type { TarMember } from '../../../../functions/archive-formats/proxmox/tar-member.ts'
import { CONFIGURATION, END, header, member, record } from './tar-by-hand.ts'

const CONFIGURATION_NAME = './etc/vzdump/pct.conf'
const configuration = member(CONFIGURATION_NAME, CONFIGURATION)

interface Shown {
  member: TarMember
  pieces: Buffer[]
}

/** @param take how many bytes of each content the visitor wants at least; all, if left out */
async function visit(parts: readonly Buffer[], take = Number.POSITIVE_INFINITY) {
  const findings = new Findings()
  const shown: Shown[] = []
  async function* source() {
    yield* parts
  }
  const visitor = {
    visit: async (one: TarMember, content: AsyncIterable<Buffer>) => {
      const pieces: Buffer[] = []
      shown.push({ member: one, pieces })
      let taken = 0
      if (take === 0) return
      for await (const piece of content) {
        pieces.push(Buffer.from(piece))
        taken += piece.length
        if (taken >= take) return
      }
    },
  }
  const end = await walkTar(new ByteCursor(source()), findings, undefined, visitor).catch((error: unknown) => error)
  if (!(end instanceof Damage) && end instanceof Error) throw end
  const damage = end instanceof Damage ? `${end.finding.code} ${end.finding.offset}` : undefined
  return { shown, damage, found: findings.list.map(({ code }) => code) }
}

const contentOf = ({ pieces }: Shown) => Buffer.concat(pieces).toString()
const contents = (shown: readonly Shown[]) => shown.map((one) => [one.member.name, contentOf(one)])
const bytesOf = (length: number, from: number): Buffer => {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at += 1) bytes[at] = (at * 7 + from) % 251
  return bytes
}

describe('a visitor of a tar', () => {
  it('is shown each member with its content, the configuration too', async () => {
    const parts = [member('./first', 'f'), configuration, member('./none'), member('./last', 'x'.repeat(513)), END]
    const { shown, found } = await visit(parts)
    expect(found).toEqual([])
    expect(contents(shown)).toEqual([
      ['./first', 'f'],
      [CONFIGURATION_NAME, CONFIGURATION],
      ['./none', ''],
      ['./last', 'x'.repeat(513)],
    ])
    expect(shown.map((one) => one.member)).toMatchObject([
      { type: '0', mode: 0o644, storedBytes: 1, sizeBytes: 1, linkName: '' },
      { storedBytes: CONFIGURATION.length },
      { storedBytes: 0 },
      { storedBytes: 513 },
    ])
  })

  it.each(['', 'x'])('is shown a configuration of the text %j as any other content', async (text) => {
    const { shown } = await visit([member(CONFIGURATION_NAME, text), member('./b', text), END])
    const [config, other] = shown.map(({ pieces }) => pieces.map(String))
    expect(config).toEqual(text === '' ? [] : [text])
    expect(config).toEqual(other)
  })

  it('is shown a second configuration, and one that is a folder, as members among others', async () => {
    const parts = [member(CONFIGURATION_NAME, '', { type: '5' }), configuration, member(CONFIGURATION_NAME, 'second')]
    const { shown } = await visit([...parts, END])
    expect(shown.map((one) => [one.member.type, contentOf(one)])).toEqual([
      ['5', ''],
      ['0', CONFIGURATION],
      ['0', 'second'],
    ])
  })

  it('is never shown more than 256 KiB at once, however long the content is', async () => {
    const long = bytesOf(600 * 1024 + 1, 3)
    const { shown } = await visit([configuration, member('./long', long), member('./b', 'after'), END])
    const [, { pieces } = { pieces: [] }, after] = shown
    expect(Buffer.concat(pieces).equals(long)).toBe(true)
    expect(Math.max(...pieces.map(({ length }) => length))).toBe(256 * 1024)
    expect(after && contentOf(after)).toBe('after')
  })

  it.each([0, 1, 256 * 1024, 300 * 1024])(
    'that takes %i bytes of a content and leaves the rest is shown the next member whole',
    async (take) => {
      const { shown, found, damage } = await visit(
        [configuration, member('./long', bytesOf(600 * 1024 + 1, 5)), member('./b', 'after'), END],
        take,
      )
      expect({ found, damage }).toEqual({ found: [], damage: undefined })
      expect(shown.map((one) => one.member.name)).toEqual([CONFIGURATION_NAME, './long', './b'])
      expect(shown.at(-1)).toMatchObject({ pieces: take === 0 ? [] : [Buffer.from('after')] })
    },
  )

  it('is shown what there is of a content that is cut short, which then is damage', async () => {
    const { shown, damage } = await visit([configuration, member('./a', 'x'.repeat(900)).subarray(0, 512 + 300)])
    expect(damage).toBe(`tar-cut-short ${1024 + 512 + 300}`)
    expect(shown.map(contentOf)).toEqual([CONFIGURATION, 'x'.repeat(300)])
  })

  it('is shown no label, and no header that only speaks of another member', async () => {
    const label = header('label', 0, { type: 'V' })
    const global = member('./GlobalHead', record('comment', 'none'), { type: 'g' })
    const { shown } = await visit([label, global, configuration, END])
    expect(contents(shown)).toEqual([[CONFIGURATION_NAME, CONFIGURATION]])
  })
})

describe('a member of a tar', () => {
  const pax = (...records: string[]) => member('./PaxHeaders/a', records.join(''), { type: 'x' })
  const longName = (name: string) => member('././@LongLink', name, { type: 'L', gnu: true })
  const longLink = (name: string) => member('././@LongLink', name, { type: 'K', gnu: true })

  async function only(...parts: Buffer[]): Promise<TarMember | undefined> {
    const { shown, damage } = await visit([configuration, ...parts, END])
    expect(damage).toBeUndefined()
    expect(shown).toHaveLength(2)
    return shown[1]?.member
  }

  it('of the type of a link leads where its header says', async () => {
    expect(await only(header('./s', 0, { type: '2', link: 'there' }))).toMatchObject({ type: '2', linkName: 'there' })
    const full = 't'.repeat(100)
    expect(await only(header('./s', 0, { type: '2', link: full }))).toMatchObject({ linkName: full })
  })

  it('leads where GNU’s long link says, up to its first end', async () => {
    const target = `./${'ü'.repeat(90)}`
    const link = header('./s', 0, { type: '2', link: 'cut', gnu: true })
    expect(await only(longLink(`${target}\0`), link)).toMatchObject({ name: './s', linkName: target })
    expect(await only(longLink(`${target}\0more\0`), link)).toMatchObject({ linkName: target })
    expect(await only(longLink('\0'), link)).toMatchObject({ linkName: '' })
  })

  it('has both a long name and a long link, in whichever order they come', async () => {
    const link = header('./cut', 0, { type: '2', link: 'cut', gnu: true })
    const both = { name: './long', linkName: 'longer' }
    expect(await only(longLink('longer\0'), longName('./long\0'), link)).toMatchObject(both)
    expect(await only(longName('./long\0'), longLink('longer\0'), link)).toMatchObject(both)
  })

  it.each(['K', 'L'])('is not shown where its long name of type %s has no end', async (type) => {
    const bad = member('././@LongLink', 'l'.repeat(120), { type, gnu: true })
    const { shown, damage } = await visit([configuration, bad, header('./s', 0, { type: '2' }), END])
    expect(damage).toBe('tar-long-name 1024')
    expect(shown).toHaveLength(1)
  })

  it('has what its pax records say, and nothing that was said of an earlier one', async () => {
    const records = pax(
      record('path', './ä'),
      record('linkpath', './ö'),
      record('uid', '70000'),
      record('mtime', '1.5'),
    )
    const { shown } = await visit([
      configuration,
      records,
      header('./a', 0, { type: '2', link: 'cut' }),
      header('./s', 0, { type: '2', link: 'own' }),
      END,
    ])
    expect(shown.slice(1).map((one) => one.member)).toMatchObject([
      { name: './ä', linkName: './ö', ownerId: 70_000, modifiedAt: 1.5 },
      { name: './s', linkName: 'own', ownerId: 0, modifiedAt: 0 },
    ])
  })

  it('keeps the target in its header where pax records speak of other things', async () => {
    expect(await only(pax(record('uid', '7')), header('./s', 0, { type: '2', link: 'own' }))).toMatchObject({
      name: './s',
      linkName: 'own',
      ownerId: 7,
    })
  })

  it('that is a hard link has content where a pax record says so, as GNU tar reads it', async () => {
    const link = header('./hard', 0, { type: '1', link: './a' })
    const content = Buffer.concat([Buffer.from('z'.repeat(600)), Buffer.alloc(424)])
    const { shown, found } = await visit([configuration, pax(record('size', '600')), link, content, member('./b'), END])
    expect(found).toEqual([])
    expect(contents(shown).slice(1)).toEqual([
      ['./hard', 'z'.repeat(600)],
      ['./b', ''],
    ])
  })

  it('has all its headers as they are, the extended ones and the map of its holes included', async () => {
    const map = (more: number) => {
      const block = Buffer.alloc(512, more)
      block[504] = more
      return block
    }
    const sparse = header('./cut', 3, { type: 'S', gnu: true, extended: true })
    const head = [pax(record('uid', '7')), longName('./sparse\0'), sparse, map(1), map(2), map(0)]
    const parts = [configuration, ...head, Buffer.from('abc'), Buffer.alloc(509), member('./b'), END]
    const { shown, found } = await visit(parts)
    expect(found).toEqual([])
    expect(shown.map((one) => Buffer.concat(one.member.head).equals(Buffer.concat(head)))).toEqual([false, true, false])
    expect(shown.map((one) => Buffer.concat(one.member.head).length)).toEqual([512, Buffer.concat(head).length, 512])
    expect(shown[1] && contentOf(shown[1])).toBe('abc')
  })

  it('may have a map of holes of 8 MiB, and none that is longer', async () => {
    const blocks = (8 * 1024 * 1024) / 512
    const sparse = header('./sparse', 0, { type: 'S', gnu: true, extended: true })
    const unended = (count: number) => Buffer.alloc(count * 512, 1)
    const last = Buffer.alloc(512)
    const within = await visit([configuration, sparse, unended(blocks), last, member('./b'), END])
    expect(within.damage).toBeUndefined()
    expect(within.shown).toHaveLength(3)
    const beyond = await visit([configuration, sparse, unended(blocks + 1), last, member('./b'), END])
    expect(beyond.damage).toBe(`tar-header ${1024 + 512 + blocks * 512}`)
    const cut = await visit([configuration, sparse, unended(2), last.subarray(0, 500)])
    expect(cut.damage).toBe(`tar-cut-short ${1024 + 512 + 2 * 512}`)
  })
})
