/** VMs that are booted when they are started: an option. Without it a VM that is started runs, whatever its disks hold. */

export interface BootDisk {
  /** `scsi0`, `virtio1`, … */
  key: string
  /** The raw image, on this machine. It is there to be read. */
  path: string
}

/**
 * Boots a VM. Ends with whether its system came up; a rejection stands for one that didn't. The signal is aborted when the
 * VM is stopped: the boot then ends soon, and its answer counts for nothing.
 * @param disks that have a content of their own, in the order of the configuration
 */
export type Boot = (disks: readonly BootDisk[], signal: AbortSignal) => Promise<boolean>

export class Boots {
  readonly #boot: Boot | undefined
  readonly #running = new Map<number, { abort: AbortController; done: Promise<void> }>()

  constructor(boot: Boot | undefined) {
    this.#boot = boot
  }

  /** Whether VMs are booted at all. */
  get wanted(): boolean {
    return this.#boot !== undefined
  }

  /** @param onEnd called with whether the system came up, unless the VM was stopped before */
  start(vmid: number, disks: readonly BootDisk[], onEnd: (cameUp: boolean) => void): void {
    const abort = new AbortController()
    const boot = async (): Promise<void> => {
      let cameUp = false
      try {
        cameUp = (await this.#boot?.(disks, abort.signal)) === true
      } catch {
        // As told: it didn't come up.
      }
      if (abort.signal.aborted) return
      this.#running.delete(vmid)
      onEnd(cameUp)
    }
    this.#running.set(vmid, { abort, done: boot() })
  }

  /** Ends when nothing of it runs any more. */
  async stop(vmid: number): Promise<void> {
    const running = this.#running.get(vmid)
    this.#running.delete(vmid)
    running?.abort.abort()
    await running?.done
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((vmid) => this.stop(vmid)))
  }
}
