import { describe, expect, it } from 'vitest'
import { filePattern, memberPath } from '../../../../functions/archive-formats/proxmox/file-patterns.ts'

describe('which files of a container are meant', () => {
  it.each([
    ['etc/hostname', ['./etc/hostname'], ['./etc/hostnames', './my/etc/hostname']],
    ['/etc/', ['./etc/', './etc/a/b'], ['./etcetera']],
    ['*.log', ['./a.log', './.log'], ['./var/a.log', './aXlog']],
    ['var/**/*.log', ['./var/a.log', './var/log/deep/a.log'], ['./a.log', './var/a.txt']],
    ['var/?og', ['./var/log', './var/log/x'], ['./var/og', './var//og', './var/a/og']],
    ['**', ['./', './a', './a/b'], []],
    ['./a+(b)[c]{d}^$|e\\', ['./a+(b)[c]{d}^$|e\\'], ['./aab']],
    ['line\nbreak', ['./line\nbreak', './line\nbreak/x\ny'], ['./line']],
  ])('%s', (text, fitting, others) => {
    const pattern = filePattern(text)
    const fits = (name: string) => pattern.fits(memberPath(name))
    expect(fitting.filter((name) => !fits(name))).toEqual([])
    expect(others.filter((name) => fits(name))).toEqual([])
  })
})
