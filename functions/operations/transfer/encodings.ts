import { rawDiskEncoder } from '../../archive-formats/raw-disk/encoder.ts'
import type { Encoding } from '../../contracts/disk-archive.ts'
import { UploadVanished } from '../../contracts/errors.ts'
import type { SourceArtifact, SourceIdentity } from '../../contracts/nouns.ts'
import type { Upload } from '../../contracts/upload.ts'
import { planDisk } from '../../domain/encoding/disk-plan.ts'
import { noneEncoder } from '../../domain/encoding/none.ts'
import type { PartEncoder } from '../../domain/encoding/part-encoder.ts'
import { planParts } from '../../domain/transfer/part-plan.ts'
import { readDiskPlan, writeDiskPlan } from '../books/disk-plans.ts'
import type { Ports } from '../ports.ts'
import { allocationOf } from './source-identity.ts'

type Planned = Pick<Upload, 'partSizeBytes' | 'partCount' | 'encoding' | 'planKey'>
type PlanNeeds = Pick<Ports, 'store' | 'keyPrefix' | 'route'>
type OpenNeeds = Pick<Ports, 'store' | 'keyPrefix'>

/** What has to be done for an encoding where an upload begins, and where a call goes on with it. */
interface UploadEncoding {
  /** How the source is cut into parts. What S3 can't hold in one object is a RangeError. */
  plan(key: string, site: string, artifact: SourceArtifact, source: SourceIdentity, ports: PlanNeeds): Promise<Planned>
  /** @throws UploadVanished when what it was planned by is gone: parts of two plans must not meet */
  open(upload: Upload, ports: OpenNeeds): Promise<PartEncoder>
}

const encodings: Record<Encoding, UploadEncoding> = {
  none: {
    plan: async (_key, _site, _artifact, { sizeBytes }) => planParts(sizeBytes),
    open: async (upload) => noneEncoder(upload, upload.source.sizeBytes),
  },
  'raw-disk': {
    plan: async (key, site, artifact, source, ports) => {
      const map = await allocationOf(ports, site, artifact, source)
      const plan = planDisk({ sourceRef: stateOf(artifact, source), sizeBytes: source.sizeBytes, map })
      const { encoding, partSizeBytes, partCount } = rawDiskEncoder(plan, map)
      return { partSizeBytes, partCount, encoding, planKey: await writeDiskPlan(ports, key, { plan, map }) }
    },
    open: async ({ key, planKey }, ports) => {
      const planned = planKey === undefined ? undefined : await readDiskPlan(ports, key, planKey)
      if (planned !== undefined) return rawDiskEncoder(planned.plan, planned.map)
      throw new UploadVanished(
        `the plan of the upload of s3://${ports.store.bucket}/${key} is gone: ${planKey ?? 'its record names none'}. The disk is archived anew`,
      )
    },
  },
}

/** How a new upload of a source is cut into parts. @throws RangeError when S3 can't hold the object, the reader's errors */
export function planUpload(
  key: string,
  site: string,
  artifact: SourceArtifact,
  source: SourceIdentity,
  ports: PlanNeeds,
): Promise<Planned> {
  return encodings[artifact.encoding ?? 'none'].plan(key, site, artifact, source, ports)
}

/** What makes the parts of an upload. @throws UploadVanished, RecordTooNew, RecordUnreadable */
export function encoderOf(upload: Upload, ports: OpenNeeds): Promise<PartEncoder> {
  return encodings[upload.encoding ?? 'none'].open(upload, ports)
}

/** Another state of the source is another plan. */
function stateOf({ artifactRef }: SourceArtifact, { sizeBytes, modifiedAt, validator }: SourceIdentity): string {
  return [artifactRef, sizeBytes, modifiedAt, ...(validator === undefined ? [] : [validator])].join(' ')
}
