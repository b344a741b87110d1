import { InvalidArgumentError } from 'commander'

/** A number on a lab's command line. @throws InvalidArgumentError for anything but digits */
export function wholeNumber(text: string): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw new InvalidArgumentError('not a whole number')
  return value
}
