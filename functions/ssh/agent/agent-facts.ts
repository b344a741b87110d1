/** What went wrong on a node that runs an agent, as the facts that the workflow knows, with what to do about each. */
import { type GuestliftError, InternalFault, StoreUnavailable } from '../../contracts/errors.ts'
import type { AgentFailure, FailureKind } from './agent-answers.ts'

export interface NodeContext {
  /** As in "the SSH server 10.0.0.1:22 of site hq". */
  where: string
  username: string
  /** Who needs the agent, and a sentence on what could be used in its place: both end up in a message. */
  need: { who: string; instead: string }
  /** The fact for a node that can't do what is wanted of it. */
  unusable: (message: string, options?: ErrorOptions) => GuestliftError
}

const LONGEST_QUOTE = 300

/** What a node said, fit for a message: one line, printable, short. */
export function quoted(text: string): string {
  const line = text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[^\x20-\x7E]/g, '?')
    .trim()
  return line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE)}…` : line
}

/** Faults of the way between the node and the store that may pass, with what to look at when they don't. */
const wayAdvice = {
  dns: "the node can't look up the store's name. Check DNS on the node (/etc/resolv.conf)",
  connect:
    "the node can't connect to the store. Check that its firewall and the network let it out to port 443; a proxy isn't used",
  stall: "the node's connection to the store stood still. Check the site's line and its firewall",
  cut: "the node's connection to the store was cut",
  garbled: "what answered the node isn't the store. Check for a proxy or a captive portal between node and store",
} as const satisfies Readonly<Partial<Record<FailureKind, string>>>
type PassingKind = keyof typeof wayAdvice

function isPassingKind(kind: FailureKind): kind is PassingKind {
  return Object.hasOwn(wayAdvice, kind)
}

/** May the same request succeed when it is made again soon? */
export function isPassingOnNode(failure: AgentFailure): boolean {
  return isPassingKind(failure.fail)
}

/** The fact behind a refusal that isn't about a file: the way to the store, or the agent itself. */
export function wayFact(failure: AgentFailure, { where, unusable }: NodeContext): GuestliftError {
  const said = quoted(failure.text)
  if (isPassingKind(failure.fail)) return new StoreUnavailable(`${where}: ${wayAdvice[failure.fail]} (${said})`)
  if (failure.fail === 'tls') {
    return unusable(
      `the node behind ${where} doesn't trust the store's certificate (${said}). Check the node's clock and its package ` +
        'ca-certificates; behind a proxy that opens TLS, add its authority there (update-ca-certificates)',
    )
  }
  if (failure.fail === 'no-tls') {
    return unusable(
      `Perl on the node behind ${where} can't speak TLS (${said}). Install libio-socket-ssl-perl there, which Proxmox depends on`,
    )
  }
  return new InternalFault(`the agent on the node behind ${where} failed: ${said}`)
}

/** Why a node that let us in ran no agent, from what its command said before it ended. */
export function startFact(
  { where, username, need, unusable }: NodeContext,
  said: { text: string; exitCode: number | undefined },
): GuestliftError {
  const words = quoted(said.text)
  const ended = said.exitCode === undefined ? '' : ` (exit code ${said.exitCode})`
  const module = /Can't locate (\S+?)\.pm/.exec(said.text)?.[1]?.replaceAll('/', '::')
  if (module !== undefined) {
    return unusable(
      `Perl on ${where} lacks the module ${quoted(module)}. Install Debian's package perl there (perl-base is not enough)`,
    )
  }
  if (said.exitCode === 127 || /perl: .*not found|perl: No such file/i.test(said.text)) {
    return unusable(
      `user ${username} finds no perl on ${where}: ${words}. Proxmox has it as /usr/bin/perl; check the account's PATH and whether it is confined to a folder`,
    )
  }
  return unusable(
    `user ${username} may not run commands on ${where}${ended}${words === '' ? '' : `, which said: ${words}`}. ${need.who} needs ` +
      `an account with a shell: no ForceCommand (internal-sftp), no command= in authorized_keys, no nologin. ${need.instead}`,
  )
}
