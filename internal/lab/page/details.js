// What is known about one instance or image, and what an instance prints.
import { age, element, fill, setText } from './dom.js';
import { failureOf } from './failures.js';
import { slotOf, stateOf } from './instances.js';

// chosen is the id of what is shown. It stands in the address, so that it can be
// passed on.
let chosen = location.hash.slice(1);

function choose(id) {
  chosen = id;
  history.replaceState(null, '', id ? `#${id}` : location.pathname);
  document.getElementById('printed').textContent = '';
  mark();
}

function mark() {
  document.getElementById('details').hidden = chosen === '';
  setText('subject', chosen);
  for (const was of document.querySelectorAll('.chosen')) if (was.dataset.id !== chosen) was.classList.remove('chosen');
  if (chosen) document.querySelector(`[data-id="${CSS.escape(chosen)}"]`)?.classList.add('chosen');
}

export function wireDetails() {
  document.addEventListener('click', (event) => {
    const target = event.target.closest('[data-kind]');
    if (target) choose(target.dataset.id);
    if (event.target.closest('#close')) choose('');
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') choose('');
  });
  window.addEventListener('hashchange', () => choose(location.hash.slice(1)));
}

async function drawConsole(id) {
  const answer = await fetch(`/_lab/instances/${encodeURIComponent(id)}/console`, { cache: 'no-store' });
  const text = answer.ok ? (await answer.text()).replaceAll('\r\n', '\n') : '';
  const place = document.getElementById('printed');
  if (chosen !== id || place.textContent === text) return;
  const atEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 40;
  place.textContent = text;
  if (atEnd) place.scrollTop = place.scrollHeight;
}

function targetsOf(state, id) {
  const found = state.target_groups.flatMap((group) => group.targets.filter((t) => t.instance === id).map((t) => [group, t]));
  return found.map(([group, t]) => [`target group ${group.name}`, [t.state, t.reason, t.description].filter(Boolean).join(', ')]);
}

export function drawDetails(state, images, health) {
  mark();
  if (!chosen) return;
  const instance = state.instances.find((candidate) => candidate.id === chosen);
  const image = state.images.find((candidate) => candidate.id === chosen);
  document.getElementById('printed-title').hidden = document.getElementById('printed').hidden = !instance;
  const lines = [];
  if (instance) {
    lines.push(['state', `${failureOf(instance) ? instance.state : stateOf(instance, health)} for ${age(instance.since, state.now)}`],
      ['failed', failureOf(instance)], ['why', instance.reason], ...targetsOf(state, instance.id), ['slot', slotOf(instance)],
      ['account', instance.account], ['image', images.get(instance.image)?.title ?? instance.image], ['type', instance.type], ['zone', instance.zone], ['address', instance.address]);
    drawConsole(instance.id).catch(console.error);
  } else if (image) {
    lines.push(['name', image.name], ['account', image.account], ['state', image.gone ? 'deregistered' : image.state], ['made from', image.source],
      ['created', image.gone ? '' : image.created.slice(0, 19).replace('T', ' ')]);
  } else {
    lines.push(['state', 'not there any more']);
  }
  const tags = (instance ?? image)?.tags ?? {};
  for (const key of Object.keys(tags).sort()) lines.push([`tag ${key}`, tags[key]]);
  const known = lines.filter(([, value]) => value !== undefined && value !== null && value !== '');
  fill('properties', known, ([name, value]) => element('div', {}, element('dt', { title: name }, name), element('dd', {}, value)));
}
