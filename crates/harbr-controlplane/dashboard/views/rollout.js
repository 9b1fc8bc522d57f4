import { html } from '../vendor/htm-preact.js';
import { useApi, useLive } from '../live.js';
import { Act, useOperator } from '../operator.js';
import { Ago, Badge, Card, Problem, duration, number, percent, short } from '../parts.js';

const UNDER_WAY = ['pending', 'rolling', 'baking', 'proving'];
export const isUnderWay = (rollout) => rollout != null && UNDER_WAY.includes(rollout.state);

const SAID = {
  pending: 'is held', rolling: 'is going to the nodes of its wave', baking: 'is watched in its wave', proving: 'serves the whole fleet, on trial',
  proven: 'is proven', rejected: 'was taken back', rolled_back: 'was taken back by an operator', superseded: 'was superseded',
};

export function Rollout() {
  const { overview } = useLive();
  const { data, error } = useApi('revisions', { limit: 1, q: overview?.rollout?.revision ?? '' });
  if (!overview) return html`<h2>Rollout</h2>`;
  const { rollout, status } = overview;
  if (!rollout) return html`<h2>Rollout</h2><p class="dim">There has been none yet: ${status.config_error ? 'the file is not valid.' : 'a change of the file begins one.'}</p>`;
  const record = data?.items.find(({ number }) => number === rollout.revision);
  return html`
    <h2>Rollout</h2>
    <${Problem} error=${error} />
    <section class="card rollout" aria-labelledby="now">
      <h3 id="now"><${Badge} state=${rollout.state} /> Revision ${rollout.revision} ${SAID[rollout.state] ?? ''}${rollout.paused ? ', and paused' : ''}</h3>
      <p class="dim">${record && html`${record.summary}; ${record.cause}${record.actor ? `, by ${record.actor}` : ''}, <${Ago} time=${record.made} />. `}
        <code>${short(rollout.hash)}</code>${rollout.base_revision ? html`, over revision ${rollout.base_revision}` : ''} ·
        ${' '}<a href=${`#revisions?n=${rollout.revision}`}>what it changes</a></p>
      ${rollout.reason && html`<p class=${rollout.state === 'rejected' ? 'problem' : ''}>${rollout.reason}</p>`}
      <${Controls} rollout=${rollout} frozen=${status.frozen} />
    </section>
    ${rollout.waves.length > 0 && html`<h3>Waves</h3><${Waves} rollout=${rollout} />`}
    ${isUnderWay(rollout) && html`<h3>What its traffic shows</h3><${Evidence} rollout=${rollout} />`}
    ${record?.story.length > 0 && html`<${Card} title="What happened to it"><ol class="story">${record.story.map((line) => html`<li>${line}</li>`)}</ol><//>`}`;
}

function Controls({ rollout, frozen }) {
  const { session } = useOperator();
  if (!session?.may_change) return null;
  const of = (command, title, more = {}) => ({ title, path: 'rollout', body: { command }, ...more });
  const runs = isUnderWay(rollout);
  return html`<p class="buttons">
    ${runs && !rollout.paused && html`<${Act} question=${of('pause', 'Pause the rollout', { verb: 'Pause', text: 'No further wave. It is still watched, and taken back if it does harm.' })}>Pause<//>`}
    ${(rollout.paused || !runs) && html`<${Act} question=${of('resume', 'Let it go on', { verb: 'Resume', text: 'Or let in again what a rollback or an abort keeps out.' })}>Resume<//>`}
    ${(runs || rollout.state === 'rejected') && html`<${Act} question=${of('promote', `Promote revision ${rollout.revision}`, { verb: 'Promote', text: 'To the whole fleet now, whatever its waves have shown.', danger: true })}>Promote<//>`}
    ${runs && html`<${Act} question=${of('abort', `Take revision ${rollout.revision} back`, { verb: 'Abort', text: `Every node goes back to revision ${rollout.base_revision}.`, danger: true })}>Abort<//>`}
    <${Act} question=${{ title: 'Roll back', text: 'To the newest proven revision that says something else. The file is kept out until it changes.', path: 'rollback', body: { revision: 0 }, danger: true }}>Roll back<//>
    ${frozen ? html`<${Act} question=${of('thaw', 'Let changes of the file through', { verb: 'Thaw' })}>Thaw<//>`
      : html`<${Act} question=${of('freeze', 'Let no change of the file through', { verb: 'Freeze' })}>Freeze<//>`}
  </p>`;
}

// The way through the fleet, the wave that is under way with its clock.
function Waves({ rollout: { waves, wave, state, elapsed_ms: elapsed, needed_ms: needed, waiting, unavailable } }) {
  return html`<ol class="waves">${waves.map(({ nodes, bake_ms: bake, members, serving }, index) => {
    const stage = index < wave ? 'done' : index === wave ? 'running' : 'coming';
    const baking = stage === 'running' && (state === 'baking' || state === 'proving');
    const share = needed > 0 ? Math.min(1, elapsed / needed) : 1;
    const name = nodes === 'all' ? 'The whole fleet' : `Wave ${index + 1}`;
    return html`<li class=${`wave ${stage}`} aria-current=${stage === 'running' ? 'step' : undefined}>
      <h4>${name} <span class="label">${nodes}</span></h4>
      <${Members} members=${members} serving=${serving} shown=${stage !== 'coming' || nodes === 'all'} />
      <p class="dim">${stage === 'coming' ? `watched for ${duration(bake)}` : `${number(serving)} of ${number(members)} serve it`}${stage === 'done' ? ', done' : ''}</p>
      ${baking && html`<div class="clock" role="progressbar" aria-label=${`${name}: watched`} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(share * 100)}>
        <i style=${{ width: `${share * 100}%` }}></i></div><p class="dim">${duration(elapsed)} of ${duration(needed)}</p>`}
    </li>`;
  })}</ol>
  ${waiting.length > 0 && html`<p><span class="warn">Waits for</span> ${some(waiting)}</p>`}
  ${unavailable.length > 0 && html`<p><span class="bad">Cannot take it now:</span> ${some(unavailable)}</p>`}`;
}

const some = (ids) => `${ids.slice(0, 10).join(', ')}${ids.length > 10 ? ` and ${ids.length - 10} more` : ''}`;

// A dot for each node, as long as they can be counted; else a bar.
function Members({ members, serving, shown }) {
  if (!shown || members === 0) return html`<div class="dots" aria-hidden="true"></div>`;
  if (members > 60) return html`<div class="dots" aria-hidden="true"><div class="bar-of"><i style=${{ width: `${(100 * serving) / members}%` }}></i></div></div>`;
  return html`<div class="dots" aria-hidden="true">${Array.from({ length: members }, (_, index) => html`<i class=${index < serving ? 'on' : ''}></i>`)}</div>`;
}

// For each bet of the gate: how the wave does beside the others and beside its own past, and how far it is from harm.
function Evidence({ rollout: { comparisons, evidence } }) {
  const share = ({ requests, bad }) => (requests ? bad / requests : 0);
  const most = Math.max(0.01, ...comparisons.flatMap(({ wave, rest, past }) => [share(wave), share(rest), share(past)]));
  const side = (name, kind, trials) => trials.requests > 0 && html`<div class="side"><span class="dim">${name}</span>
    <span class="share" aria-hidden="true"><i class=${kind} style=${{ width: `${(100 * share(trials)) / most}%` }}></i></span>
    <span class="num">${percent(trials.bad, trials.requests)}</span><span class="dim num">${number(trials.bad)} of ${number(trials.requests)}</span></div>`;
  return html`<p>${evidence ?? ''}</p>
    ${comparisons.length === 0 ? html`<p class="dim">No node of the wave has answered a request yet.</p>` : html`
    <div class="scroll" tabindex="0" role="region" aria-label="What the gate compares"><table class="evidence">
      <caption class="unseen">What the gate compares, and how much of what it takes to call it harm there is</caption>
      <thead><tr><th scope="col">Requests</th><th scope="col">that</th><th scope="col">share of them</th><th scope="col">evidence of harm</th></tr></thead>
      <tbody>${comparisons.map(({ route, bad, wave, rest, past, evidence_percent: gained }) => html`<tr key=${`${route}${bad}`}>
        <th scope="row">${route ? html`<code>${route}</code>` : 'all together'}</th><td>${bad}</td>
        <td>${side('the wave', 'wave-bar', wave)}${side('the others', 'rest-bar', rest)}${side('the minute before', 'past-bar', past)}</td>
        <td><div class=${`meter ${gained >= 100 ? 'bad' : gained >= 50 ? 'warn' : ''}`} role="meter" aria-label=${`evidence of harm, ${route ?? 'all together'}, ${bad}`} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.min(100, gained)}>
          <i style=${{ width: `${Math.min(100, gained)}%` }}></i></div><span class="num">${gained} %</span></td>
      </tr>`)}</tbody>
    </table></div>
    <p class="dim">At 100 % it is taken back. The chance that a revision that changes nothing gets there is below one in a thousand.</p>`}`;
}
