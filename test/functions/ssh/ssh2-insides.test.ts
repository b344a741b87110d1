import { KeyObject } from 'node:crypto'
import ssh2, { type ClientChannel } from 'ssh2'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { easeDecryption, GRANT_BYTES, growWindow, takeData } from '../../../functions/ssh/ssh2-insides.ts'
import { makeHostKey, password, type SftpTestServer, startSftpTestServer } from '../readers/sftp/sftp-test-server.ts'

const MIB = 2 ** 20

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

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

  it('lets the window of a channel grow, and pays back what was consumed in large pieces', () => {
    const inside = channel as unknown as { incoming: { window: number } }
    expect(inside.incoming.window).toBeLessThanOrEqual(2 * MIB)
    const consumed = growWindow(channel, 16 * MIB)
    expect(inside.incoming.window).toBe(16 * MIB + GRANT_BYTES)
    consumed?.(GRANT_BYTES - 1)
    expect(inside.incoming.window).toBe(16 * MIB + GRANT_BYTES)
    consumed?.(1)
    expect(inside.incoming.window).toBe(16 * MIB + 2 * GRANT_BYTES)
  })

  it("takes a channel's bytes past ssh2's stream, counts them off the window, and leaves other channels alone", async () => {
    const other = await new Promise<ClientChannel>((resolve) => {
      client.subsys('sftp', (_error, opened) => resolve(opened))
    })
    const taken: Buffer[] = []
    const streamed: Buffer[] = []
    channel.on('data', (data: Buffer) => streamed.push(data))
    const inside = channel as unknown as { incoming: { window: number } }
    const windowBefore = inside.incoming.window
    expect(takeData(channel, (data) => taken.push(data))).toBe(true)
    const answered = new Promise<Buffer>((resolve) => other.once('data', resolve))
    const init = Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3])
    channel.write(init)
    other.write(init)
    // The server answers in order, so the first channel's answer has come before the second's.
    const answer = await answered
    expect(Buffer.concat(taken).equals(answer)).toBe(true)
    expect(streamed).toEqual([])
    expect(windowBefore - inside.incoming.window).toBe(answer.length)
  })

  it('gives AES-GCM its keys as key objects, unless the native addon does the work', () => {
    const { _decipher, _cipher } = (
      client as unknown as { _protocol: { _decipher: { _decipherKey?: unknown }; _cipher: { _encKey?: unknown } } }
    )._protocol
    const native = _decipher._decipherKey === undefined
    expect(easeDecryption(client)).toBe(!native)
    expect(_decipher._decipherKey instanceof KeyObject).toBe(!native)
    expect(_cipher._encKey instanceof KeyObject).toBe(!native)
  })

  it('builds large packets in one buffer, as the server reads them, and leaves small ones to ssh2', async () => {
    const { _cipher } = (client as unknown as { _protocol: { _cipher: { allocPacket(bytes: number): Buffer } } })
      ._protocol
    if (!easeDecryption(client)) return
    expect(_cipher.allocPacket(30_000).buffer).toBe(_cipher.allocPacket(29_000).buffer)
    expect(_cipher.allocPacket(100).buffer).not.toBe(_cipher.allocPacket(30_000).buffer)
    for (const payloadBytes of [4096, 4097, 29_998, 29_999, 30_000, 30_010, 30_011]) {
      const packet = _cipher.allocPacket(payloadBytes)
      // RFC 4253, 6: length, padding length, payload, padding of at least four bytes; RFC 5647: whole blocks of 16.
      expect(packet.readUInt32BE(0)).toBe(packet.length - 4)
      expect((packet.length - 4) % 16).toBe(0)
      expect(packet[4]).toBe(packet.length - 5 - payloadBytes)
      expect(packet[4]).toBeGreaterThanOrEqual(4)
      expect(packet[4]).toBeLessThan(20)
    }
    // An SFTP packet with an id, and enough behind it to fill many packets of the channel: each has to arrive right.
    const answered = new Promise<Buffer>((resolve) => channel.once('data', resolve))
    channel.write(Buffer.from([0, 0, 0, 5, 1, 0, 0, 0, 3]))
    await answered
    const path = Buffer.alloc(100_000, 'x')
    const stat = Buffer.concat([Buffer.from([17, 0, 0, 0, 9]), uint32(path.length), path])
    const refused = new Promise<Buffer>((resolve) => channel.once('data', resolve))
    channel.write(Buffer.concat([uint32(stat.length), stat]))
    // STATUS for request 9.
    expect([...(await refused).subarray(4, 9)]).toEqual([101, 0, 0, 0, 9])
  })

  it('leaves a channel and a client of another shape alone', () => {
    expect(growWindow({} as ClientChannel, MIB)).toBeUndefined()
    expect(takeData({} as ClientChannel, () => undefined)).toBe(false)
    expect(easeDecryption(new ssh2.Client())).toBe(false)
  })
})
