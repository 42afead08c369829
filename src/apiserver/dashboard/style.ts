/** Owns how the dashboard looks, in light and in dark, as a text. */

/** The page's style sheet. */
export const STYLE = `
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --good: #1a7f37; --warn: #9a6700; --bad: #cf222e; --mark: #0969da; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --warn: #d29922; --bad: #f85149; --mark: #58a6ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 0 1rem 3rem; max-width: 80rem; font: 15px/1.45 system-ui, sans-serif; }
header { display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; align-items: baseline; padding: .8rem 0; border-bottom: 1px solid var(--line); }
h1 { font-size: 1.2rem; margin: 0; } h2 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: .2rem 0; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 600; }
td.number, th.number { text-align: right; }
td table { margin: .3rem 0 .6rem 1rem; width: calc(100% - 1rem); }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0 .2rem; cursor: pointer; text-align: left; }
button.plain { border: 1px solid var(--line); border-radius: .3rem; padding: .1rem .6rem; }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 1px; }
input { font: inherit; padding: .2rem .5rem; border: 1px solid var(--line); border-radius: .3rem; background: none; color: inherit; min-width: 16rem; }
meter { width: 6rem; height: .8rem; }
ul { list-style: none; margin: 0; padding: 0; } li { padding: .15rem 0; border-bottom: 1px solid var(--soft); }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); } .quiet { opacity: .7; }
.scroll { overflow-x: auto; }
[hidden] { display: none; }
`;
