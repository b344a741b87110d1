/** The style of reports, in the colours of the catalogue page. No address in it: it must load nothing. */
export const REPORT_STYLE = `
:root { color-scheme: light dark; --verified: #14773f; --warned: #9a6200; --bad: #c5221f; --line: #8884; --faint: #8882; }
@media (prefers-color-scheme: dark) { :root { --verified: #4cc38a; --warned: #f0b429; --bad: #ff7b72; } }
* { box-sizing: border-box; }
body { font: 14px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 1300px; padding: 8px 16px 48px; }
h1 { font-size: 1.4rem; margin: 8px 0 4px; }
h2 { font-size: 1.1rem; margin: 24px 0 6px; }
p { margin: 4px 0; }
.sub { opacity: .75; font-size: .9rem; overflow-wrap: anywhere; }
.figures { display: flex; flex-wrap: wrap; gap: 6px; list-style: none; margin: 12px 0; padding: 0; }
.figures li { border: 1px solid var(--line); border-radius: 8px; padding: 4px 10px; }
.figures b { font-size: 1.15rem; font-variant-numeric: tabular-nums; }
.verified { color: var(--verified); }
.warned { color: var(--warned); }
.bad { color: var(--bad); font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; padding: 4px 12px 4px 0; vertical-align: top; border-top: 1px solid var(--faint); }
th { border-top: 0; font-weight: 600; white-space: nowrap; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td time { white-space: nowrap; font-variant-numeric: tabular-nums; }
td.text, code { overflow-wrap: anywhere; }
code { font-size: .86rem; }
code.sum { overflow-wrap: normal; }
details { border-top: 1px solid var(--faint); content-visibility: auto; contain-intrinsic-height: auto 30px; }
details[open] { content-visibility: visible; }
summary { cursor: pointer; padding: 5px 0; overflow-wrap: anywhere; }
summary:hover { background: var(--faint); }
summary b { margin-right: 8px; }
summary span { margin-right: 10px; white-space: nowrap; }
details > :not(summary) { margin-left: 16px; }
details > table { width: calc(100% - 16px); }
:focus-visible { outline: 2px solid currentColor; }
@media (max-width: 700px) { table, tbody, tr, td { display: block; } thead, th { display: none; } tr { border-top: 1px solid var(--faint); padding: 6px 0; } td, td.number { border: 0; padding: 1px 0; text-align: left; white-space: normal; } td:empty { display: none; } td[data-label]::before { content: attr(data-label) ": "; opacity: .7; } details > :not(summary) { margin-left: 6px; } details > table { width: auto; } }
@media print { details { content-visibility: visible; } }
`
