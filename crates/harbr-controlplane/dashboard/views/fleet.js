import { html, useState } from '../vendor/htm-preact.js';
import { useApi, useLive } from '../live.js';
import { TrafficCharts } from '../charts.js';
import { Act } from '../operator.js';
import { Ago, Badge, Card, Figure, LOAD_COLUMNS, ListBar, Opener, Problem, Table, many, millis, number, percent, short, useList } from '../parts.js';

const SORTS = [['', 'by id'], ['state', 'not ready first'], ['rate', 'busiest'], ['errors', 'most errors'], ['p99', 'slowest']];

export function Fleet({ query }) {
  const { overview } = useLive();
  const list = useList(query);
  const [open, setOpen] = useState(query.get('node'));
  const { data, error } = useApi('nodes', list.parameters);
  return html`
    <h2>Fleet</h2>
    ${overview && html`<${Totals} overview=${overview} />`}
    ${overview?.status.config_error && html`<${Card} title="The file on disk is not served" kind="alarm">
      <pre>${overview.status.config_error.message}</pre><//>`}
    ${overview?.status.config_warnings.length > 0 && html`<${Card} title="What the file says and probably does not mean" kind="warning">
      <ul class="plain">${overview.status.config_warnings.map(({ code, message, line }) => html`<li><code>${code}</code> line ${line}: ${message}</li>`)}</ul><//>`}
    <${TrafficCharts} />
    <h3>Nodes</h3>
    <${Problem} error=${error} />
    ${data && html`<${ListBar} hint="id, label, state, address" list=${list} total=${data.total} sorts=${SORTS} />
    <${Table} caption="Nodes" rows=${data.items} keyOf=${(node) => node.id + node.instance_id}
      more=${(node) => (open === node.id ? html`<${Node} node=${node} />` : null)} columns=${[
      ['Node', ({ id, labels }) => html`<${Opener} open=${open === id} onToggle=${() => setOpen(open === id ? null : id)}>${id}<//>
        ${Object.entries(labels).map(([name, value]) => html`<span class="label">${name}=${value}</span>`)}`],
      ['State', ({ state }) => html`<${Badge} state=${state} />`],
      ['Serves', ({ serving_revision, target_revision }) => html`${serving_revision || '–'}${target_revision && target_revision !== serving_revision ? html`<span class="warn" title="what it should serve"> → ${target_revision}</span>` : ''}`, 'num'],
      ...LOAD_COLUMNS,
      ['Connections', ({ connections }) => number(connections), 'num'],
      ['Session', ({ since, state }) => html`<span class=${state === 'disconnected' ? 'bad' : ''}>${state === 'disconnected' ? 'gone ' : ''}<${Ago} time=${since} bare /></span>`, 'num'],
      ['Last error', ({ last_error }) => html`<span class="clip" title=${last_error ?? ''}>${last_error ?? ''}</span>`],
    ]} />`}`;
}

function Totals({ overview: { status, nodes, load, endpoints, connections, routes, upstreams } }) {
  const all = endpoints.healthy + endpoints.unhealthy + endpoints.unknown;
  const off = ['syncing', 'rejected', 'draining', 'disconnected'].filter((state) => nodes[state]);
  return html`<dl class="figures">
    <${Figure} title="Nodes ready" value=${number(nodes.ready)} unit=${` of ${number(status.nodes.total)}`} kind=${nodes.rejected + nodes.disconnected ? 'warn' : ''}>
      ${off.map((state) => html`<a href="#fleet?sort=state"><${Badge} state=${state}>${number(nodes[state])} ${state}<//></a> `)}<//>
    <${Figure} title="Requests" value=${number(load.request_rate)} unit="/s">${many(connections, 'connection')}<//>
    <${Figure} title="Errors" value=${percent(load.error_rate, load.request_rate)} kind=${load.error_rate ? 'bad' : ''}>${number(load.error_rate)}/s, ${number(load.retry_rate)} retries/s<//>
    <${Figure} title="Latency, p50" value=${millis(load.p50_ms)}>p99 ${millis(load.p99_ms)}<//>
    <${Figure} title="Endpoints healthy" value=${number(endpoints.healthy)} unit=${` of ${number(all)}`} kind=${endpoints.unhealthy ? 'bad' : ''}>
      ${endpoints.unhealthy > 0 && html`<a href="#upstreams?sort=health"><${Badge} kind="bad">${number(endpoints.unhealthy)} unhealthy<//></a>`}<//>
    <${Figure} title="Routes" value=${number(routes)}>${many(upstreams, 'upstream')}<//>
  </dl>`;
}

function Node({ node }) {
  const drained = node.drained;
  const targets = { nodes: [node.id] };
  return html`<div class="details">
    <${TrafficCharts} of=${{ node: node.id }} />
    <dl>
      <dt>Serves</dt><dd>revision ${node.serving_revision || '–'} <code>${short(node.serving_hash)}</code> since <${Ago} time=${node.serving_since} />${node.override && html` <${Badge} kind="warn">${node.override}<//>`}</dd>
      <dt>Process</dt><dd>build ${node.build}, instance <code>${short(node.instance_id)}</code>, admin address <code>${node.address || '–'}</code></dd>
      <dt>Answered</dt><dd>${many(node.requests, 'request')}, ${many(node.failures, 'failure')} since it started</dd>
      ${drained && html`<dt>Drained</dt><dd>by ${drained.actor ?? 'somebody'} <${Ago} time=${drained.since} />${drained.reason && html`: ${drained.reason}`}</dd>`}
      ${node.quarantined.map(({ hash, reason }) => html`<dt>Quarantined</dt><dd><code>${short(hash)}</code> ${reason}</dd>`)}
      ${node.last_error && html`<dt>Last error</dt><dd>${node.last_error}</dd>`}
    </dl>
    <p class="buttons">${drained
      ? html`<${Act} question=${{ title: `Let ${node.id} serve again`, verb: 'Undrain', path: 'undrain', body: targets }}>Undrain<//>`
      : html`<${Act} question=${{ title: `Drain ${node.id}`, verb: 'Drain', text: 'It is not ready any more, and its connections end one by one within 30 s.', path: 'drain', body: targets, danger: true }}>Drain<//>`}</p>
  </div>`;
}
