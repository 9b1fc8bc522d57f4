import { html, useEffect, useState } from '../vendor/htm-preact.js';
import { ask } from '../live.js';
import { Ago, Badge, Card, Problem, Table, duration, many } from '../parts.js';

export function Explain({ query }) {
  const [fields, setFields] = useState({
    method: query.get('method') ?? 'GET', url: query.get('url') ?? '', headers: '', from: '', revision: '', node: '',
  });
  const [{ answer, error }, setAnswer] = useState({});
  const field = (name) => ({ value: fields[name], onInput: ({ target }) => setFields((fields) => ({ ...fields, [name]: target.value })) });
  const explain = () => {
    const given = Object.entries(fields).filter(([, value]) => value.trim());
    ask(`api/v1/explain?${new URLSearchParams(given)}`).then((answer) => setAnswer({ answer }), ({ message }) => setAnswer({ error: message }));
  };
  useEffect(() => {
    if (fields.url) explain();
  }, []);
  return html`
    <h2>Explain</h2>
    <p class="dim">Which route answers a request, why the others do not, and what becomes of it: by the proxies' own code.</p>
    <form class="card ask" onSubmit=${(event) => { event.preventDefault(); explain(); }}>
      <label class="method">Method <input ...${field('method')} list="methods" required /></label>
      <datalist id="methods">${['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((method) => html`<option value=${method} />`)}</datalist>
      <label class="url">URL <input ...${field('url')} placeholder="http://example.com/" required /></label>
      <label class="headers">Headers, one a line <textarea rows="2" placeholder="name: value" ...${field('headers')}></textarea></label>
      <label>Client address <input ...${field('from')} placeholder="127.0.0.1" /></label>
      <label>Revision <input ...${field('revision')} inputmode="numeric" placeholder="what the fleet should serve" /></label>
      <label>or of node <input ...${field('node')} placeholder="id" /></label>
      <button class="primary">Explain</button>
    </form>
    <div aria-live="polite"><${Problem} error=${error} />${answer && html`<${Answer} answer=${answer} />`}</div>`;
}

function head({ method }, { path, host, headers }) {
  const lines = headers.map(({ name, value }) => `${name}: ${value}`);
  return [`${method} ${path}`, `host: ${host ?? "(the endpoint's own)"}`, ...lines].join('\n');
}

function Answer({ answer }) {
  const { configuration, status, reason, allowed_methods: allowed, route, candidates, others, forwarded, endpoints, timeouts, retries, request } = answer;
  return html`
    <${Card} kind=${status ? 'alarm' : ''}>
      <p class="verdict">${status
        ? html`<${Badge} kind="bad">${status}<//> ${reason}${allowed.length > 0 && html`: ${allowed.join(', ')}`}`
        : html`<${Badge} kind="good">answers<//> <code>${route.route}</code>`}${route && html` <span class="dim">→</span> <a href=${`#upstreams?q=${encodeURIComponent(route.upstream)}`}>${route.upstream}</a> <code class="dim">${route.source}</code>`}</p>
      <p class="dim">${configuration}; the path as it is matched: <code>${request.normal_path || '–'}</code></p>
    <//>
    <h3>Candidates</h3>
    <${Table} caption="Routes whose host and path match, in the order in which they are tried" rows=${candidates} keyOf=${({ route, source }) => route + source}
      empty="No route's host and path match." columns=${[
      ['Route', ({ route }) => html`<code>${route}</code>`],
      ['Verdict', ({ answers, why }) => (answers ? html`<${Badge} kind="good">${why}<//>` : why)],
      ['In the file', ({ source }) => html`<code class="dim">${source}</code>`],
    ]} />
    <p class="dim">${many(others.other_host, 'route')} for other hosts, ${many(others.other_path, 'route')} for other paths.</p>
    ${forwarded && html`<div class="pair">
      <${Card} title="As it goes on"><pre>${head(request, forwarded)}</pre><//>
      <${Card} title="Its clocks and retries"><dl>
        <dt>An attempt</dt><dd>${duration(timeouts.attempt_ms)} up to the head</dd>
        <dt>In all</dt><dd>${duration(timeouts.request_ms)}</dd>
        <dt>A body at rest</dt><dd>${duration(timeouts.idle_ms)}</dd>
        <dt>Retries</dt><dd>${retries.count === 0 ? 'none, but a resend where nothing was sent' : html`at most ${retries.count}${retries.after_failures ? ', also after failures' : ', only where nothing was sent'}`}</dd>
        <dt>Budget</dt><dd>${retries.budget_percent} % of the upstream's active requests, at least ${retries.budget_at_least}</dd>
      </dl><//></div>
    <h3>Endpoints</h3>
    <${Table} caption="Endpoints that may get it" rows=${endpoints} keyOf=${({ url }) => url} columns=${[
      ['Endpoint', ({ url }) => html`<code>${url}</code>`],
      ['May get it', ({ eligible }) => html`<${Badge} kind=${eligible ? 'good' : 'bad'}>${eligible ? 'yes' : 'no'}<//>`],
      ['Health', ({ health, since, last_error, failures_in_a_row, drained }) => html`<${Badge} state=${drained ? 'drained' : health} />${since && html` since <${Ago} time=${since} />`}${failures_in_a_row && html`, ${failures_in_a_row} failures in a row`}${last_error && html`: ${last_error}`}`],
      ['Weight', ({ weight }) => weight, 'num'],
      ['Asked for', ({ target }) => html`<code>${target}</code>`],
    ]} />`}`;
}
