import { describe, expect, it } from 'vitest'
import { sentence, sentences } from '../../../../functions/domain/words/sentence.ts'

describe('a sentence', () => {
  it.each(['exit code 1', 'storage nas. is offline', 'what? nothing', ''])('ends with a full stop: "%s"', (text) => {
    expect(sentence(text)).toBe(`${text}.`)
  })

  it.each(['It is full.', 'Is it there?', 'Stop!'])('keeps the mark that it has: "%s"', (text) => {
    expect(sentence(text)).toBe(text)
  })
})

describe('sentences', () => {
  it('are kept apart by full stops, and the last one ends as it came', () => {
    expect(sentences(['The file changed', 'It was last seen being copied.', 'Run again'])).toBe(
      'The file changed. It was last seen being copied. Run again',
    )
    expect(sentences(['why'])).toBe('why')
    expect(sentences([])).toBe('')
  })
})
