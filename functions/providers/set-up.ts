/** How bytes may leave the nodes of a platform whose files are read over SSH. */
export type SshRouteType = 'sftp' | 'push'

/** What a person does on a platform before Guestlift may log in: shown by `guestlift init`, to be copied. */
export interface SetUp {
  /** The account that the commands make, unless another one is named. */
  readonly usualAccount: string
  /** Prints the fingerprint of the certificate that a node shows. */
  readonly showFingerprint: string
  /** Account and rights: once for the site. `storage` receives the backups. */
  accountCommands(account: string, storage: string): string[]
  /** The account that the bytes come over: on each node. `publicKey` is a line of `authorized_keys`. */
  routeCommands(type: SshRouteType, username: string, publicKey: string): string[]
}
