/** What went wrong on the node, as the facts that the workflow knows, with what to do about each. */
import {
  type GuestliftError,
  InternalFault,
  ShortRead,
  SourceUnreadable,
  StoreUnavailable,
} from '../../contracts/errors.ts'
import { missingAdvice } from '../missing-source.ts'
import type { AgentFailure, FailureKind } from './push-answers.ts'

export interface NodeContext {
  /** As in "the SSH server 10.0.0.1:22 of site hq". */
  where: string
  username: string
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

/** Faults of the way from the node to the store that may pass, with what to look at when they don't. */
const wayAdvice = {
  dns: "the node can't look up the store's name. Check DNS on the node (/etc/resolv.conf)",
  connect:
    "the node can't connect to the store. Check that its firewall and the network let it out to port 443; a proxy isn't used",
  stall: "the node's connection to the store stood still. Check the site's line and its firewall",
  cut: "the node's connection to the store was cut",
  garbled: "what answered the node isn't the store. Check for a proxy or a captive portal between node and store",
} as const satisfies Readonly<Partial<Record<FailureKind, string>>>

/** May the same request succeed when it is made again soon? */
export function isPassingOnNode(failure: AgentFailure): boolean {
  return Object.hasOwn(wayAdvice, failure.fail)
}

/** The fact behind the agent's refusal of one request about `path`. */
export function failureFact(
  failure: AgentFailure,
  path: string,
  { where, username }: NodeContext,
  whenMissing = missingAdvice,
): GuestliftError {
  const said = quoted(failure.text)
  switch (failure.fail) {
    case 'short':
      return new ShortRead(`${path} on ${where} ended before its size was reached`)
    case 'missing':
      return new SourceUnreadable(
        `${path} doesn't exist on ${where}, as user ${username} sees it (${said}). ${whenMissing}`,
      )
    case 'denied':
      return new SourceUnreadable(
        `user ${username} may not read ${path} on ${where} (${said}). Give the account read access to the file and to every folder above it (group, ACL)`,
      )
    case 'irregular':
      return new SourceUnreadable(`${path} on ${where} is not a regular file`)
    case 'disk':
      return new SourceUnreadable(`${where} failed to read ${path}: ${said}. Check the storage on the node`)
    case 'tls':
      return new SourceUnreadable(
        `the node behind ${where} doesn't trust the store's certificate (${said}). Check the node's clock and its package ` +
          'ca-certificates; behind a proxy that opens TLS, add its authority there (update-ca-certificates)',
      )
    case 'no-tls':
      return new SourceUnreadable(
        `Perl on the node behind ${where} can't speak TLS (${said}). Install libio-socket-ssl-perl there, which Proxmox depends on`,
      )
    case 'bug':
      return new InternalFault(`the agent on the node behind ${where} failed: ${said}`)
    case 'dns':
    case 'connect':
    case 'stall':
    case 'cut':
    case 'garbled':
      return new StoreUnavailable(`${where}: ${wayAdvice[failure.fail]} (${said})`)
  }
}

/** Why a node that let us in ran no agent, from what its command said before it ended. */
export function startFact(
  { where, username }: NodeContext,
  said: { text: string; exitCode: number | undefined },
): GuestliftError {
  const words = quoted(said.text)
  const ended = said.exitCode === undefined ? '' : ` (exit code ${said.exitCode})`
  const module = /Can't locate (\S+?)\.pm/.exec(said.text)?.[1]?.replaceAll('/', '::')
  if (module !== undefined) {
    return new SourceUnreadable(
      `Perl on ${where} lacks the module ${quoted(module)}. Install Debian's package perl there (perl-base is not enough)`,
    )
  }
  if (said.exitCode === 127 || /perl: .*not found|perl: No such file/i.test(said.text)) {
    return new SourceUnreadable(
      `user ${username} finds no perl on ${where}: ${words}. Proxmox has it as /usr/bin/perl; check the account's PATH and whether it is confined to a folder`,
    )
  }
  return new SourceUnreadable(
    `user ${username} may not run commands on ${where}${ended}${words === '' ? '' : `, which said: ${words}`}. The push route needs ` +
      'an account with a shell: no ForceCommand (internal-sftp), no command= in authorized_keys, no nologin. Or use the route sftp',
  )
}
