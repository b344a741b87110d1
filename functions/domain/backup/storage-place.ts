/** A storage that a backup may go to, as a node sees it. */
interface ShownStorage {
  enabled: boolean
  active: boolean
  takesBackups: boolean
  /** Absent: nobody here knows the type. */
  backupsAreFiles?: boolean
  /** The platform's word: `dir`, `nfs`, … */
  type: string
  /** What it takes, in the platform's words. */
  content: readonly string[]
}

interface Place {
  storage: string
  node: string
  shared: boolean
}

/** What a storage has against backups, to follow its name; a storage that isn't shown has only that. */
export function complaintAbout(storage: ShownStorage | undefined): string | undefined {
  if (storage === undefined) return "isn't there, or the account may not see it. Name one that the node has."
  if (!storage.enabled) return 'is disabled. Enable it, or name another.'
  if (!storage.takesBackups) {
    return `doesn't take backups, only ${storage.content.join(', ')}. Allow backups on it, or name another.`
  }
  if (storage.backupsAreFiles === false) {
    return `is of type ${storage.type}, whose backups aren't files. Name a storage that keeps files.`
  }
  if (!storage.active) return "can't be reached from the node. Bring it online."
  return undefined
}

/** The same for all nodes of a shared storage. */
export function placeKey({ storage, node, shared }: Place): string {
  return shared ? storage : `${storage} on ${node}`
}
