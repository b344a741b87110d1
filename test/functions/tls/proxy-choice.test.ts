import { describe, expect, it } from 'vitest'
import { proxyFor, type ProxyVariables } from '../../../functions/tls/proxy-choice.ts'

const proxy = 'http://proxy.lan:3128'
const chosen = (url: string, variables: ProxyVariables) => {
  const { protocol, hostname, port } = new URL(url)
  const isSecure = protocol === 'https:'
  const destination = { protocol: isSecure ? ('https:' as const) : ('http:' as const), hostname }
  const number = port === '' ? (isSecure ? 443 : 80) : Number(port)
  return proxyFor({ ...destination, port: number }, variables)?.url.origin
}

describe('the proxy for a connection', () => {
  it('goes by the protocol; lower case goes first, and an empty variable is none', () => {
    expect(chosen('https://s3.amazonaws.com', { HTTPS_PROXY: proxy })).toBe(proxy)
    expect(chosen('http://s3.lan:9000', { HTTPS_PROXY: proxy })).toBeUndefined()
    expect(chosen('http://s3.lan:9000', { HTTP_PROXY: proxy })).toBe(proxy)
    expect(chosen('https://s3.lan', { HTTPS_PROXY: 'http://other:1', https_proxy: proxy })).toBe(proxy)
    expect(chosen('https://s3.lan', { HTTPS_PROXY: proxy, https_proxy: '' })).toBe(proxy)
    expect(chosen('https://s3.lan', { HTTPS_PROXY: '' })).toBeUndefined()
  })

  it.each([
    ['*', 'https://pve1.lan:8006'],
    ['pve1.lan', 'https://pve1.lan:8006'],
    ['lan', 'https://pve1.lan:8006'],
    ['.lan', 'https://pve1.lan:8006'],
    ['*.lan', 'https://pve1.lan:8006'],
    ['PVE1.LAN', 'https://pve1.lan:8006'],
    ['pve1.lan:8006', 'https://pve1.lan:8006'],
    ['pve1.lan', 'https://pve1.lan.:8006'],
    ['other.example, pve1.lan', 'https://pve1.lan:8006'],
    ['other.example  pve1.lan', 'https://pve1.lan:8006'],
    ['s3.lan:443', 'https://s3.lan'],
    ['10.0.0.5', 'https://10.0.0.5:8006'],
    ['::1', 'https://[::1]:8006'],
    ['[::1]', 'https://[::1]:8006'],
    ['[::1]:8006', 'https://[::1]:8006'],
    ['0:0:0:0:0:0:0:1', 'https://[::1]:8006'],
    ['fd00:0::5', 'https://[fd00::5]:8006'],
  ])('is none where NO_PROXY is %s and the destination %s', (exceptions, url) => {
    expect(chosen(url, { HTTPS_PROXY: proxy, NO_PROXY: exceptions })).toBeUndefined()
    expect(chosen(url, { HTTPS_PROXY: proxy, NO_PROXY: 'nothing', no_proxy: exceptions })).toBeUndefined()
  })

  it.each([
    ['pve1.lan:443', 'https://pve1.lan:8006'],
    ['ve1.lan', 'https://pve1.lan:8006'],
    ['pve1.lan.example', 'https://pve1.lan:8006'],
    ['10.0.0.5', 'https://10.0.0.50:8006'],
    ['[::1]:443', 'https://[::1]:8006'],
    ['::', 'https://[::1]:8006'],
    ['', 'https://pve1.lan'],
    [' , ', 'https://pve1.lan'],
  ])('stays where NO_PROXY is "%s" and the destination %s', (exceptions, url) => {
    expect(chosen(url, { HTTPS_PROXY: proxy, NO_PROXY: exceptions })).toBe(proxy)
  })

  it('is named without its login, and may be written without a protocol', () => {
    const found = proxyFor(
      { protocol: 'https:', hostname: 's3.lan', port: 443 },
      { HTTPS_PROXY: 'http://eve:secret@proxy.lan:3128' },
    )
    expect(found?.name).toBe('http://proxy.lan:3128 (HTTPS_PROXY)')
    expect(chosen('https://s3.lan', { HTTPS_PROXY: 'proxy.lan:3128' })).toBe(proxy)
  })

  it.each(['socks5://eve:secret@proxy.lan:1080', 'http://eve:secret@:x'])(
    'can be no %s, and the error keeps its login to itself',
    (value) => {
      const asked = () => chosen('https://s3.lan', { HTTPS_PROXY: value })
      expect(asked).toThrow(/HTTPS_PROXY is no address of a proxy/)
      expect(asked).not.toThrow(/secret/)
    },
  )
})
