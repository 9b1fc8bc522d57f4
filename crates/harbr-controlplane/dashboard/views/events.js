import { html } from '../vendor/htm-preact.js';
import { useApi, useLive } from '../live.js';
import { Badge, ListBar, Problem, useList } from '../parts.js';

export function Events({ query }) {
  const live = useLive();
  const list = useList(query);
  const { data, error } = useApi('events', list.parameters);
  // The stream is ahead of the list, which is asked for every two seconds.
  const found = ({ kind, text }) => `${kind} ${text}`.toLowerCase().includes(list.q.trim().toLowerCase());
  const newest = data?.items[0]?.id ?? -1;
  const ahead = list.offset === 0 ? live.events.filter((event) => event.id > newest && found(event)) : [];
  const shown = [...ahead, ...(data?.items ?? [])];
  return html`
    <h2>Events</h2>
    <${Problem} error=${error} />
    ${data && html`<${ListBar} hint="node, endpoint, revision, text" list=${list} total=${data.total + ahead.length} />`}
    <ol class="feed card" role="log" aria-label="Events, the newest first">
      ${data && shown.length === 0 && html`<li class="empty">Nothing yet.</li>`}
      ${shown.map(({ id, at, kind, severity, text, missed }) => html`<li key=${id}>
        <time datetime=${at} title=${new Date(at).toLocaleString()}>${new Date(at).toTimeString().slice(0, 8)}</time>
        <span class="dim">${kind}</span>
        <span class=${severity}>${severity === 'bad' && html`<span class="unseen">bad: </span>`}${text}${missed > 0 && html` <${Badge} kind="warn">${missed} before it were missed<//>`}</span>
      </li>`)}
    </ol>`;
}
