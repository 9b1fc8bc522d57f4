import { html } from '../vendor/htm-preact.js';
import { useApi } from '../live.js';
import { Act } from '../operator.js';
import { Ago, Badge, LOAD_COLUMNS, ListBar, Problem, number, useList } from '../parts.js';

const SORTS = [['health', 'unhealthy first'], ['rate', 'busiest'], ['errors', 'most errors'], ['p99', 'slowest'], ['', 'by name']];
const WINDOW = 15 * 60;

export function Upstreams({ query }) {
  const list = useList(query, 'health');
  const { data, error } = useApi('upstreams', list.parameters);
  return html`
    <h2>Upstreams</h2>
    <${Problem} error=${error} />
    ${data && html`<${ListBar} hint="name or URL" list=${list} total=${data.total} sorts=${SORTS} />
    <${Matrix} upstreams=${data.items} />`}`;
}

// A row for each endpoint: what it is now, and what it was in the last 15 minutes.
function Matrix({ upstreams }) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Upstreams and the health of their endpoints"><table class="matrix">
    <caption class="unseen">Upstreams and the health of their endpoints over the last 15 minutes</caption>
    <thead><tr>
      <th scope="col">Upstream</th>${LOAD_COLUMNS.map(([heading]) => html`<th scope="col" class="num">${heading}</th>`)}<th scope="col" class="num">In flight</th>
      <th scope="col">Endpoint</th><th scope="col">15 minutes</th><th scope="col">Health</th><th scope="col" class="num">Since</th><th scope="col">Last error</th>
    </tr></thead>
    ${upstreams.length === 0 && html`<tbody><tr><td colspan="12" class="empty">Nothing here.</td></tr></tbody>`}
    ${upstreams.map((upstream) => html`<tbody key=${upstream.name}>${upstream.endpoints.map((endpoint, index) => html`<tr key=${endpoint.url}>
      ${index === 0 && html`<th scope="rowgroup" rowspan=${upstream.endpoints.length}>${upstream.name} <span class="label">${upstream.balance.replaceAll('_', ' ')}</span>${!upstream.health_check && html` <span class="label">not probed</span>`}</th>
        ${LOAD_COLUMNS.map(([, cell]) => html`<td class="num" rowspan=${upstream.endpoints.length}>${cell(upstream)}</td>`)}
        <td class="num" rowspan=${upstream.endpoints.length}>${number(upstream.in_flight)}</td>`}
      <${Endpoint} endpoint=${endpoint} />
    </tr>`)}</tbody>`)}
  </table></div>`;
}

function Endpoint({ endpoint: { url, weight, health, since, last_error, history, drained } }) {
  const targets = { endpoints: [url] };
  return html`
    <td><code>${url}</code>${weight !== 1 && html` <span class="label">weight ${weight}</span>`}</td>
    <td><${Strip} history=${history} health=${health} /></td>
    <td><${Badge} state=${drained ? 'drained' : health} />
      ${drained ? html`<${Act} question=${{ title: `Let ${url} have requests again`, verb: 'Undrain', path: 'undrain', body: targets }}>Undrain<//>`
        : html`<${Act} question=${{ title: `Drain ${url}`, verb: 'Drain', text: 'It gets no new request.', path: 'drain', body: targets, danger: true }}>Drain<//>`}</td>
    <td class="num"><${Ago} time=${since} bare /></td>
    <td><span class="clip" title=${last_error ?? ''}>${last_error ?? ''}</span></td>`;
}

// Health over time as a strip of as many pieces as there were changes.
function Strip({ history, health }) {
  const now = Date.now() / 1000;
  const pieces = history.map(({ at, health }, index) => {
    const from = Math.max(now - WINDOW, Date.parse(at) / 1000);
    const to = history[index + 1] ? Date.parse(history[index + 1].at) / 1000 : now;
    return { health, share: Math.max(0, (to - from) / WINDOW) };
  });
  const known = pieces.reduce((sum, { share }) => sum + share, 0);
  const falls = history.filter(({ health }) => health === 'unhealthy').length;
  return html`<span class="strip" role="img" aria-label=${`now ${health}; unhealthy ${falls} times in the last 15 minutes`}>
    <i style=${{ width: `${100 * Math.max(0, 1 - known)}%` }}></i>
    ${pieces.map(({ health, share }) => html`<i class=${health} style=${{ width: `${100 * share}%` }}></i>`)}
  </span>`;
}
