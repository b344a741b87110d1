/** Where an archive is on a site's file server: the route's URL template, filled in. */
import { InvalidSite, SourceUnreadable } from '../../contracts/errors.ts'
import type { SiteFileLocation } from '../../contracts/nouns.ts'

/** Placeholders by what may stand for them: one name, or a path of several. */
const values = {
  node: ({ node }) => [node],
  storage: ({ storage }) => [storage],
  volume: ({ volume }) => volume.split('/'),
  file: ({ path }) => path.split('/').slice(-1),
  path: ({ path }) => path.replace(/^\//, '').split('/'),
} satisfies Record<string, (location: SiteFileLocation) => string[]>

const isPlaceholder = (name: string): name is keyof typeof values => Object.hasOwn(values, name)

/** What a host name may be made of: no port, no path, no credentials can be smuggled in. */
const HOST_PART = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/

/**
 * Fill in the template. Every name is percent-encoded, so that what a file is called can't change which server, path or
 * query is asked for.
 * @throws InvalidSite when the template can't be used at all
 * @throws SourceUnreadable when a name of this archive can't stand in a URL
 */
export function archiveUrl(site: string, template: string, location: SiteFileLocation): URL {
  const hostEnd = endOfHost(template)
  // URL takes more slashes for two, and the first name of a path for the host.
  if (hostEnd <= 'https://'.length) throw badTemplate(site, 'it names no host')
  const filled = template.replaceAll(/\{([^}]*)\}/g, (placeholder, name: string, at: number) => {
    if (!isPlaceholder(name)) throw badTemplate(site, `${placeholder} is none of its placeholders`)
    const segments = values[name](location)
    if (at < hostEnd) return hostPart(site, placeholder, segments)
    const inFront = template[at - 1]
    const separator = name === 'path' && inFront !== '/' && inFront !== '=' ? '/' : ''
    return separator + segments.map((segment) => encodeSegment(site, placeholder, segment, location)).join('/')
  })
  if (!URL.canParse(filled)) throw badTemplate(site, 'filled in, it is no URL')
  const url = new URL(filled)
  if (url.protocol !== 'https:') throw badTemplate(site, 'it has to start with https://')
  if (url.username !== '' || url.password !== '') {
    throw badTemplate(site, 'it holds a user name or password; those belong in route.auth')
  }
  if (url.hash !== '') throw badTemplate(site, 'it holds a #, and what follows it is never sent; write %23')
  return url
}

/**
 * A URL as `archiveUrl` makes it, of a file that isn't there: for asking whether a server would let us in, when no
 * archive is known yet. In the folder where archives will be, as far as that is known.
 */
export function probeUrl(
  site: string,
  template: string,
  node: string,
  { storage, folder = '' }: { storage?: string | undefined; folder?: string | undefined } = {},
): URL {
  const name = 'guestlift-route-check'
  return archiveUrl(site, template, { node, path: `${folder}/${name}`, storage: storage ?? name, volume: name })
}

function endOfHost(template: string): number {
  const from = 'https://'.length
  const at = template.slice(from).search(/[/?#\\]|\{path\}/)
  return at < 0 ? template.length : from + at
}

function hostPart(site: string, placeholder: string, segments: readonly string[]): string {
  const [segment = ''] = segments
  if (segments.length === 1 && HOST_PART.test(segment)) return segment
  throw badTemplate(site, `${placeholder} stands in the host's name, and "${segments.join('/')}" can't be part of one`)
}

function encodeSegment(site: string, placeholder: string, segment: string, location: SiteFileLocation): string {
  const unusable = segment === '' || segment === '.' || segment === '..' || segment.includes('\0')
  if (unusable || segment.includes('/') || !segment.isWellFormed()) {
    throw new SourceUnreadable(
      `${location.path} of node ${location.node} (site ${site}) can't be read over https. ` +
        `${placeholder} of the route's URL would hold the name ${JSON.stringify(segment)}, which can't stand in a URL`,
    )
  }
  return encodeURIComponent(segment)
}

function badTemplate(site: string, complaint: string): InvalidSite {
  // The template itself isn't shown: it may hold a secret in its query, or a password.
  return new InvalidSite(`The route.url of site ${site} can't be used: ${complaint}.`)
}
