/** One call of the vSphere API (vim25) as a SOAP request, and its answer. */
import { faultOfCall, NotVim } from './vim-fault.ts'
import { type Argument, childOf, NotXml, parseTree, prefixedChildOf, type Ref, writeElement, type Xml } from './xml.ts'

export interface VimCall {
  method: string
  on: Ref
  /** In the schema's order, without `_this`. */
  args?: readonly Argument[]
}

export function requestBody({ method, on, args = [] }: VimCall): string {
  const body = writeElement(method, [['_this', on], ...args], { xmlns: 'urn:vim25' })
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ' +
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">' +
    `<soapenv:Body>${body}</soapenv:Body></soapenv:Envelope>`
  )
}

/** @returns the response element, which holds `returnval`s or nothing. @throws VimFault, NotVim */
export function responseOf(method: string, status: number, text: string): Xml {
  const body = prefixedChildOf(prefixedChildOf(documentOf(status, text), 'Envelope'), 'Body')
  const fault = prefixedChildOf(body, 'Fault')
  if (fault !== undefined) throw faultOfCall(fault)
  const response = childOf(body, `${method}Response`)
  if (status === 200 && response !== undefined) return response
  throw new NotVim(status, `HTTP ${status} with no answer to ${method}`)
}

function documentOf(status: number, text: string): Xml {
  try {
    return parseTree(text)
  } catch (error) {
    if (!(error instanceof NotXml)) throw error
    throw new NotVim(status, `HTTP ${status} with a text that is no SOAP`)
  }
}
