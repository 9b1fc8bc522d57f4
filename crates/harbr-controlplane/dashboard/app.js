// The shell: which view is shown, and the stream that keeps it live.
import { html, render, useEffect, useRef, useState } from './vendor/htm-preact.js';
import { Live, openStream } from './live.js';
import { Badge } from './parts.js';
import { Fleet } from './views/fleet.js';
import { Routes } from './views/routes.js';
import { Upstreams } from './views/upstreams.js';
import { Events } from './views/events.js';

const VIEWS = [
  ['fleet', 'Fleet', Fleet],
  ['routes', 'Routes', Routes],
  ['upstreams', 'Upstreams', Upstreams],
  ['events', 'Events', Events],
];

// `#routes?q=api` → ['routes', URLSearchParams].
function place() {
  const [name, query] = location.hash.slice(1).split('?');
  return [name || 'fleet', new URLSearchParams(query)];
}

function App() {
  const [[name, query], setPlace] = useState(place);
  const [live, setLive] = useState({ overview: null, events: [], connected: false });
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

  return html`<${Live.Provider} value=${live}>
    <header>
      <h1><a href="#fleet">Harbr-Router</a></h1>
      <nav aria-label="Views">
        <ul>
          ${VIEWS.map(([id, label]) => html`<li key=${id}>
            <a href=${`#${id}`} aria-current=${label === title ? 'page' : undefined}>${label}</a>
          </li>`)}
        </ul>
      </nav>
      <${Summary} live=${live} />
    </header>
    <main id="main" tabindex="-1" ref=${main} aria-label=${title}><${View} query=${query} /></main>
  <//>`;
}

// What an operator must see whatever the view is. Read out when it changes.
function Summary({ live: { overview, connected } }) {
  if (!connected) return html`<p class="summary" role="status"><${Badge} kind="bad">no connection to the controller<//></p>`;
  if (!overview) return html`<p class="summary" role="status">…</p>`;
  const { status } = overview;
  return html`<p class="summary" role="status">
    <span>revision <b>${status.revision}</b></span>
    ${status.config_error && html`<${Badge} kind="bad">the file is rejected: line ${status.config_error.line}<//>`}
    <${Badge} kind=${status.converged ? 'good' : 'warn'}>${status.nodes.converged}/${status.nodes.total} converged<//>
  </p>`;
}

render(html`<${App} />`, document.getElementById('app'));
