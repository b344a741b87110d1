import type { Guest } from '../../contracts/nouns.ts'

/** `reboot` is a shutdown and a start; `stop` is pulling the plug. */
export type PowerAction = 'start' | 'shutdown' | 'stop' | 'reboot'

export interface PowerOptions {
  /** How long a guest may take to shut down, and the platform to carry out the order. */
  timeoutSeconds: number
  /** With `shutdown`: pull the plug when the time is over. */
  forceStop?: boolean
}

/** A guest's state at this moment, not some seconds ago. */
export interface GuestState {
  status: 'running' | 'stopped'
  /** Where the platform tells more: `paused`, … */
  detail?: string
  uptimeSeconds: number
  lock?: string
  /** The platform's high availability watches over it, and may start it again. */
  highlyAvailable: boolean
  template: boolean
}

export interface PowerResult {
  /** False when the guest was in the wanted state already: nothing was asked of the platform. */
  changed: boolean
  state: GuestState
  jobRef?: string
}

/** A platform that starts and stops guests for us. */
export interface GuestPower {
  state(guest: Guest): Promise<GuestState>

  /**
   * Start, shut down, stop or reboot a guest, wait for the task, and see that the guest is in that state.
   * @throws GuestLockedBriefly, GuestLocked, GuestMigrating, GuestLockStays while something else holds it
   * @throws PlatformTaskFailed when the task ended badly, or well without effect
   */
  order(guest: Guest, action: PowerAction, options: PowerOptions): Promise<PowerResult>
}
