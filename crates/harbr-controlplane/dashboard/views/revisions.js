import { html, useState } from '../vendor/htm-preact.js';
import { useApi } from '../live.js';
import { Act } from '../operator.js';
import { Ago, Badge, Card, ListBar, Problem, Table, many, short, useList } from '../parts.js';

export function Revisions({ query }) {
  const list = useList(query);
  const { data, error } = useApi('revisions', list.parameters);
  const chosen = Number(query.get('n')) || data?.items[0]?.number;
  return html`
    <h2>Revisions</h2>
    <${Problem} error=${error} />
    <div class="split">
      <div>${data && html`<${ListBar} hint="number, summary, fate, actor" list=${list} total=${data.total} />
        <${Table} caption="Revisions, the newest first" rows=${data.items} keyOf=${({ number }) => number} columns=${[
          ['Revision', ({ number }) => html`<a href=${`#revisions?n=${number}`} aria-current=${number === chosen ? 'true' : undefined}>${number}</a>`, 'num'],
          ['Fate', ({ fate }) => html`<${Badge} state=${fate} />`],
          ['What it changed', ({ summary }) => summary],
          ['Made', ({ made }) => html`<${Ago} time=${made} bare />`, 'num'],
        ]} />`}</div>
      <div>${chosen > 0 && html`<${Revision} key=${chosen} number=${chosen} />`}</div>
    </div>`;
}

function Revision({ number }) {
  const { data, error } = useApi(`revisions/${number}`);
  const [against, setAgainst] = useState(number - 1);
  const [whole, setWhole] = useState(false);
  if (!data) return html`<${Problem} error=${error} />`;
  const { revision, file } = data;
  return html`
    <section class="card" aria-labelledby="revision">
      <h3 id="revision">Revision ${number} <${Badge} state=${revision.fate} /></h3>
      <dl>
        <dt>Made</dt><dd><${Ago} time=${revision.made} />: ${revision.cause}${revision.actor && html`, by ${revision.actor}`}${revision.reason && html`: ${revision.reason}`}</dd>
        <dt>Changed</dt><dd>${revision.summary || '–'}</dd>
        <dt>Content</dt><dd><code>${short(revision.hash)}</code></dd>
      </dl>
      ${revision.story.length > 0 && html`<ol class="story">${revision.story.map((line) => html`<li>${line}</li>`)}</ol>`}
      <p class="buttons"><${Act} question=${{ title: `Roll back to revision ${number}`, verb: 'Roll back', text: 'A new revision with its content goes to the fleet, in waves. The file is kept out until it changes.', path: 'rollback', body: { revision: number }, danger: true }}>Roll back to this<//></p>
    </section>
    <form class="bar" onSubmit=${(event) => event.preventDefault()}>
      <label>Compare with revision <input type="number" min="1" value=${against} onInput=${({ target }) => setAgainst(Number(target.value))} /></label>
      <label><input type="checkbox" checked=${whole} onChange=${({ target }) => setWhole(target.checked)} /> whole file</label>
    </form>
    ${whole || against < 1 ? html`<${Card}><pre class="file">${file}</pre><//>` : html`<${Diff} from=${against} to=${number} />`}`;
}

const SIGN = { same: ' ', removed: '−', added: '+' };

function Diff({ from, to }) {
  const { data, error, url } = useApi('diff', { from, to }, `${from} ${to}`);
  if (!data) return html`<${Problem} error=${error} />`;
  if (data.hunks.length === 0) return html`<p class="dim" key=${url}>The files of revisions ${from} and ${to} are the same.</p>`;
  const count = (kind) => data.hunks.flat().filter((line) => line.kind === kind).length;
  return html`<${Problem} error=${error} />
    <p class="dim">${many(count('added'), 'line')} added, ${many(count('removed'), 'line')} removed since revision ${from}.${data.is_cut ? ' Only the beginning is shown.' : ''}</p>
    ${data.hunks.map((lines) => html`<div class="scroll" tabindex="0" role="region" aria-label=${`Lines from ${lines[0].new ?? lines[0].old}`}><table class="diff">
      <caption class="unseen">Lines that differ between revisions ${from} and ${to}</caption>
      <tbody>${lines.map(({ kind, old, new: now, text }) => html`<tr class=${kind}><td class="num">${old}</td><td class="num">${now}</td>
        <td><span class="unseen">${kind === 'same' ? '' : `${kind}: `}</span><span aria-hidden="true">${SIGN[kind]} </span>${text}</td></tr>`)}</tbody>
    </table></div>`)}`;
}
