import { valuesIn } from '../identity/embedded-identity.ts'

/** Made once, with the guest or its system: they stay while its hardware is changed. */
const LASTING_KEYS = ['arch', 'ostype']

/**
 * What a configuration offers to tell guests apart where it holds no identity: hardware addresses, time of creation, kind
 * of system. Less than an identity: equal marks alone say nothing, other marks say that it is another guest.
 */
export function marksIn(configurationText: string): string {
  const values = valuesIn(configurationText)
  const addresses = Object.entries(values)
    .filter(([key]) => /^net\d+$/.test(key))
    .flatMap(([, value]) => /[\da-f]{2}(?::[\da-f]{2}){5}/i.exec(value)?.[0].toLowerCase() ?? [])
  const created = /(?:^|,)ctime=(\d+)/.exec(values['meta'] ?? '')?.[1]
  return [
    ...LASTING_KEYS.flatMap((key) => (values[key] === undefined ? [] : [`${key}=${values[key]}`])),
    ...(created === undefined ? [] : [`created=${created}`]),
    ...addresses.toSorted(),
  ].join(' ')
}
