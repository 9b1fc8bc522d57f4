import { html, useState } from '../vendor/htm-preact.js';
import { useApi } from '../live.js';
import { ListBar, Problem, Table, millis, number, percent, useList } from '../parts.js';
import { TrafficCharts } from './fleet.js';

const SORTS = [['', 'as matched'], ['rate', 'busiest'], ['errors', 'most errors'], ['p99', 'slowest']];

export function Routes({ query }) {
  const list = useList(query);
  const [chosen, setChosen] = useState(query.get('route'));
  const { data, error } = useApi('routes', list.parameters);
  return html`
    <h2>Routes</h2>
    ${chosen && html`<section aria-label=${`Traffic of ${chosen}`}>
      <p><code>${chosen}</code> <button onClick=${() => setChosen(null)}>Close</button></p>
      <${TrafficCharts} route=${chosen} title=${chosen} /></section>`}
    <${Problem} error=${error} />
    ${data && html`<${ListBar} label="host, path or upstream" list=${list} total=${data.total} sorts=${SORTS} />
    <${Table} caption="Routes" rows=${data.items} keyOf=${(route) => route.route} columns=${[
      ['Route', ({ route }) => html`<button onClick=${() => setChosen(route)} aria-label=${`Show the traffic of ${route}`}><code>${route}</code></button>`],
      ['Upstream', ({ upstream }) => html`<a href=${`#upstreams?q=${encodeURIComponent(upstream)}`}>${upstream}</a>`],
      ['Requests/s', ({ load }) => number(load.request_rate), 'num'],
      ['Errors', ({ load }) => html`<span class=${load.error_rate ? 'bad' : ''}>${percent(load.error_rate, load.request_rate)}</span>`, 'num'],
      ['p50', ({ load }) => millis(load.p50_ms), 'num'],
      ['p99', ({ load }) => millis(load.p99_ms), 'num'],
      ['In the file', ({ source }) => html`<code>${source}</code>`],
    ]} />`}`;
}
