import { execFileSync, spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { type OpenSshServer, startOpenSsh } from '../functions/ssh/openssh-server.ts'
import { type Child, startChild } from './child.ts'
import { bundleSubject } from './subject.ts'

export interface Source {
  path: string
  sizeBytes: number
  /** Of all its bytes: what an archive's manifest would say. */
  crc32: number
}

/** What all candidates share: the site's servers, the S3 sink, the bytes, and the bundle that is measured. */
export interface Bed {
  folder: string
  ssh: OpenSshServer
  web: Child
  sink: Child
  bundle: string
  /** The other direction's. */
  deliverBundle: string
  /** Of web and sink: self-signed, for 127.0.0.1. */
  certificateFile: string
  certificate: string
  /** A file of this size, made when first asked for. */
  source(mebibytes: number): Source
  close(): Promise<void>
}

/** Open the bed. It needs sshd and openssl; whatever ends this process, nothing of it stays. */
export async function openBed(): Promise<Bed> {
  // In memory where there is a file system for it: the disk isn't what is measured.
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'guestlift-bench-'))
  const { keyFile, certificateFile } = makeCertificate(folder)
  // Files come back as well. Where the node talks to S3 itself, it has to trust sink and web.
  const ssh = await startOpenSsh(['Subsystem sftp internal-sftp'], { SSL_CERT_FILE: certificateFile })
  const allClear = guard(ssh, folder)
  const children: Child[] = []
  const close = async (): Promise<void> => {
    for (const child of children) child.stop()
    await ssh.close()
    rmSync(folder, { recursive: true, force: true })
    allClear()
  }
  try {
    const web = await startChild('web.ts', [folder, keyFile, certificateFile])
    children.push(web)
    const sink = await startChild('sink.ts', [keyFile, certificateFile])
    children.push(sink)
    const sources = new Map<number, Source>()
    const source = (mebibytes: number): Source => {
      const found = sources.get(mebibytes) ?? makeSource(folder, mebibytes)
      sources.set(mebibytes, found)
      return found
    }
    const bundle = await bundleSubject('transfer', folder)
    const deliverBundle = await bundleSubject('deliver', folder)
    const certificate = readFileSync(certificateFile, 'utf8')
    return { folder, ssh, web, sink, bundle, deliverBundle, certificateFile, certificate, source, close }
  } catch (error) {
    await close()
    throw error
  }
}

/**
 * sshd doesn't notice when the benchmark is killed. This shell does: it waits for a word of ours, and on the end of its
 * input without one it ends sshd and removes the files. Returns what gives the word.
 */
function guard(ssh: OpenSshServer, folder: string): () => void {
  const script = `trap '' INT TERM HUP; read -r word || { kill "$1"; rm -rf "$2" "$3"; }`
  const shell = spawn('sh', ['-c', script, 'sh', String(ssh.pid), ssh.folder, folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  shell.unref()
  shell.stdin.on('error', () => undefined)
  return () => shell.stdin.end('done\n')
}

function makeCertificate(folder: string): { keyFile: string; certificateFile: string } {
  const [keyFile, certificateFile] = [join(folder, 'tls.key'), join(folder, 'tls.crt')]
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  execFileSync('openssl', [...request, '-keyout', keyFile, '-out', certificateFile, ...subject], { stdio: 'ignore' })
  return { keyFile, certificateFile }
}

/** Bytes that no route could compress. The block repeats: making gigabytes of random bytes takes longer than a run. */
function makeSource(folder: string, mebibytes: number): Source {
  const path = join(folder, `vzdump-qemu-${100 + mebibytes}-2026_11_22-02_00_00.vma.zst`)
  const file = openSync(path, 'w')
  const block = randomFillSync(Buffer.alloc(2 ** 20))
  let sum = 0
  for (let mebibyte = 0; mebibyte < mebibytes; mebibyte++) {
    block.writeUInt32LE(mebibyte)
    writeSync(file, block)
    sum = crc32(block, sum)
  }
  closeSync(file)
  return { path, sizeBytes: mebibytes * 2 ** 20, crc32: sum }
}
