/** What the server's refusals mean: facts of ours, with where and what to do (vSphere API reference, "Faults"). */
import {
  CredentialsRejected,
  GuestBusy,
  type GuestliftError,
  GuestNotFound,
  InvalidSite,
  NodeOffline,
  PlatformTaskFailed,
  PlatformUnavailable,
  PrivilegeMissing,
  RequestRejected,
  StorageUnusable,
  TlsIdentityMismatch,
} from '../contracts/errors.ts'
import { otherNames, showedInstead, type TlsFacts } from '../tls/connect.ts'
import { isGone, NotVim, NoVimAnswer, VimFault } from './vim-fault.ts'

type Fact = new (message: string, options?: ErrorOptions) => GuestliftError

/** By the fault's type; the first that fits. */
const meanings: readonly [types: RegExp, fact: Fact, advice: string][] = [
  [
    /^InvalidLogin$/,
    CredentialsRejected,
    "It is not tried again, for accounts lock after a few wrong passwords. Check the site's `auth`: a vCenter wants user@vsphere.local or DOMAIN\\user.",
  ],
  [
    /^(NotAuthenticated|NoPermission)$/,
    PrivilegeMissing,
    'Give the account\'s role that right: see "Rights" in docs/vsphere.md.',
  ],
  [
    /^(RestrictedVersion|LicenseExpired|NotSupported.*License)$/,
    PrivilegeMissing,
    "This host's licence doesn't allow changes by API: it takes a paid one, or a vCenter.",
  ],
  [
    /^(TaskInProgress|ConcurrentAccess|OperationDisallowedOnHost)$/,
    GuestBusy,
    'Something else works on the guest. Repeat it when that has ended.',
  ],
  [
    /^(HostNotConnected|HostCommunication|HostNotReachable|HostConnectFault)$/,
    NodeOffline,
    "The guest's host doesn't answer the vCenter.",
  ],
  [/^(NoDiskSpace|InsufficientStorageSpace|OutOfBounds.*Space)$/, StorageUnusable, 'Make room on the datastore.'],
  [/^(Timedout|RequestCanceled)$/, PlatformUnavailable, 'Later again.'],
  [
    /^(TooManySnapshotLevels|MultipleSnapshotsNotSupported|SnapshotDisabled|SnapshotIncompatibleDeviceInVm|SnapshotMoveToNonHomeNotSupported|SnapshotFault|.*QuiesceFault|FileFault|CannotAccessFile|GenericVmConfigFault)$/,
    PlatformTaskFailed,
    "The platform can't do that to this guest: its own message says why. Recent tasks in the vSphere client show more.",
  ],
]

/** @param where site and, where known, host and guest. @param action for people, as `CreateSnapshot_Task` */
export function vimFact(error: unknown, where: string, action: string): unknown {
  if (error instanceof NoVimAnswer) {
    return new PlatformUnavailable(
      `${where}: ${action} got no answer (${withoutFullStop(error.message)}). Later again.`,
      {
        cause: error,
      },
    )
  }
  if (error instanceof NotVim) return notVimFact(error, where, action)
  if (!(error instanceof VimFault)) return error
  if (isGone(error)) {
    return new GuestNotFound(
      `${where}: ${action} named something that is gone. The guest was removed, or registered anew.`,
      {
        cause: error,
      },
    )
  }
  const right = error.privilege
  const said =
    right === undefined ? error.said : `${error.type}: ${right.privilegeId} on ${right.object?.id ?? 'the object'}`
  const meaning = meanings.find(([types]) => types.test(error.type))
  if (meaning === undefined) {
    return new RequestRejected(`${where}: ${action} was refused (${said}). It is not tried again.`, { cause: error })
  }
  const [, Fact, advice] = meaning
  return new Fact(`${where}: ${action} was refused (${said}). ${advice}`, { cause: error })
}

function notVimFact(error: NotVim, where: string, action: string): GuestliftError {
  const { status, message } = error
  const options = { cause: error }
  if (status === 503 || status === 429) {
    return new PlatformUnavailable(
      `${where}: ${action} was answered with HTTP ${status}: the vCenter starts, or is out of sessions. Later again.`,
      options,
    )
  }
  return new PlatformUnavailable(
    `${where}: ${action} was answered by something that is no vSphere API (${message}). Check \`endpoint\`, and what is between here and there.`,
    options,
  )
}

function withoutFullStop(text: string): string {
  return text.replace(/\.$/, '')
}

/** What to say when the endpoint isn't as the site's `tls` has it. */
export function vsphereTlsFacts(site: string): TlsFacts {
  return {
    identityMismatch: (endpoint, seen, expected) => {
      const { names, fingerprint } = seen
      if (names !== undefined) {
        return new TlsIdentityMismatch(`Site ${site}: ${endpoint} ${otherNames(endpoint, names, fingerprint)}`)
      }
      return new TlsIdentityMismatch(
        `Site ${site}: ${endpoint} ${showedInstead(seen, expected)} No credential was sent. If the certificate was renewed, compare ` +
          'it on the server\'s console and correct the site\'s "tls"; otherwise somebody is in between.',
      )
    },
    unreadableAuthority: (cause) =>
      new InvalidSite(
        `Site ${site}: tls.ca can't be read as a PEM certificate. A vCenter offers its own at https://<vcenter>/certs/download.zip.`,
        { cause },
      ),
  }
}
