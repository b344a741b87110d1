import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SourceUnreadable } from '../../../../functions/contracts/errors.ts'
import { shownUrl } from '../../../../functions/http-file/answers.ts'
import { archiveUrl, probeUrl } from '../../../../functions/readers/https/https-url.ts'

const location = {
  node: 'pve1',
  path: '/var/lib/vz/dump/vzdump-qemu-100.vma.zst',
  storage: 'local',
  volume: 'backup/vzdump-qemu-100.vma.zst',
}
const filled = (template: string, changes: Partial<typeof location> = {}): string =>
  archiveUrl('hq', template, { ...location, ...changes }).href

/** `undefined` for names that can't stand in a URL; other refusals are thrown. */
function attempt(make: () => URL): URL | undefined {
  try {
    return make()
  } catch (error) {
    if (error instanceof SourceUnreadable) return undefined
    throw error
  }
}

describe('the URL of an archive', () => {
  it.each([
    ['https://{node}.example.com/{storage}/dump/{file}', 'https://pve1.example.com/local/dump/vzdump-qemu-100.vma.zst'],
    ['https://nas:8443/{storage}/{volume}', 'https://nas:8443/local/backup/vzdump-qemu-100.vma.zst'],
    ['https://nas{path}', 'https://nas/var/lib/vz/dump/vzdump-qemu-100.vma.zst'],
    ['https://nas/{node}/{path}', 'https://nas/pve1/var/lib/vz/dump/vzdump-qemu-100.vma.zst'],
    ['https://nas/{node}{path}', 'https://nas/pve1/var/lib/vz/dump/vzdump-qemu-100.vma.zst'],
    ['https://nas/get?file={file}&of={storage}', 'https://nas/get?file=vzdump-qemu-100.vma.zst&of=local'],
    ['https://[::1]:8443/{file}', 'https://[::1]:8443/vzdump-qemu-100.vma.zst'],
  ])('%s becomes %s', (template, url) => {
    expect(filled(template)).toBe(url)
  })

  it('encodes what has a meaning in URLs', () => {
    expect(filled('https://nas/{storage}/{file}', { storage: 'a b?c#d%2e&é', path: '/x/%2e%2e' })).toBe(
      'https://nas/a%20b%3Fc%23d%252e%26%C3%A9/%252e%252e',
    )
  })

  it.each([
    { path: '/dump/..' },
    { path: '/dump/' },
    { storage: '..' },
    { storage: '.' },
    { storage: 'a/../b' },
    { storage: '' },
    { path: '/dump/\0' },
    { path: '/dump/\ud800' },
  ])('is refused for %j', (changes) => {
    expect(() => filled('https://nas/{storage}/{file}', changes)).toThrow(
      expect.objectContaining({ name: 'SourceUnreadable', message: expect.stringContaining('site hq') }),
    )
  })

  it.each(['../../etc/passwd', 'backup/../../x', 'backup//x', './x'])('is refused for the volume %s', (volume) => {
    expect(() => filled('https://nas/{volume}', { volume })).toThrow(
      expect.objectContaining({ name: 'SourceUnreadable' }),
    )
  })

  it('never leaves the folder and the host of the template, whatever things are called', () => {
    const anything = fc.string({ unit: 'binary', maxLength: 20 })
    const tricky = fc.constantFrom('..', '/', '\\', '%2e%2e', '@', ':', '?', '#', '//', 'evil.example', '\r\n', '.')
    const name = fc.array(fc.oneof(anything, tricky), { maxLength: 5 }).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(name, name, name, (storage, volume, path) => {
        const url = attempt(() =>
          archiveUrl('hq', 'https://nas.example.com/root/{storage}/{volume}/{path}', {
            node: 'n',
            storage,
            volume,
            path,
          }),
        )
        if (url === undefined) return
        expect(url.origin).toBe('https://nas.example.com')
        expect(url.search + url.hash + url.username).toBe('')
        expect(url.pathname).toMatch(/^\/root\/[\x21-\x7e]+$/)
        expect(url.pathname.split('/').map(decodeURIComponent).slice(2)).toEqual([
          storage,
          ...volume.split('/'),
          ...path.replace(/^\//, '').split('/'),
        ])
      }),
      { numRuns: 500 },
    )
  })

  it.each(['evil.example/', 'a@b', 'a:1', 'a b', '-a', '', 'a#', 'ä'])(
    'lets no node called %j into the host',
    (node) => {
      expect(() => filled('https://{node}.example.com/{file}', { node })).toThrow(
        expect.objectContaining({ name: 'InvalidSite' }),
      )
    },
  )

  it.each([
    ['https://user:hush@nas/{file}', 'route.auth'],
    ['https://nas/{file}#x', '#'],
    ['http://nas/{file}', 'https'],
    ['https://{volume}/', 'host'],
    ['https://{path}', 'no host'],
    ['https:///nas/{file}', 'no host'],
    ['https://nas:x/{file}', 'no URL'],
    ['https://nas/{unknown}/{file}', 'placeholders'],
  ])('%s is refused, and not shown', (template, reason) => {
    expect(() => filled(template)).toThrow(
      expect.objectContaining({ name: 'InvalidSite', message: expect.stringContaining(reason) }),
    )
    expect(() => filled(template)).not.toThrow(/hush/)
  })

  it('has a sibling for asking whether the server lets us in', () => {
    expect(probeUrl('hq', 'https://{node}.nas/{storage}{path}?v={volume}', 'pve1').href).toBe(
      'https://pve1.nas/guestlift-route-check/guestlift-route-check?v=guestlift-route-check',
    )
  })

  it('is shown without its query', () => {
    expect(shownUrl(new URL('https://nas:8443/a%20b?token=hush'))).toBe('https://nas:8443/a%20b?…')
  })
})
