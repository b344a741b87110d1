import { describe, expect, it } from 'vitest'
import { ByteCursor } from '../../../../functions/archive-formats/byte-cursor.ts'
import { Damage, Findings } from '../../../../functions/archive-formats/damage.ts'
import { readPaxRecords } from '../../../../functions/archive-formats/proxmox/pax.ts'
import { headerChecksumFits, readHeader, readNumber } from '../../../../functions/archive-formats/proxmox/tar-header.ts'
import { walkTar } from '../../../../functions/archive-formats/proxmox/tar.ts'
import { CONFIGURATION, END, header, member, record } from './tar-by-hand.ts'

const configuration = member('./etc/vzdump/pct.conf', CONFIGURATION)

async function walk(...parts: Buffer[]) {
  const findings = new Findings()
  const bytes = Buffer.concat(parts)
  async function* source() {
    // Pieces that end within blocks.
    for (let at = 0; at < bytes.length; at += 700) yield bytes.subarray(at, at + 700)
  }
  try {
    const report = await walkTar(new ByteCursor(source()), findings)
    return { report, found: findings.list.map(({ code, offset }) => `${code} ${offset ?? ''}`.trim()) }
  } catch (error) {
    if (!(error instanceof Damage)) throw error
    return { found: [`${error.finding.code} ${error.finding.offset}`], message: error.message }
  }
}

