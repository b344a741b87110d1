import type {
  ArchiveEvidence,
  Finding,
  Verification,
  VerificationResult,
} from '../../../functions/contracts/verification.ts'
import { lockWords } from '../../../functions/domain/transfer/object-lock.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { columns, plain } from './columns.ts'

const words: Record<VerificationResult, string> = {
  accepted: 'accepted: read whole, and the restore tool would take it',
  refused: 'REFUSED',
  'not-verified': 'NOT VERIFIED',
}

/** A verification for people: the verdict, each finding and where, and what was read. */
export function verificationLines(of: string, verification: Verification): string[] {
  const { result, findings, notes, evidence, locks = [], lockTrouble } = verification
  return [
    `${plain(of)}: ${words[result]}`,
    ...findings.map((finding) => `  - ${findingLine(finding)}`),
    ...(lockTrouble === undefined ? [] : [`  LOCK MISSING: ${plain(lockTrouble)}`]),
    ...evidence.flatMap((one) => evidenceLines(one).map((line) => `  ${line}`)),
    ...locks.map((lock) => `  ${plain(lock.fileName)} has ${lockWords(lock)}`),
    ...notes.map((note) => `  Note: ${plain(note)}`),
  ]
}

function findingLine({ code, message, of, offset }: Finding): string {
  const layer = of === 'content' ? 'decompressed content' : 'file'
  const where = of === undefined || offset === undefined ? '' : `, byte ${offset} of the ${layer}`
  return `${plain(message)} [${code}${where}]`
}

function evidenceLines(evidence: ArchiveEvidence): string[] {
  const { guest, format, compression, configuration, devices, members } = evidence
  const whose = guest === undefined ? 'unknown guest' : `${guest.kind} ${guest.id}`
  const packed = compression === undefined || compression === 'none' ? 'not compressed' : `compressed by ${compression}`
  const random =
    evidence.entropyBitsPerByte === undefined ? '' : `, ${evidence.entropyBitsPerByte.toFixed(1)} of 8 bits per byte`
  const disks = (devices ?? []).map((device) => [
    device.name,
    formatBytes(device.sizeBytes),
    `${device.clustersFound} of ${device.clustersExpected} clusters`,
    `${formatBytes(device.storedBytes)} stored`,
  ])
  return [
    `${whose}, ${format ?? 'unknown format'}, ${packed}`,
    `${evidence.sizeBytes} bytes read, CRC-32 ${evidence.crc32}; content ${evidence.contentBytes} bytes${random}`,
    configuration === undefined
      ? 'no configuration found'
      : `configuration ${plain(configuration.name)}: ${configuration.text.trimEnd().split('\n').length} lines`,
    ...columns(disks),
    ...(members === undefined ? [] : [`${members} members, ${formatBytes(evidence.memberBytes ?? 0)} of content`]),
  ]
}
