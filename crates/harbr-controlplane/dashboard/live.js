// What comes from the controller: one stream for the whole page, and pages of lists by request.
import { createContext, useContext, useEffect, useState } from './vendor/htm-preact.js';

const EVENTS_KEPT = 200;

export const Live = createContext(null);
export const useLive = () => useContext(Live);

// Tells `set` of each overview and event; the browser opens a broken stream again by itself.
export function openStream(set) {
  const stream = new EventSource('api/v1/stream');
  const change = (change) => set((live) => ({ ...live, ...change(live) }));
  stream.addEventListener('overview', ({ data }) => change(() => ({ overview: JSON.parse(data), connected: true })));
  stream.addEventListener('event', ({ data }) => change(({ events }) => ({
    events: [JSON.parse(data), ...events].slice(0, EVENTS_KEPT),
  })));
  stream.onerror = () => change(() => ({ connected: false }));
  return () => stream.close();
}

// The answer to `path` with `parameters`, asked again with each overview. Keeps the last good answer.
export function useApi(path, parameters = {}) {
  const { overview } = useLive();
  const url = `api/v1/${path}?${new URLSearchParams(parameters)}`;
  const [answer, setAnswer] = useState({ data: null, error: null, url: null });
  useEffect(() => {
    const abort = new AbortController();
    ask(url, abort.signal)
      .then((data) => setAnswer({ data, error: null, url }))
      .catch((error) => {
        if (error.name !== 'AbortError') setAnswer((answer) => ({ ...answer, error: error.message }));
      });
    return () => abort.abort();
  }, [url, overview?.tick]);
  return answer;
}

export async function ask(url, signal) {
  const response = await fetch(url, { signal, headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error((await response.text()).trim() || `status ${response.status}`);
  return response.json();
}
