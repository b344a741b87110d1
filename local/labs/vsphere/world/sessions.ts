/** Users and their sessions. */
import { invalidLogin, VimFault } from '../wire/faults.ts'
import type { Session, User, World } from './world.ts'

const LOCK_AFTER = 5
const LOCK_WITHIN_MS = 3 * 60_000

function fresh(world: World, session: Session): boolean {
  return world.now().getTime() - session.lastActiveAt.getTime() < world.settings.sessionMinutes * 60_000
}

/** Sessions that live; those that idled too long are gone. */
export function liveSessions(world: World): Session[] {
  for (const [secret, session] of world.sessions) if (!fresh(world, session)) world.sessions.delete(secret)
  return [...world.sessions.values()]
}

export const isFull = (world: World): boolean => liveSessions(world).length >= world.settings.mostSessions

/** The session of a cookie. Reading a file doesn't keep it alive: nobody knows whether it does on a vCenter. */
export function peekSession(world: World, secret: string | undefined): Session | undefined {
  if (secret === undefined) return undefined
  liveSessions(world)
  return world.sessions.get(secret)
}

/** The session of a cookie, which a call keeps alive. */
export function sessionOf(world: World, secret: string | undefined): Session | undefined {
  const session = peekSession(world, secret)
  if (session !== undefined) {
    session.lastActiveAt = world.now()
    session.calls += 1
  }
  return session
}

/**
 * Five wrong passwords within three minutes lock an account, also for the right one.
 * @throws VimFault InvalidLogin
 */
export function checkPassword(world: World, name: string, password: string): User {
  const user = world.users.get(name)
  if (user === undefined) throw invalidLogin()
  if (user.locked) throw invalidLogin()
  if (user.password === password) {
    user.wrongAt = []
    return user
  }
  const now = world.now()
  user.wrongAt = [...user.wrongAt, now].filter((at) => now.getTime() - at.getTime() < LOCK_WITHIN_MS)
  user.locked = user.wrongAt.length >= LOCK_AFTER
  throw invalidLogin()
}

export function openSession(world: World, user: User, userAgent: string): Session {
  if (isFull(world)) throw new VimFault('OutOfSessions', 'Out of HTTP sessions')
  const session: Session = {
    key: `52${world.uuid().slice(2)}`,
    secret: world.hex(40),
    user,
    loggedInAt: world.now(),
    lastActiveAt: world.now(),
    userAgent,
    calls: 1,
    views: new Map(),
    tokens: new Map(),
  }
  world.sessions.set(session.secret, session)
  return session
}
