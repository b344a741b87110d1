/** Which proxy a connection goes through, by the variables that curl, Git and most tools read. Pure: they are an argument. */

/** Variables of the environment, by name. */
export type ProxyVariables = Readonly<Record<string, string | undefined>>

export interface Destination {
  protocol: 'http:' | 'https:'
  /** Name or address; IPv6 with or without brackets. */
  hostname: string
  port: number
}

export interface Proxy {
  /** May hold a user and a password: never to be printed. */
  url: URL
  /** For messages: where it is and which variable says so. */
  name: string
}

/**
 * The proxy for a destination: `HTTPS_PROXY` or `HTTP_PROXY` unless `NO_PROXY` names the destination; each in lower case
 * goes first, as with curl. `undefined`: the connection is direct.
 * @throws Error when the variable holds no address of a proxy
 */
export function proxyFor({ protocol, hostname, port }: Destination, variables: ProxyVariables): Proxy | undefined {
  const names = protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY']
  const variable = names.find((name) => (variables[name] ?? '') !== '')
  if (variable === undefined) return undefined
  const exceptions = [variables['no_proxy'], variables['NO_PROXY']].find((text) => (text ?? '') !== '') ?? ''
  if (isExcepted(exceptions, plainHost(hostname), port)) return undefined
  const url = proxyUrl(variables[variable] ?? '', variable)
  return { url, name: `${url.protocol}//${url.host} (${variable})` }
}

function proxyUrl(text: string, variable: string): URL {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url
  // The value may hold a password.
  throw new Error(
    `${variable} is no address of a proxy that Guestlift can use. Give it as http://proxy.example.com:3128.`,
  )
}

/**
 * `*`, a host (its subdomains with it), `.example.com` or `*.example.com`, an address, each also with a port; separated by
 * commas or blanks. Ranges of addresses are not understood.
 */
function isExcepted(exceptions: string, host: string, port: number): boolean {
  return exceptions.split(/[\s,]+/).some((entry) => {
    if (entry === '*') return true
    const [, bracketed, ported, portText, bare] = ENTRY.exec(entry) ?? []
    const name = plainHost((bracketed ?? ported ?? bare ?? '').replace(/^\*?\./, ''))
    if (name === '' || (portText !== undefined && Number(portText) !== port)) return false
    return host === name || host.endsWith(`.${name}`)
  })
}

/** `[::1]` or `[::1]:443`; `host` or `host:443`; `::1`. */
const ENTRY = /^(?:(?:(\[[^\]]*\])|([^:]+))(?::(\d{1,5}))?|(.+))$/

/** In lower case, without brackets and a last dot; an IPv6 address in its shortest form. */
function plainHost(host: string): string {
  const bare = host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
  if (!bare.includes(':')) return bare
  return URL.canParse(`http://[${bare}]/`) ? new URL(`http://[${bare}]/`).hostname.slice(1, -1) : bare
}
