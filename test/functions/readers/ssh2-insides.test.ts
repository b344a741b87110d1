import { KeyObject } from 'node:crypto'
import ssh2, { type ClientChannel } from 'ssh2'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { easeDecryption, growWindow } from '../../../functions/readers/ssh2-insides.ts'
import { makeHostKey, password, type SftpTestServer, startSftpTestServer } from './sftp-test-server.ts'

const MIB = 2 ** 20

describe("ssh2's insides are as the route expects them", () => {
  let server: SftpTestServer
  let client: InstanceType<typeof ssh2.Client>
  let channel: ClientChannel

  beforeEach(async () => {
    server = await startSftpTestServer([makeHostKey('ed25519')])
    client = new ssh2.Client()
    await new Promise<void>((resolve, reject) => {
      client.on('ready', resolve).on('error', reject)
      client.connect({
        host: '127.0.0.1',
        port: server.port,
        username: 'reader',
        password,
        algorithms: { cipher: ['aes128-gcm@openssh.com'] },
      })
    })
    channel = await new Promise((resolve, reject) => {
      client.subsys('sftp', (error, opened) => (error === undefined ? resolve(opened) : reject(error)))
    })
  })
  afterEach(async () => {
    client.destroy()
    await server.close()
  })

  it('lets the window of a channel grow, and pays back what was consumed by the mebibyte', () => {
    const inside = channel as unknown as { incoming: { window: number } }
    expect(inside.incoming.window).toBeLessThanOrEqual(2 * MIB)
    const consumed = growWindow(channel, 16 * MIB)
    expect(inside.incoming.window).toBe(16 * MIB)
    consumed?.(MIB - 1)
    expect(inside.incoming.window).toBe(16 * MIB)
    consumed?.(1)
    expect(inside.incoming.window).toBe(17 * MIB)
  })

  it('gives the AES-GCM decryption its key as a key object, unless the native addon decrypts', () => {
    const { _decipher } = (client as unknown as { _protocol: { _decipher: { _decipherKey?: unknown } } })._protocol
    const native = _decipher._decipherKey === undefined
    expect(easeDecryption(client)).toBe(!native)
    expect(_decipher._decipherKey instanceof KeyObject).toBe(!native)
  })

  it('leaves a channel and a client of another shape alone', () => {
    expect(growWindow({} as ClientChannel, MIB)).toBeUndefined()
    expect(easeDecryption(new ssh2.Client())).toBe(false)
  })
})
