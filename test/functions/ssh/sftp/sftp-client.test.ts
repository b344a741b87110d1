import { describe, expect, it } from 'vitest'
import { SftpClient } from '../../../../functions/ssh/sftp/sftp-client.ts'

const READ_BYTES = 1000

/** A DATA answer: length, type 103, id, length of the bytes, the bytes (draft-ietf-secsh-filexfer-02, 7). */
function dataPacket(id: number, bytes: number): Buffer {
  const packet = Buffer.alloc(13 + bytes, 7)
  packet.writeUInt32BE(packet.length - 4, 0)
  packet.writeUInt8(103, 4)
  packet.writeUInt32BE(id, 5)
  packet.writeUInt32BE(bytes, 9)
  return packet
}

describe('a connection that ends in the middle of the last answer that a read waits for', () => {
  const begun = (): { client: SftpClient; reading: Promise<number> } => {
    const sent: Buffer[] = []
    const client = new SftpClient(
      { write: (bytes) => sent.push(bytes) },
      { requestBytes: READ_BYTES, outstandingReads: 4, requestGroup: 1 },
    )
    const reading = client.read(Buffer.from('handle'), 0, Buffer.alloc(READ_BYTES))
    const id = sent[0]?.readUInt32BE(5) ?? 0
    client.receive(dataPacket(id, READ_BYTES).subarray(0, 500))
    return { client, reading }
  }

  it('fails that read', async () => {
    const { client, reading } = begun()
    client.fail(new Error('the connection broke'))
    await expect(reading).rejects.toThrow('the connection broke')
  })

  it('is waited for until then, so that a silence there is noticed', () => {
    const { client, reading } = begun()
    expect(client.waiting).toBe(true)
    reading.catch(() => undefined)
  })
})
