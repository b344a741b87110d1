import type { BackupEvidence } from '../../functions/contracts/evidence.ts'
import { type Asked, judge } from '../../functions/domain/backup/verdict.ts'
import { judgeJob } from '../../functions/providers/proxmox/judge-job.ts'

/** The verdict on a backup by Proxmox VE. */
export function judgeProxmox(evidence: BackupEvidence, asked?: Asked) {
  return judge(evidence, judgeJob, asked)
}
