import { type CompletedCommand, valuesAfter } from './completion-tree.ts'

/** Files are completed by bash itself, wherever nothing else is. */
export function bashScript(tree: readonly CompletedCommand[]): string {
  const { files, choices, anything } = valuesAfter(tree)
  const values = [
    ...choices.map(({ at, words }) => `${patterns(at)}) words='${words.join(' ')}' ;;`),
    ...(files.length === 0 ? [] : [`${patterns(files)}) return ;;`]),
    ...(anything.length === 0 ? [] : [`${patterns(anything)}) compopt +o default; return ;;`]),
  ]
  const words = tree.map(({ path, commands, options }) => {
    const flags = options.flatMap((option) => option.flags).join(' ')
    return `'${path}') commands='${commands.map(({ name }) => name).join(' ')}' options='${flags}' ;;`
  })
  const paths = tree.map(({ path }) => path).filter((path) => path !== '')
  return `# Completion of guestlift for bash: eval "$(guestlift completion bash)"
_guestlift() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]}
  local level='' next words='' commands='' options='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="\${level:+$level }\${COMP_WORDS[i]}"
    case "$next" in
      ${patterns(paths)}) level=$next ;;
    esac
  done
  case "$level $previous" in
    ${values.join('\n    ')}
  esac
  if [[ -z $words ]]; then
    case "$level" in
      ${words.join('\n      ')}
    esac
    if [[ $current == -* ]]; then words=$options; else words=$commands; fi
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _guestlift guestlift
`
}

const patterns = (texts: readonly string[]) => texts.map((text) => `'${text}'`).join(' | ')
