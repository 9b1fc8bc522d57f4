// The shell: which view is shown, and the stream that keeps it live.
import { html, render, useEffect, useRef, useState } from './vendor/htm-preact.js';
import { Live, openStream } from './live.js';
import { Operator, useOperatorState } from './operator.js';
import { Badge } from './parts.js';
import { Fleet } from './views/fleet.js';
import { Rollout, isUnderWay } from './views/rollout.js';
import { Routes } from './views/routes.js';
import { Upstreams } from './views/upstreams.js';
import { Revisions } from './views/revisions.js';
import { Explain } from './views/explain.js';
import { Events } from './views/events.js';

const VIEWS = [
  ['fleet', 'Fleet', Fleet],
  ['rollout', 'Rollout', Rollout],
  ['routes', 'Routes', Routes],
  ['upstreams', 'Upstreams', Upstreams],
  ['revisions', 'Revisions', Revisions],
  ['explain', 'Explain', Explain],
  ['events', 'Events', Events],
];

// `#routes?q=api` → ['routes', URLSearchParams].
function place() {
  const [name, query] = location.hash.slice(1).split('?');
  return [name || 'fleet', new URLSearchParams(query)];
}

function App() {
  const [[name, query], setPlace] = useState(place);
  const [live, setLive] = useState({ overview: null, events: [], connected: true });
  const operator = useOperatorState();
  const main = useRef(null);

  useEffect(() => openStream(setLive), []);
  useEffect(() => {
    const moved = () => {
      setPlace(place());
      main.current?.focus();
    };
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);

  const [, title, View] = VIEWS.find(([id]) => id === name) ?? VIEWS[0];
  useEffect(() => {
    document.title = `${title} · Harbr-Router`;
  }, [title]);

  return html`<${Live.Provider} value=${live}><${Operator.Provider} value=${operator}>
    <header>
      <h1><a href="#fleet"><img src="icon.svg" alt="" width="20" height="20" /> Harbr-Router</a></h1>
      <nav aria-label="Views">
        <ul>
          ${VIEWS.map(([id, label]) => html`<li key=${id}>
            <a href=${`#${id}`} aria-current=${label === title ? 'page' : undefined}>${label}</a>
          </li>`)}
        </ul>
      </nav>
      <${Summary} live=${live} />
      <${Who} operator=${operator} />
    </header>
    <main id="main" tabindex="-1" ref=${main} aria-label=${title}><${View} key=${location.hash} query=${query} /></main>
    ${operator.dialogs}
  <//><//>`;
}

// What an operator must see whatever the view is. Read out when it changes.
function Summary({ live: { overview, connected } }) {
  if (!connected) return html`<p class="summary" role="status"><${Badge} kind="bad">no connection to the controller<//></p>`;
  if (!overview) return html`<p class="summary" role="status"></p>`;
  const { status, rollout } = overview;
  const busy = isUnderWay(rollout);
  return html`<p class="summary" role="status">
    ${status.config_error && html`<a href="#fleet"><${Badge} kind="bad">file rejected${status.config_error.line ? `, line ${status.config_error.line}` : ''}<//></a>`}
    ${status.frozen && html`<${Badge} kind="warn">frozen<//>`}
    ${busy && html`<a href="#rollout"><${Badge} state=${rollout.state}>revision ${rollout.revision} is ${rollout.state}<//></a>`}
    <span class="dim">revision</span> <b>${status.revision}</b>
    <${Badge} kind=${status.converged ? 'good' : 'warn'}>${status.nodes.converged}/${status.nodes.total} converged<//>
  </p>`;
}

function Who({ operator: { session, signIn } }) {
  if (!session) return null;
  if (session.may_change) return html`<span class="who" title="What you change is recorded with this name">${session.name}</span>`;
  if (session.can_sign_in) return html`<button type="button" class="who" onClick=${signIn}>Sign in</button>`;
  return html`<span class="who dim" title="Start the controller with --http-token-file to change something from here">read-only</span>`;
}

render(html`<${App} />`, document.getElementById('app'));
