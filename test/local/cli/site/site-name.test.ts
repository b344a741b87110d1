import { describe, expect, it } from 'vitest'
import { siteNameFrom } from '../../../../local/cli/site/site-name.ts'

const file = (path: string, name?: string) => ({ path, json: JSON.stringify({ provider: 'proxmox', name }) })

describe("a site's name", () => {
  it.each([
    ['the option', { option: 'hq', file: file('site.json') }, 'hq'],
    ['the job', { job: 'hq', file: file('site.json') }, 'hq'],
    ["the file's own field", { file: file('site.json', 'hq') }, 'hq'],
    ['all of them, agreeing', { option: 'hq', job: 'hq', file: file('hq.json', 'hq') }, 'hq'],
  ])('is what %s tells', (_, sources, name) => {
    expect(siteNameFrom(sources)).toEqual({ name, told: true })
  })

  it.each([
    ['conf/hq.json', 'hq'],
    ['main office (new).json', 'main-office-new'],
    ['….json', 'site'],
  ])('is only guessed from the file %s', (path, name) => {
    expect(siteNameFrom({ file: file(path) })).toEqual({ name, told: false })
  })

  it.each([
    [{ option: 'hq', job: 'branch' }, /the command line says hq, the job says branch/],
    [{ option: 'hq', file: file('x.json', 'branch') }, /the command line says hq, "name" in x.json says branch/],
    [{ job: 'hq', file: file('x.json', 'branch') }, /the job says hq, "name" in x.json says branch/],
  ])('is refused where two are told', (sources, message) => {
    expect(() => siteNameFrom(sources)).toThrow(message)
  })
})
