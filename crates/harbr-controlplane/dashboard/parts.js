// The pieces that views are made of, and how numbers and times are written.
import { html, useEffect, useState } from './vendor/htm-preact.js';

export const PAGE = 50;

export function number(value) {
  if (value == null) return '–';
  if (value >= 100_000) return value.toLocaleString('en', { notation: 'compact', maximumFractionDigits: 1 });
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 });
}
export const percent = (part, whole) => {
  const share = whole ? (100 * part) / whole : 0;
  return `${share > 0 && share < 0.1 ? '<0.1' : number(share)} %`;
};
export const millis = (value) => {
  if (value == null) return '–';
  return value >= 10_000 ? `${number(value / 1000)} s` : `${number(value)} ms`;
};
export const short = (hash) => (hash ? hash.slice(0, 8) : '–');
export const many = (count, one, more = `${one}s`) => `${number(count)} ${count === 1 ? one : more}`;

export function duration(ms) {
  const seconds = Math.round(ms / 1000);
  if (ms < 1000) return `${ms} ms`;
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

const KIND = {
  ready: 'good', healthy: 'good', proven: 'good', good: 'good',
  rejected: 'bad', disconnected: 'bad', unhealthy: 'bad', bad: 'bad',
  syncing: 'warn', draining: 'warn', pending: 'warn', rolled_back: 'warn', drained: 'warn',
  rolling: 'busy', baking: 'busy', proving: 'busy',
};

// A state in its own colour, and in words for those who do not see it.
export function Badge({ state, kind = KIND[state] ?? '', children }) {
  return html`<span class=${`badge ${kind}`}>${children ?? state.replaceAll('_', ' ')}</span>`;
}

// A moment as how long ago it was; in full for a pointer and in the markup.
export function Ago({ time, bare }) {
  if (!time) return '–';
  const seconds = Math.max(0, (Date.now() - Date.parse(time)) / 1000);
  const text = seconds < 90 ? `${Math.round(seconds)} s`
    : seconds < 5400 ? `${Math.round(seconds / 60)} min`
    : seconds < 129600 ? `${Math.round(seconds / 3600)} h`
    : `${Math.round(seconds / 86400)} days`;
  return html`<time datetime=${time} title=${new Date(time).toLocaleString()}>${bare ? text : `${text} ago`}</time>`;
}

export function Problem({ error }) {
  return error ? html`<p class="problem" role="alert">${error}</p>` : null;
}

export function Card({ title, children, kind = '' }) {
  return html`<section class=${`card ${kind}`}>${title && html`<h3>${title}</h3>`}${children}</section>`;
}

export function Figure({ title, value, unit, children, kind = '' }) {
  return html`<div class="figure"><dt>${title}</dt><dd class=${kind}>${value}${unit && html`<small>${unit}</small>`}</dd>
    ${children && html`<dd class="more">${children}</dd>`}</div>`;
}

// A table with a caption for those who do not see it. `columns`: [heading, row => cell, class]. `more`: what is shown
// below a row that is open.
export function Table({ caption, columns, rows, keyOf, empty = 'Nothing here.', more = () => null }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${caption}><table>
    <caption class="unseen">${caption}</caption>
    <thead><tr>${columns.map(([heading, , kind]) => html`<th scope="col" class=${kind}>${heading}</th>`)}</tr></thead>
    <tbody>${rows.length === 0
      ? html`<tr><td colspan=${columns.length} class="empty">${empty}</td></tr>`
      : rows.map((row) => {
        const below = more(row);
        return [
          html`<tr key=${keyOf(row)} class=${below ? 'open' : ''}>${columns.map(([, cell, kind]) => html`<td class=${kind}>${cell(row)}</td>`)}</tr>`,
          below && html`<tr key=${`${keyOf(row)} more`} class="more"><td colspan=${columns.length}>${below}</td></tr>`,
        ];
      })}
    </tbody>
  </table></div>`;
}

// A name that opens and closes what is below it.
export function Opener({ open, onToggle, children }) {
  return html`<button type="button" class="opener" aria-expanded=${open} onClick=${onToggle}>${children}</button>`;
}

export const rate = ({ load }) => number(load.request_rate);
export const errors = ({ load }) => html`<span class=${load.error_rate > 0 ? 'bad' : 'dim'}>${percent(load.error_rate, load.request_rate)}</span>`;
export const p50 = ({ load }) => millis(load.p50_ms);
export const p99 = ({ load }) => millis(load.p99_ms);
export const retries = ({ load }) => html`<span class=${load.retry_rate > 0 ? '' : 'dim'}>${number(load.retry_rate)}</span>`;
export const LOAD_COLUMNS = [
  ['Requests/s', rate, 'num'], ['Errors', errors, 'num'], ['Retries/s', retries, 'num'], ['p50', p50, 'num'], ['p99', p99, 'num'],
];

// Search, page and sort of a list that the controller cuts to size.
export function useList(query, sorted = '') {
  const [q, setQ] = useState(query.get('q') ?? '');
  const [offset, setOffset] = useState(0);
  const [sort, setSort] = useState(query.get('sort') ?? sorted);
  const parameters = { limit: PAGE, offset, ...(q && { q }), ...(sort && { sort }) };
  const from = (set) => (value) => {
    set(value);
    setOffset(0);
  };
  return { q, setQ: from(setQ), sort, setSort: from(setSort), offset, setOffset, parameters };
}

export function ListBar({ hint, list, total, sorts = [] }) {
  const { q, setQ, sort, setSort, offset, setOffset } = list;
  const pages = total > PAGE || offset > 0;
  // The moment from which on the page is of use, for who measures it.
  useEffect(() => {
    if (performance.getEntriesByName('interactive').length === 0) performance.mark('interactive');
  }, []);
  return html`<form class="bar" role="search" onSubmit=${(event) => event.preventDefault()}>
    <label>Search <input type="search" value=${q} placeholder=${hint} onInput=${({ target }) => setQ(target.value)} /></label>
    ${sorts.length > 0 && html`<label>Sort <select value=${sort} onChange=${({ target }) => setSort(target.value)}>
      ${sorts.map(([value, name]) => html`<option value=${value}>${name}</option>`)}
    </select></label>`}
    <span class="pages">
      <span role="status">${total === 0 ? 'none' : `${number(offset + 1)}–${number(Math.min(total, offset + PAGE))} of ${number(total)}`}</span>
      ${pages && html`<button type="button" disabled=${offset === 0} onClick=${() => setOffset(Math.max(0, offset - PAGE))}>Previous</button>
      <button type="button" disabled=${offset + PAGE >= total} onClick=${() => setOffset(offset + PAGE)}>Next</button>`}
    </span>
  </form>`;
}
