// The requests: sixty columns over the last minutes of the lab's time, as many as there
// are to show up to five, and a line for every action since the start.
import { element, fill, setText, total } from './dom.js';

const columnCount = 60;
const kinds = ['answered', 'failed', 'throttled'];

// columnsOf sums up seconds into columns; width is a column's, in seconds.
function columnsOf(state) {
  const now = Math.floor(Date.parse(state.now) / 1000);
  const ago = (second) => now - Math.floor(Date.parse(second.start) / 1000);
  const oldest = Math.max(0, ...state.seconds.map(ago));
  const width = [1, 2, 3, 5].find((w) => oldest < w * columnCount) ?? 5;
  // Columns begin at whole multiples of their width, so that they stay what they are.
  const last = Math.floor(now / width);
  const columns = new Map();
  for (const second of state.seconds) {
    const at = columnCount - 1 - (last - Math.floor((now - ago(second)) / width));
    if (at < 0) continue;
    const column = columns.get(at) ?? { at, answered: 0, failed: 0, throttled: 0 };
    const [throttled, failed] = [total(second.throttled), total(second.failed)];
    column.throttled += throttled;
    column.failed += failed;
    column.answered += total(second.requests) - throttled - failed;
    columns.set(at, column);
  }
  return [[...columns.values()], width];
}

function drawChart(state) {
  const [all, width] = columnsOf(state);
  const peak = Math.max(4, ...all.map((c) => c.answered + c.failed + c.throttled));
  const chart = document.getElementById('chart');
  const looks = JSON.stringify([all, peak]);
  if (chart.looks === looks) return;
  chart.looks = looks;
  const make = (name, attributes) => {
    const made = document.createElementNS('http://www.w3.org/2000/svg', name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };
  chart.setAttribute('viewBox', `0 0 ${columnCount} 100`);
  const parts = [0, 50].map((y) => make('line', { x1: 0, x2: columnCount, y1: y, y2: y, class: 'rule' }));
  for (const column of all) {
    let top = 100;
    for (const kind of kinds) {
      if (!column[kind]) continue;
      const height = (column[kind] / peak) * 100;
      top -= height;
      parts.push(make('rect', { x: column.at + 0.08, y: top, width: 0.84, height, class: kind }));
    }
  }
  chart.replaceChildren(...parts);
  setText('from', width === 1 ? 'a minute ago' : `${width} minutes ago`);
  setText('peak', `top line: ${peak} in ${width === 1 ? 'a second' : `${width} s`}`);
}

export function drawRequests(state) {
  drawChart(state);
  const names = Object.keys(state.requests).sort((a, b) => state.requests[b] - state.requests[a] || a.localeCompare(b));
  const most = Math.max(1, ...Object.values(state.requests));
  document.getElementById('requests').classList.toggle('is-empty', names.length === 0);
  const count = (n, kind) => element('td', { class: `number ${n ? kind : 'dim'}` }, n ? n.toLocaleString('en') : '–');
  const rows = names.map((name) => [name, state.requests[name], state.failed[name] ?? 0, state.throttled[name] ?? 0, most]);
  fill('actions', rows, ([name, n, failed, throttled]) => {
    const bar = element('span', { class: 'bar' });
    bar.style.width = `${(n / most) * 100}%`;
    return element('tr', { 'data-action': name },
      element('td', { class: 'action', title: name }, name), element('td', { class: 'bars' }, bar),
      element('td', { class: 'number' }, n.toLocaleString('en')),
      count(failed, 'failed'), count(throttled, 'throttled'));
  });
  fill('kinds', kinds, (kind) => element('li', { class: kind }, element('span', { class: 'swatch' }), kind));
}
