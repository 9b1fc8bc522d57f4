import { html, useState } from '../vendor/htm-preact.js';
import { useApi, useLive } from '../live.js';
import { Badge, Problem } from '../parts.js';

export function Events() {
  const live = useLive();
  const { data, error } = useApi('events');
  const [q, setQ] = useState('');
  // The stream has what came since the page was opened; the list what came before.
  const seen = new Set();
  const events = [...live.events, ...(data?.items ?? [])].filter(({ id }) => !seen.has(id) && seen.add(id));
  const shown = events.filter(({ kind, text }) => `${kind} ${text}`.includes(q));
  return html`
    <h2>Events</h2>
    <${Problem} error=${error} />
    <form class="bar" role="search" onSubmit=${(event) => event.preventDefault()}>
      <label>Filter <input type="search" value=${q} onInput=${({ target }) => setQ(target.value)} /></label>
    </form>
    <ul class="feed card" aria-live="polite" aria-label="Events, the newest first">
      ${shown.length === 0 && html`<li><span class="dim">nothing yet</span></li>`}
      ${shown.map(({ id, at, kind, severity, text }) => html`<li key=${id}>
        <time datetime=${at} class="dim">${new Date(at).toLocaleTimeString()}</time>
        <span><${Badge} kind=${severity}>${kind}<//></span><span>${text}</span>
      </li>`)}
    </ul>`;
}
