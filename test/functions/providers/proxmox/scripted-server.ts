/** Servers under a script, with identities that tests pin, confuse and distrust. */
import { createIdentity, fingerprintOf, type Identity } from '../../../../local/labs/shared/certificate.ts'
import { type ByteServer, type Script, startByteServer } from '../../../../local/replay/byte-server.ts'

export { answer, data, type Reply, type Script, type SeenRequest } from '../../../../local/replay/byte-server.ts'
export type ScriptedServer = ByteServer

const names = ['127.0.0.1', 'localhost']
export const firstIdentity = createIdentity(names, new Date())
export const otherIdentity = createIdentity(names, new Date())
/** Signed properly, for another host. */
export const elsewhereIdentity = createIdentity(['pve9.example.com'], new Date())
export { fingerprintOf }

export async function startServer(
  script: Script,
  identity: Identity = firstIdentity,
  listenAt = 0,
): Promise<ScriptedServer> {
  return startByteServer(script, identity, listenAt)
}
