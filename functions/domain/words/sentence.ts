/** A text that others may follow: one that ends without a mark gets a full stop. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/** One text of several, each of which may come without a full stop: what follows another begins a new sentence. */
export function sentences(texts: readonly string[]): string {
  return texts.map((text, index) => (index < texts.length - 1 ? sentence(text) : text)).join(' ')
}
