// The pieces that views are made of, and how numbers and times are written.
import { html, useEffect, useRef, useState } from './vendor/htm-preact.js';

export const PAGE = 50;

export const number = (value) => (value ?? 0).toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 });
export const percent = (part, whole) => `${whole ? number((100 * part) / whole) : 0} %`;
export const millis = (value) => (value == null ? '–' : `${number(value)} ms`);
export const short = (hash) => (hash ? hash.slice(0, 12) : '–');

export function Badge({ kind, children }) {
  return html`<span class=${`badge ${kind}`}>${children}</span>`;
}

// A moment as how long ago it was; in full for a pointer and in the markup.
export function Ago({ time }) {
  if (!time) return '–';
  const seconds = Math.max(0, (Date.now() - Date.parse(time)) / 1000);
  const text = seconds < 90 ? `${Math.round(seconds)} s ago`
    : seconds < 5400 ? `${Math.round(seconds / 60)} min ago`
    : seconds < 129600 ? `${Math.round(seconds / 3600)} h ago`
    : `${Math.round(seconds / 86400)} days ago`;
  return html`<time datetime=${time} title=${new Date(time).toLocaleString()}>${text}</time>`;
}

export function Problem({ error }) {
  return error ? html`<p class="problem" role="alert">${error}</p>` : null;
}

export function Card({ title, children }) {
  return html`<section class="card"><h3>${title}</h3>${children}</section>`;
}

// A table with a caption for those who do not see it. `columns`: [heading, row => cell, class].
export function Table({ caption, columns, rows, keyOf, empty = 'Nothing here.' }) {
  return html`<div class="scroll"><table>
    <caption class="unseen">${caption}</caption>
    <thead><tr>${columns.map(([heading, , kind]) => html`<th scope="col" class=${kind}>${heading}</th>`)}</tr></thead>
    <tbody>${rows.length === 0
      ? html`<tr><td colspan=${columns.length} class="empty">${empty}</td></tr>`
      : rows.map((row) => html`<tr key=${keyOf(row)}>${columns.map(([, cell, kind]) => html`<td class=${kind}>${cell(row)}</td>`)}</tr>`)}
    </tbody>
  </table></div>`;
}

// Search, page and sort of a list that the controller cuts to size.
export function useList(query) {
  const [q, setQ] = useState(query.get('q') ?? '');
  const [offset, setOffset] = useState(0);
  const [sort, setSort] = useState(query.get('sort') ?? '');
  const parameters = { limit: PAGE, offset, ...(q && { q }), ...(sort && { sort }) };
  const from = (set) => (value) => {
    set(value);
    setOffset(0);
  };
  return { q, setQ: from(setQ), sort, setSort: from(setSort), offset, setOffset, parameters };
}

export function ListBar({ label, list, total, sorts = [] }) {
  const { q, setQ, sort, setSort, offset, setOffset } = list;
  return html`<form class="bar" role="search" onSubmit=${(event) => event.preventDefault()}>
    <label>Search <input type="search" value=${q} placeholder=${label} onInput=${({ target }) => setQ(target.value)} /></label>
    ${sorts.length > 0 && html`<label>Sort <select value=${sort} onChange=${({ target }) => setSort(target.value)}>
      ${sorts.map(([value, name]) => html`<option value=${value}>${name}</option>`)}
    </select></label>`}
    <span class="pages">
      <button type="button" disabled=${offset === 0} onClick=${() => setOffset(Math.max(0, offset - PAGE))}>Previous</button>
      <span role="status">${total === 0 ? 'none' : `${offset + 1}–${Math.min(total, offset + PAGE)} of ${number(total)}`}</span>
      <button type="button" disabled=${offset + PAGE >= total} onClick=${() => setOffset(offset + PAGE)}>Next</button>
    </span>
  </form>`;
}

// A variable's colour as a canvas takes it: the one of the scheme that is in use.
function colour(element, variable) {
  element.style.color = `var(${variable})`;
  const { color } = getComputedStyle(element);
  element.style.color = '';
  return color;
}

// Lines over time. `series`: [[name, values, colour variable, how to write a value], …].
export function Chart({ title, end, step, series }) {
  const place = useRef(null);
  const values = JSON.stringify(series.map(([, values]) => values));
  useEffect(() => {
    const axis = { stroke: colour(place.current, '--dim'), grid: { stroke: colour(place.current, '--line'), width: 1 } };
    const length = series[0][1].length;
    const times = Array.from({ length }, (_, index) => end - (length - 1 - index) * step);
    const plot = new uPlot({
      width: Math.max(240, place.current.clientWidth),
      height: 160,
      scales: { y: { range: (_, low, high) => [0, Math.max(1, high * 1.1)] } },
      axes: [axis, { ...axis, size: 56, values: (_, ticks) => ticks.map(series[0][3] ?? number) }],
      series: [{}, ...series.map(([name, , variable, write]) => ({
        label: name, stroke: colour(place.current, variable), width: 1.5, spanGaps: false,
        value: (_, value) => (value == null ? '–' : (write ?? number)(value)),
      }))],
    }, [times, ...series.map(([, values]) => values)], place.current);
    return () => plot.destroy();
  }, [values, end, step]);
  const latest = series.map(([name, values, , write]) => `${name} ${(write ?? number)(values.at(-1) ?? 0)}`).join(', ');
  return html`<figure class="chart"><figcaption>${title}</figcaption>
    <div ref=${place} role="img" aria-label=${`${title} over the last 15 minutes; now: ${latest}`}></div></figure>`;
}
