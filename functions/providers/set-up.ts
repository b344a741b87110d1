/** How bytes may leave the nodes of a platform whose files are read over SSH. */
export type SshRouteType = 'sftp' | 'push'

/** How an archive's file may come back to the nodes of such a platform over SSH. */
export type SshDeliveryType = 'sftp' | 'pull'

/** What a person does on a platform before Guestlift may log in: shown by `guestlift init`, to be copied. */
export interface SetUp {
  /** The account that the commands make, unless another one is named. */
  readonly usualAccount: string
  /** The same of the account that brings guests back. */
  readonly usualRestoreAccount: string
  /** Prints the fingerprint of the certificate that a node shows. */
  readonly showFingerprint: string
  /** Account and rights: once for the site. `storage` receives the backups. */
  accountCommands(account: string, storage: string): string[]
  /** The account that the bytes come over: on each node. `publicKey` is a line of `authorized_keys`. */
  routeCommands(type: SshRouteType, username: string, publicKey: string): string[]
  /** Account and rights for restores: once for the site. `storage` receives the archives' files. */
  restoreCommands(account: string, storage: string): string[]
  /** What an account for restores takes beyond that where the platform fetches disks to `storage` itself. */
  importCommands(account: string, storage: string, node: string): string[]
  /** The account that receives archives' files: on each node. */
  deliveryCommands(type: SshDeliveryType, username: string, publicKey: string): string[]
}
