import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cacheFolder, stateFolder } from '../../bin/own-folders.js'

describe('the folders of an installed Guestlift', () => {
  it("are the user's own", () => {
    expect(stateFolder({})).toBe(join(homedir(), '.local/state/guestlift'))
    expect(cacheFolder({})).toBe(join(homedir(), '.cache/guestlift'))
  })

  it('are where the desktop specification says', () => {
    const env = { XDG_STATE_HOME: '/state', XDG_CACHE_HOME: '/cache' }
    expect(stateFolder(env)).toBe('/state/guestlift')
    expect(cacheFolder(env)).toBe('/cache/guestlift')
  })

  it('are one folder where GUESTLIFT_HOME names it', () => {
    const env = { GUESTLIFT_HOME: '/var/lib/guestlift', XDG_STATE_HOME: '/state', XDG_CACHE_HOME: '/cache' }
    expect(stateFolder(env)).toBe('/var/lib/guestlift')
    expect(cacheFolder(env)).toBe('/var/lib/guestlift/cache')
  })
})
