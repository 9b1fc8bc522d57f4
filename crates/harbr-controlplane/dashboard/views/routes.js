import { html, useState } from '../vendor/htm-preact.js';
import { useApi } from '../live.js';
import { TrafficCharts } from '../charts.js';
import { LOAD_COLUMNS, ListBar, Opener, Problem, Table, duration, useList } from '../parts.js';

const SORTS = [['rate', 'busiest'], ['errors', 'most errors'], ['p99', 'slowest'], ['', 'as in the file']];

export function Routes({ query }) {
  const list = useList(query, 'rate');
  const [open, setOpen] = useState(query.get('route'));
  const { data, error } = useApi('routes', list.parameters);
  return html`
    <h2>Routes</h2>
    <${Problem} error=${error} />
    ${data && html`<${ListBar} hint="host, path or upstream" list=${list} total=${data.total} sorts=${SORTS} />
    <${Table} caption="Routes" rows=${data.items} keyOf=${({ route }) => route}
      more=${(route) => (open === route.route ? html`<${Route} route=${route} />` : null)} columns=${[
      ['Route', ({ route, methods }) => html`<${Opener} open=${open === route} onToggle=${() => setOpen(open === route ? null : route)}>${route}<//>
        ${(methods ?? []).map((method) => html`<span class="label">${method}</span>`)}`],
      ['Upstream', ({ upstream }) => html`<a href=${`#upstreams?q=${encodeURIComponent(upstream)}`}>${upstream}</a>`],
      ...LOAD_COLUMNS,
      ['In the file', ({ source }) => html`<code class="dim">${source}</code>`],
    ]} />`}`;
}

function Route({ route }) {
  const host = route.host && !route.host.startsWith('*') ? route.host : 'example.com';
  return html`<div class="details">
    <${TrafficCharts} of=${{ route: route.route }} />
    <dl>
      <dt>Timeouts</dt><dd>${duration(route.timeout_ms)} an attempt, ${duration(route.request_timeout_ms)} in all</dd>
      <dt>Retries</dt><dd>${route.retry_count === 0 ? 'none' : `at most ${route.retry_count}`}</dd>
      <dt>Where</dt><dd><code>${route.source}</code></dd>
    </dl>
    <p class="buttons"><a href=${`#explain?url=${encodeURIComponent(`${host}${route.path}`)}`}>Explain a request to it</a></p>
  </div>`;
}
