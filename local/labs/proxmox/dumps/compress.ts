/** vzdump's compressors by its own names: the real algorithms, as a stream. */
import { Readable } from 'node:stream'
import { constants, createGzip, createZstdCompress } from 'node:zlib'
import { lzop } from './lzop.ts'

export type Compressor = 'none' | 'gzip' | 'lzo' | 'zstd'

export const EXTENSION: Record<Compressor, string> = { none: '', gzip: '.gz', lzo: '.lzo', zstd: '.zst' }

/** vzdump's `compress` parameter: 0 is none, 1 means lzo. */
export function compressorOf(parameter: string | undefined): Compressor {
  if (parameter === undefined || parameter === '0') return 'none'
  if (parameter === '1' || parameter === 'lzo') return 'lzo'
  return parameter === 'gzip' ? 'gzip' : 'zstd'
}

export function compress(source: AsyncIterable<Buffer>, compressor: Compressor): AsyncIterable<Buffer> {
  if (compressor === 'none') return source
  if (compressor === 'lzo') return lzop(source)
  // The command line tool adds a checksum of the content; the library doesn't unless told.
  const params = { [constants.ZSTD_c_checksumFlag]: 1, [constants.ZSTD_c_compressionLevel]: 3 }
  const through = compressor === 'gzip' ? createGzip({ level: 1 }) : createZstdCompress({ params })
  const from = Readable.from(source, { objectMode: true })
  from.on('error', (error: Error) => through.destroy(error))
  through.on('close', () => from.destroy())
  return from.pipe(through)
}
