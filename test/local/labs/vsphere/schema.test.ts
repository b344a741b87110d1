/** The form of requests: what VMware's own client writes is taken, and what differs from it is refused. */
import { describe, expect, it } from 'vitest'
import { METHODS } from '../../../../local/labs/vsphere/methods/all.ts'
import { callOf } from '../../../../local/labs/vsphere/wire/envelope.ts'
import { VimFault } from '../../../../local/labs/vsphere/wire/faults.ts'
import { checkCall } from '../../../../local/labs/vsphere/wire/schema.ts'
import { Element } from '../../../../local/labs/vsphere/wire/xml.ts'
import { open } from './client.ts'
import { requestsByPyvmomi } from './recordings.ts'

const requests = Object.entries(requestsByPyvmomi()).filter(([method]) => METHODS.has(method))
if (requests.length === 0) console.warn('skipped: no recordings of vSphere')

function complaint(call: Element): string | undefined {
  try {
    checkCall(call, METHODS.get(call.name)?.parameters ?? '')
  } catch (error) {
    if (error instanceof VimFault && error.type === 'InvalidRequest') return error.message
    throw error
  }
  return undefined
}

const withChildren = ({ name, attributes, text }: Element, children: readonly Element[]): Element =>
  new Element(name, attributes, children, text)

/** Each way to turn round two neighbours of different names, anywhere in the request. */
function* disordered(element: Element): Generator<Element> {
  const { children } = element
  for (const [index, child] of children.entries()) {
    const next = children[index + 1]
    if (next !== undefined && next.name !== child.name)
      yield withChildren(element, children.with(index, next).with(index + 1, child))
    for (const changed of disordered(child)) yield withChildren(element, children.with(index, changed))
  }
}

/** One more element, anywhere. */
function* withMore(element: Element): Generator<Element> {
  const more = new Element('surplus', {}, [], 'x')
  if (element.children.length > 0) yield withChildren(element, [...element.children, more])
  for (const [index, child] of element.children.entries())
    for (const changed of withMore(child)) yield withChildren(element, element.children.with(index, changed))
}

describe.skipIf(requests.length === 0)('requests of pyvmomi', () => {
  it('are taken as they are', () => {
    expect(requests.length).toBeGreaterThan(20)
    for (const [method, text] of requests) expect([method, complaint(callOf(text))]).toEqual([method, undefined])
  })

  it('are refused in any other order, and with anything more', () => {
    for (const [method, text] of requests) {
      const call = callOf(text)
      for (const changed of disordered(call)) expect([method, complaint(changed)]).toEqual([method, expect.any(String)])
      for (const changed of withMore(call))
        expect([method, complaint(changed)]).toEqual([method, expect.stringContaining('"surplus"')])
    }
  })
})

it('says in a fault what is wrong with a request', async () => {
  const { client } = await open()
  const view = (inside: string, action?: string) =>
    client.call('CreateContainerView', ['ViewManager', 'ViewManager'], inside, action)
  const right = '<container type="Folder">group-d1</container><type>VirtualMachine</type><recursive>true</recursive>'
  expect((await view(right)).status).toBe(200)
  const wrong = await view(
    '<type>VirtualMachine</type><container type="Folder">group-d1</container><recursive>true</recursive>',
  )
  expect([wrong.status, wrong.text]).toEqual([500, expect.stringContaining('xsi:type="InvalidRequest"')])
  expect(wrong.text).toContain('Expected element tag &quot;container&quot;, not &quot;type&quot;')
  expect((await view(right, '"urn:vim25/9.9"')).text).toContain('Unsupported version URI &quot;urn:vim25/9.9&quot;')
  expect((await view(right, '')).text).toContain('SOAPAction')
  expect((await view('<container type="Folder">group-d1</container>')).text).toContain('Required property recursive')
  expect((await client.raw('<nonsense')).text).toContain('xsi:type="InvalidRequest"')
  expect((await client.call('Nonsense', ['ViewManager', 'ViewManager'])).text).toContain('xsi:type="MethodNotFound"')
})
