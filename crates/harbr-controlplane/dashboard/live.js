// What comes from the controller: one stream for the whole page, and pages of lists by request.
import { createContext, useContext, useEffect, useRef, useState } from './vendor/htm-preact.js';

const EVENTS_KEPT = 200;
// A stream that ends is opened again at once; only one that stays away is worth a word.
const PATIENCE_MS = 6000;

export const Live = createContext(null);
export const useLive = () => useContext(Live);

// What an operator has typed to sign in; nowhere but in this page, and gone with it.
let authorization = null;

// Tells `set` of each overview and event; the browser opens a broken stream again by itself.
export function openStream(set) {
  const stream = new EventSource('api/v1/stream');
  let waiting = null;
  const change = (change) => set((live) => ({ ...live, ...change(live) }));
  stream.addEventListener('overview', ({ data }) => {
    clearTimeout(waiting);
    waiting = null;
    change(() => ({ overview: JSON.parse(data), connected: true }));
  });
  stream.addEventListener('event', ({ data }) => change(({ events }) => ({
    events: [JSON.parse(data), ...events].slice(0, EVENTS_KEPT),
  })));
  // A controller that was started again counts its events anew; the list has those from in between.
  stream.onopen = () => change(() => ({ events: [] }));
  stream.onerror = () => {
    waiting ??= setTimeout(() => change(() => ({ connected: false })), PATIENCE_MS);
    // A refusal ends it for good; else it is opened again by itself.
    if (stream.readyState === EventSource.CLOSED) change(() => ({ connected: false }));
  };
  return () => stream.close();
}

// The answer to `path` with `parameters`, asked again with each overview, or when `when` changes. Keeps the last good
// answer of the same question.
export function useApi(path, parameters = {}, when = undefined) {
  const { overview } = useLive();
  const url = `api/v1/${path}?${new URLSearchParams(parameters)}`;
  const [answer, setAnswer] = useState({ data: null, error: null, url: null });
  const asking = useRef(null);
  useEffect(() => () => asking.current?.abort.abort(), [url]);
  useEffect(() => {
    // An answer that takes longer than from one overview to the next is waited for.
    if (document.hidden || asking.current?.url === url) return;
    const mine = { url, abort: new AbortController() };
    asking.current = mine;
    ask(url, mine.abort.signal)
      .then((data) => setAnswer({ data, error: null, url }))
      .catch((error) => {
        if (error.name !== 'AbortError') setAnswer((answer) => ({ ...answer, error: error.message }));
      })
      .finally(() => {
        if (asking.current === mine) asking.current = null;
      });
  }, [url, when === undefined ? overview?.tick : when]);
  return answer;
}

export async function ask(url, signal) {
  return read(await fetch(url, { signal, headers: { accept: 'application/json', ...shown() } }));
}

// Has something changed. Across sites a browser would not send this: it is JSON.
export async function change(path, body) {
  const headers = { 'content-type': 'application/json', ...shown() };
  return read(await fetch(`api/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) }));
}

// Who we are, with what has just been typed if anything has.
export async function session(name, token) {
  if (token) authorization = `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(`${name.replaceAll(':', ' ')}:${token}`)))}`;
  try {
    return await ask('api/v1/session');
  } catch (error) {
    authorization = null;
    throw error;
  }
}

const shown = () => (authorization ? { authorization } : {});

async function read(response) {
  if (!response.ok) throw new Error((await response.text()).trim() || `status ${response.status}`);
  return response.json();
}
