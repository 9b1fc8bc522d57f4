// Lines over the last 15 minutes.
import { html, useEffect, useRef, useState } from './vendor/htm-preact.js';
import { useApi, useLive } from './live.js';
import { millis, number } from './parts.js';

const SERIES_EVERY_MS = 5000;
const dark = matchMedia('(prefers-color-scheme: dark)');

// A variable's colour as a canvas takes it: the one of the scheme that is in use.
function colour(element, variable) {
  element.style.color = `var(${variable})`;
  const { color } = getComputedStyle(element);
  element.style.color = '';
  return color;
}

function useScheme() {
  const [isDark, setDark] = useState(dark.matches);
  useEffect(() => {
    const changed = () => setDark(dark.matches);
    dark.addEventListener('change', changed);
    return () => dark.removeEventListener('change', changed);
  }, []);
  return isDark;
}

// `series`: [[name, values, colour variable, how to write a value, how it is filled], …].
export function Chart({ title, end, step, series }) {
  const place = useRef(null);
  const plot = useRef(null);
  const scheme = useScheme();
  const length = series[0][1].length;
  const times = Array.from({ length }, (_, index) => end - (length - 1 - index) * step);
  const data = [times, ...series.map(([, values]) => values)];
  useEffect(() => {
    const write = series[0][3] ?? number;
    const axis = {
      stroke: colour(place.current, '--dim'), font: '11px system-ui', ticks: { show: false },
      grid: { stroke: colour(place.current, '--line'), width: 1 },
    };
    const width = () => Math.max(200, place.current.clientWidth);
    plot.current = new uPlot({
      width: width(), height: 150, cursor: { points: { size: 5 } }, legend: { live: true },
      scales: { y: { range: (_, low, high) => [0, Math.max(high * 1.15, 0.5)] } },
      axes: [{ ...axis, size: 24, space: 70, values: (_, ticks) => ticks.map((tick) => new Date(tick * 1000).toTimeString().slice(0, 5)) },
        { ...axis, size: 54, values: (_, ticks) => ticks.map(write) }],
      series: [{ value: (_, time) => (time == null ? '' : new Date(time * 1000).toTimeString().slice(0, 8)) },
        ...series.map(([name, , variable, , fill]) => ({
          label: name, stroke: colour(place.current, variable), width: 1.5, spanGaps: false, points: { show: false },
          fill: fill && colour(place.current, fill),
          value: (_, value) => (value == null ? '–' : write(value)),
        }))],
    }, data, place.current);
    const sizes = new ResizeObserver(() => plot.current?.setSize({ width: width(), height: 150 }));
    sizes.observe(place.current);
    return () => {
      sizes.disconnect();
      plot.current.destroy();
      plot.current = null;
    };
  }, [scheme, series.length]);
  useEffect(() => plot.current?.setData(data), [JSON.stringify(data)]);
  const latest = series.map(([name, values, , write]) => `${name} ${(write ?? number)(values.at(-1) ?? 0)}`).join(', ');
  return html`<figure class="chart"><figcaption>${title}</figcaption>
    <div ref=${place} role="img" aria-label=${`${title} over the last 15 minutes; now: ${latest}`}></div></figure>`;
}

// Rate, errors and latency: of one route, of one node, or of all.
export function TrafficCharts({ of = {} }) {
  const { overview } = useLive();
  // Points are five seconds wide; asked for more often they would be the same.
  const { data } = useApi('series', of, Math.floor((overview?.tick ?? 0) / SERIES_EVERY_MS));
  if (!data) return html`<div class="charts"><div class="chart empty"></div><div class="chart empty"></div></div>`;
  const { end, step_s: step } = data;
  return html`<div class="charts">
    <${Chart} title="Requests and errors per second" end=${end} step=${step} series=${[
      ['requests', data.request_rate, '--accent', number, '--accent-back'], ['errors', data.error_rate, '--bad', number, '--bad-back']]} />
    <${Chart} title="Latency" end=${end} step=${step} series=${[
      ['p50', data.p50_ms, '--good', millis], ['p99', data.p99_ms, '--warn', millis]]} />
  </div>`;
}
