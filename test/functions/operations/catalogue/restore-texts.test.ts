import { describe, expect, it } from 'vitest'
import { StoreDenied } from '../../../../functions/contracts/errors.ts'
import { writeRestoreTexts } from '../../../../functions/operations/catalogue/restore-texts.ts'
import { ClassyStore } from '../../../fakes/mixed-bucket.ts'

const keyPrefix = 'vault/'
const keys = ['vault/RESTORE.md', 'vault/restore.sh']

function scene(s3Url?: string) {
  const store = new ClassyStore(() => new Date('2026-11-22T02:00:00Z'))
  return { store, keyPrefix, s3Url }
}

const textsIn = async ({ store }: ReturnType<typeof scene>) =>
  Promise.all(keys.map(async (key) => (await store.readText(key))?.text))

describe('the texts on restoring in the bucket', () => {
  it('name the bucket, its prefix and the endpoint in use', async () => {
    const ports = scene('http://127.0.0.1:9000')
    expect(await writeRestoreTexts(ports)).toEqual([])
    const [text = '', script = ''] = await textsIn(ports)
    expect(text).toContain('BUCKET=memory\nPREFIX=vault/\n')
    expect(text).toContain('RCLONE_CONFIG_STORE_ENDPOINT=http://127.0.0.1:9000')
    expect(script).toContain('bucket=memory\nendpoint=http://127.0.0.1:9000\n')
    const onAws = scene()
    await writeRestoreTexts(onAws)
    expect((await textsIn(onAws)).join()).not.toContain('--endpoint-url http')
  })

  it('are written once, and again only where they would be other ones', async () => {
    const ports = scene()
    await writeRestoreTexts(ports)
    const written: string[] = []
    const writeText = ports.store.writeText.bind(ports.store)
    ports.store.writeText = (key, ...rest) => {
      written.push(key)
      return writeText(key, ...rest)
    }
    await writeRestoreTexts(ports)
    expect(written).toEqual([])
    await writeRestoreTexts({ ...ports, s3Url: 'http://127.0.0.1:9000' })
    expect(written).toEqual(keys)
  })

  it("leave a file of that name that is somebody else's, and say so", async () => {
    const ports = scene()
    await ports.store.writeText('vault/RESTORE.md', '# How we restore here\n')
    expect(await writeRestoreTexts(ports)).toEqual([
      expect.stringMatching(/^s3:\/\/memory\/vault\/RESTORE\.md is not Guestlift's and stays as it is\./),
    ])
    const [text, script] = await textsIn(ports)
    expect(text).toBe('# How we restore here\n')
    expect(script).toMatch(/^#!\/bin\/sh\n/)
  })

  it('leave what another run wrote meanwhile', async () => {
    const ports = scene()
    await writeRestoreTexts(ports)
    const readText = ports.store.readText.bind(ports.store)
    ports.store.readText = async (key) => {
      const found = await readText(key)
      await ports.store.writeText(key, 'of another run')
      return found
    }
    expect(await writeRestoreTexts({ ...ports, s3Url: 'http://other' })).toEqual([])
    expect(ports.store.objects.get('vault/RESTORE.md')?.body.toString()).toBe('of another run')
  })

  it('fail nothing where they may not be written or read, and say so', async () => {
    const ports = scene()
    await writeRestoreTexts(ports)
    ports.store.classes.set('vault/RESTORE.md', 'GLACIER')
    ports.store.writeText = () => Promise.reject(new StoreDenied('not allowed'))
    expect(await writeRestoreTexts({ ...ports, s3Url: 'http://other' })).toEqual([
      expect.stringMatching(/RESTORE\.md can't be read and stays as it is\. .*Glacier/),
      's3://memory/vault/restore.sh was not brought up to date: not allowed',
    ])
  })
})
