/** A text that others may follow: one that ends without a mark gets a full stop. */
export function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}
