/** Tars put together block by block, as no tool would write them. */
export const END = Buffer.alloc(1024)
export const CONFIGURATION = 'hostname: db1\n'

interface Its {
  type?: string
  /** What its header says; left out: as much as there is. */
  size?: number | string
  prefix?: string
  /** Where a link leads. */
  link?: string
  gnu?: boolean
  /** Of GNU's old sparse form: its map goes on in further blocks. */
  extended?: boolean
}

export function header(name: string, sizeBytes: number, its: Its = {}): Buffer {
  const { type = '0', size, prefix = '', link = '', gnu, extended } = its
  const block = Buffer.alloc(512)
  block.write(name, 0, 100)
  block.write('0000644\0', 100)
  const said = size ?? sizeBytes
  block.write(typeof said === 'string' ? said : `${said.toString(8).padStart(11, '0')} `, 124)
  block.write(type, 156, 'latin1')
  block.write(link, 157, 100)
  block.write(gnu === true ? 'ustar  \0' : 'ustar\x0000', 257, 'latin1')
  block.write(prefix, 345, 155)
  if (extended === true) block[482] = 1
  return summed(block)
}

function summed(block: Buffer): Buffer {
  block.write('        ', 148)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

export function member(name: string, content: string | Buffer = '', its: Its = {}): Buffer {
  const bytes = Buffer.from(content)
  const padding = Buffer.alloc((512 - (bytes.length % 512)) % 512)
  return Buffer.concat([header(name, bytes.length, its), bytes, padding])
}

export const record = (key: string, value: string) => {
  const rest = ` ${key}=${value}\n`
  const bytes = Buffer.byteLength(rest)
  return `${bytes + String(bytes + String(bytes + 2).length).length}${rest}`
}