describe('a tar', () => {
  it('tells its members, their bytes and the container’s configuration', async () => {
    const { report, found } = await walk(configuration, member('./a', 'x'.repeat(513)), member('./b'), END)
    expect(found).toEqual([])
    expect(report).toEqual({
      members: 3,
      memberBytes: CONFIGURATION.length + 513,
      configuration: { name: 'pct.conf', text: CONFIGURATION },
    })
  })

  it('takes the first configuration, and only a file of exactly that name', async () => {
    const others = [
      member('./etc/vzdump/pct.conf.bak', 'no'),
      member('./etc/vzdump/pct.conf', '', { type: '5' }),
      configuration,
      member('./etc/vzdump/pct.conf', 'second'),
    ]
    expect((await walk(...others, END)).report?.configuration?.text).toBe(CONFIGURATION)
    expect((await walk(member('./a'), END)).found).toEqual(['configuration-missing'])
  })

  it('may have more zeroes after its end mark, by whole blocks', async () => {
    expect((await walk(configuration, END, Buffer.alloc(9 * 1024))).found).toEqual([])
    expect((await walk(configuration, END, Buffer.alloc(200 * 1024))).found).toEqual([])
    expect((await walk(configuration, END, Buffer.alloc(100))).found).toEqual(['tar-cut-short 2148'])
  })

  const whole = Buffer.concat([configuration, member('./a', 'x'.repeat(600)), END])
  it.each([
    ['at once', 0, 'tar-cut-short 0'],
    ['within a header', 100, 'tar-cut-short 100'],
    ['within the configuration', 520, 'tar-cut-short 520'],
    ['within the padding of the configuration', 600, 'tar-cut-short 600'],
    ['before a header', 1024, 'tar-cut-short 1024'],
    ['within a member', 1600, 'tar-cut-short 1600'],
    ['within the padding of a member', 2200, 'tar-cut-short 2200'],
    ['before its end mark', 2560, 'tar-cut-short 2560'],
    ['after half of its end mark', 3072, 'tar-end 2560'],
    ['within the second block of its end mark', 3500, 'tar-end 2560'],
  ])('that ends %s is cut short, and where', async (_, bytes, expected) => {
    expect((await walk(whole.subarray(0, bytes))).found).toEqual([expected])
  })

  it('that is cut short within a member names it, or its place where it holds what is read whole', async () => {
    const message = async (bytes: number) => (await walk(whole.subarray(0, bytes))).message
    expect(await message(520)).toContain('within the member at byte 0.')
    expect(await message(1600)).toContain('within "./a" (its header is at byte 1024).')
    expect(await message(2200)).toContain('within the member at byte 1024.')
  })

  it('that is cut short within a header says where it ends', async () => {
    expect((await walk(whole.subarray(0, 1124))).message).toBe('The tar ends at byte 1124 without its end mark.')
  })

  it('of which one block of the end mark is something else has no end', async () => {
    expect((await walk(configuration, Buffer.alloc(512), member('./a'))).found).toEqual(['tar-end 1024'])
  })

  it('is refused with something behind its end, however far', async () => {
    expect((await walk(configuration, END, Buffer.alloc(512, 1))).found).toEqual(['tar-trailing-data 2048'])
    const far = Buffer.concat([Buffer.alloc(65_536), Buffer.alloc(512, 1)])
    expect((await walk(configuration, END, far)).found).toEqual(['tar-trailing-data 67584'])
  })

  it('names padding that isn’t zero, and reads on', async () => {
    const bad = Buffer.concat([configuration, member('./a', 'x')])
    bad[1024 + 512 + 1] = 1
    bad[512 + CONFIGURATION.length] = 1
    expect((await walk(bad, member('./b'), END)).found).toEqual([
      `tar-padding ${512 + CONFIGURATION.length}`,
      'tar-padding 1537',
    ])
  })

  it('is refused for a header that doesn’t fit its checksum, at its place', async () => {
    const bad = member('./a')
    bad[0] = 'b'.charCodeAt(0)
    expect((await walk(configuration, bad, END)).found).toEqual(['tar-header-checksum 1024'])
  })

  it('is refused for a type that nobody knows, and for a size that is no number', async () => {
    expect((await walk(configuration, member('./a', '', { type: 'Z' }), END)).found).toEqual(['tar-type 1024'])
    expect((await walk(configuration, member('./a', '', { size: 'abc' }), END)).found).toEqual(['tar-header 1024'])
  })

  it('has no content behind a hard link, whatever its size says', async () => {
    const link = header('./hard', 0, { type: '1', size: 5000 })
    const { report, found } = await walk(configuration, link, member('./b'), END)
    expect(found).toEqual([])
    expect(report).toMatchObject({ members: 3, memberBytes: CONFIGURATION.length })
  })

  it('may carry a label, which is no member', async () => {
    expect((await walk(header('label', 0, { type: 'V' }), configuration, END)).report?.members).toBe(1)
  })

  describe('with extended headers', () => {
    const pax = (...records: string[]) => member('./PaxHeaders/a', records.join(''), { type: 'x' })

    it('reads the member’s name and size from them, and from no later member’s', async () => {
      const named = pax(record('path', './etc/vzdump/pct.conf'), record('size', String(CONFIGURATION.length)))
      const odd = Buffer.concat([header('./short', 0, { size: 0 }), configuration.subarray(512)])
      const { report, found } = await walk(named, odd, member('./b', 'yy'), END)
      expect(found).toEqual([])
      expect(report).toMatchObject({
        members: 2,
        memberBytes: CONFIGURATION.length + 2,
        configuration: { text: CONFIGURATION },
      })
    })

    it('reads the name of a sparse file from its own record', async () => {
      const sparse = pax(record('path', './GNUSparseFile.0/x'), record('GNU.sparse.name', './etc/vzdump/pct.conf'))
      expect((await walk(sparse, member('./x', CONFIGURATION), END)).report?.configuration?.text).toBe(CONFIGURATION)
    })

    it('reads GNU’s long names, passes over its long links, and takes nothing from global headers', async () => {
      const long = member('././@LongLink', './etc/vzdump/pct.conf\0', { type: 'L', gnu: true })
      const link = member('././@LongLink', `${'l'.repeat(200)}\0`, { type: 'K', gnu: true })
      const global = member('./GlobalHead', record('path', './elsewhere') + record('size', '7'), { type: 'g' })
      const { report, found } = await walk(global, link, long, member('./cut', CONFIGURATION), END)
      expect(found).toEqual([])
      expect(report).toMatchObject({ members: 1, configuration: { text: CONFIGURATION } })
    })

    it('reads a long name up to its first end', async () => {
      const long = member('././@LongLink', './etc/vzdump/pct.conf\0more\0', { type: 'L', gnu: true })
      expect((await walk(long, member('./cut', CONFIGURATION), END)).report?.configuration?.text).toBe(CONFIGURATION)
    })

    it.each([
      ['a long name without an end', member('././@LongLink', './name', { type: 'L' }), 'tar-long-name 1024'],
      ['a pax record that is none', pax('12 path'), 'tar-pax 1024'],
      ['a pax size that is no number', pax(record('size', '1e3')), 'tar-pax 1024'],
      ['a pax size of too many digits', pax(record('size', '1'.repeat(16))), 'tar-pax 1024'],
    ])('is refused for %s', async (_, bad, expected) => {
      expect((await walk(configuration, bad, member('./b'), END)).found).toEqual([expected])
    })

    it('is refused where no member follows them: one is lost. The first of them is named', async () => {
      const two = [pax(record('path', './a')), member('././@LongLink', './a\0', { type: 'L' })]
      expect((await walk(configuration, ...two, END)).found).toEqual(['tar-header 1024'])
    })

    it('is refused for one of more bytes than it may have, without reading them', async () => {
      const most = 8 * 1024 * 1024
      const huge = header('./x', 0, { type: 'x', size: most + 1 })
      expect((await walk(configuration, huge, END)).found).toEqual(['tar-header 1024'])
      const large = header('./x', 0, { type: 'x', size: most })
      expect((await walk(configuration, large, END)).found).toEqual(['tar-cut-short 2560'])
    })
  })

  it('reads over the further blocks of a sparse map, up to the one that says it is the last', async () => {
    const more = Buffer.alloc(512)
    more[504] = 1
    const sparse = header('./sparse', 0, { type: 'S', extended: true, gnu: true })
    const { report, found } = await walk(configuration, sparse, more, Buffer.alloc(512), member('./b'), END)
    expect(found).toEqual([])
    expect(report?.members).toBe(3)
    expect((await walk(configuration, sparse, more)).found).toEqual(['tar-cut-short 2048'])
  })
})

