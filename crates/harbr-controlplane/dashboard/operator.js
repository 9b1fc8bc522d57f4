// What an operator may do: sign in, and change something after a second thought.
import { createContext, html, useContext, useEffect, useRef, useState } from './vendor/htm-preact.js';
import { change, session } from './live.js';

export const Operator = createContext(null);
export const useOperator = () => useContext(Operator);

// `{ session, ask(question), signIn() }`, and the dialogs that these open.
export function useOperatorState() {
  const [who, setWho] = useState(null);
  const [question, setQuestion] = useState(null);
  const [said, setSaid] = useState('');
  useEffect(() => {
    session().then(setWho, () => {});
  }, []);
  const close = () => setQuestion(null);
  const dialogs = html`
    ${question && html`<${Ask} key=${question.title} question=${question} onClose=${close} onSaid=${setSaid} onWho=${setWho} />`}
    <p class="said" role="status">${said && html`${said} <button type="button" onClick=${() => setSaid('')}>Dismiss</button>`}</p>`;
  const signIn = () => setQuestion({ title: 'Sign in', verb: 'Enter', signIn: true });
  return { session: who, ask: setQuestion, signIn, dialogs };
}

// A button for operators only. `question`: { title, text, path, body, danger }.
export function Act({ question, children, disabled }) {
  const { session, ask } = useOperator();
  if (!session?.may_change) return null;
  return html`<button type="button" class=${question.danger ? 'danger' : ''} disabled=${disabled} onClick=${() => ask(question)}>${children}…</button>`;
}

function Ask({ question, onClose, onSaid, onWho }) {
  const dialog = useRef(null);
  const [{ name, token, reason }, setFields] = useState({ name: '', token: '', reason: '' });
  const [problem, setProblem] = useState(null);
  useEffect(() => dialog.current.showModal(), []);
  const field = (key) => ({ target }) => setFields((fields) => ({ ...fields, [key]: target.value }));
  const submit = async (event) => {
    event.preventDefault();
    try {
      if (question.signIn) onWho(await session(name, token));
      else onSaid((await change(question.path, { ...question.body, reason })).message);
      dialog.current?.close();
    } catch (error) {
      setProblem(error.message);
    }
  };
  return html`<dialog ref=${dialog} onClose=${onClose} aria-labelledby="question">
    <form onSubmit=${submit}>
      <h2 id="question">${question.title}</h2>
      ${question.text && html`<p>${question.text}</p>`}
      ${question.signIn ? html`
        <label>Your name <input value=${name} onInput=${field('name')} autocomplete="username" required /></label>
        <label>Token <input type="password" value=${token} onInput=${field('token')} autocomplete="current-password" required /></label>
        <p class="dim">The token is what the controller was given by <code>--http-token-file</code>. Your name goes on record with what you change.</p>`
      : html`<label>Reason, for the record <input value=${reason} onInput=${field('reason')} maxlength="500" /></label>`}
      ${problem && html`<p class="problem" role="alert">${problem}</p>`}
      <p class="buttons"><button type="button" onClick=${() => dialog.current.close()}>Cancel</button>
        <button class=${question.danger ? 'danger' : 'primary'}>${question.verb ?? question.title}</button></p>
    </form>
  </dialog>`;
}
