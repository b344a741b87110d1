import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { longName, shortName } from '../../../functions/catalogue-page/file-names.ts'
import { pageRestore, RESTORE_SCRIPT } from '../../../functions/catalogue-page/restore.ts'
import { PAGE_SCRIPT } from '../../../functions/catalogue-page/script.ts'
import { restoreLines } from '../../../functions/domain/catalogue/restore-commands.ts'

/** As the browser has them. */
const inBrowser = runInNewContext(`${RESTORE_SCRIPT}; ({ longName, restoreLines })`) as {
  longName(form: string, ahead: number, keyedAt: number): string
  restoreLines(about: object, guest: object, folder: string, fileName: string): string[]
}

const ending = fc.constantFrom(
  '.vma',
  '.vma.zst',
  '.vma.gz',
  '.tar.lzo',
  '.tgz',
  '.tar',
  '.raw.zst',
  '.img',
  '.vmdk',
  '-flat.vmdk',
  '.zip',
  '',
)
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })

describe('the commands on the page of the catalogue', () => {
  it('are those that guestlift show prints, whatever bucket, guest and file are called', () => {
    expect(PAGE_SCRIPT).toContain(RESTORE_SCRIPT)
    const kinds = fc.constantFrom('vm', 'container')
    const endpoint = fc.option(fc.constantFrom('http://127.0.0.1:9000', "https://s3/it's"), { nil: undefined })
    fc.assert(
      fc.property(kinds, text, text, ending, endpoint, (kind, bucket, id, end, s3Url) => {
        const [folder, fileName] = [`vault/archives/hq/${kind}-${id}/2026-11-22T02-00-07Z/`, `disk {id} ${id}${end}`]
        const about = JSON.parse(JSON.stringify({ bucket, restore: pageRestore(s3Url) })) as object
        const onThePage = inBrowser.restoreLines(about, { kind, id }, folder, fileName)
        expect([...onThePage]).toEqual(restoreLines(kind, { bucket, folder, fileName, guestId: id, s3Url }))
      }),
    )
  })

  it('give files of VMware to qemu-img, and never to tools of Proxmox VE', () => {
    const lines = (fileName: string) =>
      restoreLines('vm', {
        bucket: 'b',
        folder: 'archives/vc1/vm-1/2026-11-22T02-00-07Z/',
        fileName,
        guestId: '1',
      }).join('\n')
    expect(lines('web01.vmdk')).toContain('qemu-img convert -f vmdk')
    for (const name of ['web01.vmdk', 'web01-flat.vmdk', 'web01-000001-sesparse.vmdk', 'web01-000001-delta.vmdk']) {
      expect(lines(name)).not.toContain('qmrestore')
    }
  })

  it('name each file as it is called, from the form that the archives of a guest share', () => {
    const keyedAt = Date.UTC(2026, 10, 22, 2, 0, 7) / 1000
    const names = ['vzdump-qemu-100-2026_11_22-03_00_07.vma.zst', 'vzdump-qemu-100-2026_11_21-17_30_07.vma.zst']
    const [berlin, elsewhere] = names.map((name) => shortName(name, keyedAt))
    expect(berlin).toEqual({ form: 'vzdump-qemu-100-{}.vma.zst', ahead: 3600 })
    expect(elsewhere).toEqual({ form: 'vzdump-qemu-100-{}.vma.zst', ahead: -30_600 })
    expect(shortName('disk-0.raw.zst', keyedAt)).toEqual({ form: 'disk-0.raw.zst', ahead: 0 })
    const name = fc.oneof(
      text,
      fc.constantFrom(...names, 'a-2026_13_41-25_61_61.vma', '{}', '{}2026_11_22-03_00_07', '$&'),
    )
    fc.assert(
      fc.property(name, name, (one, other) => {
        const short = shortName(`${one}${other}`, keyedAt)
        if (short === undefined) return
        expect(longName(short, keyedAt)).toBe(`${one}${other}`)
        expect(inBrowser.longName(short.form, short.ahead, keyedAt)).toBe(`${one}${other}`)
      }),
    )
  })
})