describe('a tar header', () => {
  it.each([
    ['011\0', 9],
    ['  011 \0', 9],
    ['', 0],
    ['\0\0\0', 0],
    ['0009', undefined],
    ['12 3', undefined],
    ['x', undefined],
  ])('has the number %j as %s', (text, value) => {
    expect(readNumber(Buffer.from(text, 'latin1'))).toBe(value)
  })

  it('has large numbers in base 256, up to what is counted exactly', () => {
    expect(readNumber(Buffer.from('800000000200000000000000', 'hex').subarray(0, 12))).toBeUndefined()
    expect(readNumber(Buffer.from('800000000000000200000000', 'hex'))).toBe(2 ** 33)
    expect(readNumber(Buffer.from('8000000000001fffffffffffff'.slice(0, 26), 'hex'))).toBe(Number.MAX_SAFE_INTEGER)
    expect(readNumber(Buffer.from('80000000000020000000000000', 'hex'))).toBeUndefined()
    expect(readNumber(Buffer.from('ff00', 'hex'))).toBeUndefined()
    expect(readNumber(Buffer.from('800100000000000000000001', 'hex'))).toBeUndefined()
  })

  it('has the beginning of its name apart only in the form of POSIX', () => {
    expect(readHeader(header('b', 0, { prefix: 'a' }))).toMatchObject({ name: 'a/b' })
    expect(readHeader(header('b', 0, { prefix: 'a', gnu: true }))).toMatchObject({ name: 'b' })
    const full = header('b', 0, { prefix: 'p'.repeat(155) }).fill('q', 500)
    expect(readHeader(full)).toMatchObject({ name: `${'p'.repeat(155)}/b` })
    const old = header('b', 0, { prefix: 'a' })
    old.fill(0, 257, 265)
    expect(readHeader(old)).toMatchObject({ name: 'b' })
    expect(readHeader(header('n'.repeat(100), 0))).toMatchObject({ name: 'n'.repeat(100) })
  })

  it('of type NUL is a file, and only a sparse one has a map that goes on', () => {
    expect(readHeader(header('a', 0, { type: '\0' }))).toMatchObject({ type: '0', extended: false })
    expect(readHeader(header('a', 0, { extended: true }))).toMatchObject({ extended: false })
    expect(readHeader(header('a', 0, { type: 'S', extended: true }))).toMatchObject({ extended: true })
    expect(readHeader(header('a', 0, { type: 'S' }))).toMatchObject({ extended: false })
    expect(readHeader(header('a', 0, { type: '1', size: 5000 }))).toMatchObject({ sizeBytes: 0 })
  })

  it.each([
    ['%6\0 ', true],
    ['%6 \0', true],
    ['%7\0', true],
    ['%6  ', false],
    [' %6\0', false],
    ['%6\0\0', false],
  ])('has its checksum in one of the two forms that writers use: %j is one: %s', (form, fits) => {
    const block = header('a', 5)
    const digits = block.toString('latin1', 148, 154)
    block.write(form.replace('%6', digits).replace('%7', `0${digits}`), 148, 'latin1')
    expect(headerChecksumFits(block)).toBe(fits)
  })
})

describe('pax records', () => {
  const read = (text: string) => {
    const records = readPaxRecords(Buffer.from(text))
    return 'fault' in records
      ? records.at
      : Object.fromEntries([...records].map(([key, value]) => [key, String(value)]))
  }

  it('are read by their lengths: values may hold anything', () => {
    expect(read(record('path', 'a=b\nc') + record('size', '7') + record('empty', ''))).toEqual({
      path: 'a=b\nc',
      size: '7',
      empty: '',
    })
    expect(read('')).toEqual({})
  })

  it.each([
    ['11path=abcd\n', 0],
    ['0 a=b\n', 0],
    ['06 a=b\n', 0],
    ['7 a=b\n', 0],
    ['6 a=bc', 0],
    ['6 abc\n', 0],
    ['6 abc\n=', 0],
    ['12', 0],
    ['6 a=b\n5 ab\nx=y', 6],
    ['6 a=b\n9', 6],
    ['9999999999 a=b\n', 0],
    ['1e1 a=bcd\n', 0],
  ])('that are none: %j, at byte %i', (text, at) => {
    expect(read(text)).toBe(at)
  })
})
