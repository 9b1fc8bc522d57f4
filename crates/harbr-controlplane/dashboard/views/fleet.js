import { html } from '../vendor/htm-preact.js';
import { useApi, useLive } from '../live.js';
import { Ago, Badge, Card, Chart, ListBar, Problem, Table, millis, number, percent, short, useList } from '../parts.js';

const KIND = { ready: 'good', syncing: 'warn', draining: 'warn', rejected: 'bad', disconnected: 'bad' };

export function Fleet({ query }) {
  const { overview } = useLive();
  const list = useList(query);
  const { data, error } = useApi('nodes', list.parameters);
  return html`
    <h2>Fleet</h2>
    ${overview && html`<${Totals} overview=${overview} />`}
    ${overview?.status.config_error && html`<${Card} title="The file on disk is not served">
      <pre class="problem">${overview.status.config_error.message}</pre><//>`}
    <${TrafficCharts} title="All routes" />
    <h3>Nodes</h3>
    <${Problem} error=${error} />
    ${data && html`<${ListBar} label="id, label or address" list=${list} total=${data.total} />
    <${Table} caption="Nodes" rows=${data.items} keyOf=${(node) => node.id + node.instance_id} columns=${[
      ['Node', ({ id, labels }) => html`<b>${id}</b> <span class="dim">${Object.entries(labels).map(([k, v]) => `${k}=${v}`).join(' ')}</span>`],
      ['State', ({ state }) => html`<${Badge} kind=${KIND[state]}>${state}<//>`],
      ['Serves', ({ serving_revision, serving_hash }) => html`${serving_revision} <code class="dim">${short(serving_hash)}</code>`],
      ['Requests/s', ({ load }) => number(load.request_rate), 'num'],
      ['Connections', ({ connections }) => number(connections), 'num'],
      ['Since', ({ since }) => html`<${Ago} time=${since} />`],
      ['Address', ({ address }) => html`<code>${address}</code>`],
      ['Last error', ({ last_error }) => last_error ?? ''],
    ]} />`}`;
}

function Totals({ overview: { status, nodes, traffic, endpoints } }) {
  return html`<div class="cards">
    <${Card} title="Nodes ready"><p class="big">${nodes.ready}<span class="dim"> / ${status.nodes.total}</span></p>
      ${['syncing', 'rejected', 'draining', 'disconnected'].filter((state) => nodes[state]).map((state) => html`<${Badge} kind=${KIND[state]}>${nodes[state]} ${state}<//> `)}<//>
    <${Card} title="Requests/s"><p class="big">${number(traffic.request_rate)}</p><//>
    <${Card} title="Errors"><p class=${`big ${traffic.error_rate ? 'bad' : ''}`}>${percent(traffic.error_rate, traffic.request_rate)}</p><//>
    <${Card} title="Latency p50, p99"><p class="big">${millis(traffic.p50_ms)}</p><span class="dim">p99 ${millis(traffic.p99_ms)}</span><//>
    <${Card} title="Endpoints healthy"><p class="big">${endpoints.healthy}<span class="dim"> / ${endpoints.healthy + endpoints.unhealthy + endpoints.unknown}</span></p>
      ${endpoints.unhealthy > 0 && html`<${Badge} kind="bad">${endpoints.unhealthy} unhealthy<//>`}<//>
  </div>`;
}

// Rate, errors and latency of one route, or of all without one.
export function TrafficCharts({ route, title }) {
  const { data } = useApi('series', route ? { route } : {});
  if (!data) return null;
  const { end, step_s: step } = data;
  return html`<div class="charts">
    <${Chart} title=${`${title}: requests per second`} end=${end} step=${step} series=${[
      ['requests', data.request_rate, '--accent'], ['errors', data.error_rate, '--bad']]} />
    <${Chart} title=${`${title}: latency`} end=${end} step=${step} series=${[
      ['p50', data.p50_ms, '--good', millis], ['p99', data.p99_ms, '--warn', millis]]} />
  </div>`;
}
