/** The account that `ec2.ts` reads from: one instance, whose volumes hold the same bytes, densely and far apart. */
import { seededContent } from '../../local/labs/ec2/disk.ts'
import { startEc2Lab } from '../../local/labs/ec2/lab.ts'

const BLOCKS_PER_MIB = 2
const count = Number(process.argv[2]) * BLOCKS_PER_MIB
const [denseGiB, spread] = [Math.max(1, Math.ceil(count / 2048)), 100]
const indexes = Array.from({ length: count }, (_none, index) => index)
/** Runs of 64 blocks, as large files leave them. */
const far = indexes.map((index) => Math.floor(index / 64) * 64 * spread + (index % 64))
const lab = await startEc2Lab({
  instances: [
    {
      id: 'i-0123456789abcdef0',
      volumes: [
        { device: '/dev/xvda', sizeGiB: denseGiB, content: seededContent(indexes, 1) },
        { device: '/dev/sdf', sizeGiB: denseGiB * spread, content: seededContent(far, 1) },
      ],
    },
  ],
})
process.stdout.write(`${JSON.stringify(lab.site())}\n`)
