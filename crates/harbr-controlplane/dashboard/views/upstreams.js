import { html } from '../vendor/htm-preact.js';
import { useApi } from '../live.js';
import { Ago, Badge, ListBar, Problem, Table, useList } from '../parts.js';

const KIND = { healthy: 'good', unhealthy: 'bad', unknown: '' };
const WINDOW = 15 * 60;

export function Upstreams({ query }) {
  const list = useList(query);
  const { data, error } = useApi('upstreams', list.parameters);
  return html`
    <h2>Upstreams</h2>
    <p class="dim">The strip is an endpoint's health over the last 15 minutes.</p>
    <${Problem} error=${error} />
    ${data && html`<${ListBar} label="name or URL" list=${list} total=${data.total} />
    ${data.items.map((upstream) => html`<section class="card" key=${upstream.name}>
      <h3>${upstream.name} <span class="dim">${upstream.balance}${upstream.health_check ? '' : ', not probed'}</span></h3>
      <div class="cells" aria-hidden="true">${upstream.endpoints.map(({ url, health }) => html`<span class=${`cell ${health}`} title=${`${url}: ${health}`}></span>`)}</div>
      <${Table} caption=${`Endpoints of ${upstream.name}`} rows=${upstream.endpoints} keyOf=${({ url }) => url} columns=${[
        ['Endpoint', ({ url }) => html`<code>${url}</code>`],
        ['Health', ({ health }) => html`<${Badge} kind=${KIND[health]}>${health}<//>`],
        ['15 minutes', ({ history, health }) => html`<${Strip} history=${history} health=${health} />`],
        ['Since', ({ since }) => html`<${Ago} time=${since} />`],
        ['Weight', ({ weight }) => weight, 'num'],
        ['Last error', ({ last_error }) => last_error ?? ''],
      ]} />
    </section>`)}`}`;
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
  return html`<span class="strip" role="img" aria-label=${`${health}; ${Math.max(0, history.length - 1)} changes`}>
    <i style=${{ width: `${100 * (1 - known)}%` }}></i>
    ${pieces.map(({ health, share }) => html`<i class=${health} style=${{ width: `${100 * share}%` }}></i>`)}
  </span>`;
}
