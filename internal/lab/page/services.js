// The target groups with their targets' health, and the parameters.
import { age, countBy, element } from './dom.js';
import { slotOf } from './instances.js';

const order = ['healthy', 'initial', 'unhealthy', 'draining', 'unused'];
const most = 8; // of the targets that are told one by one

// healthOf maps instances to what load balancers say of them, the worst first.
export function healthOf(state) {
  const worst = new Map();
  for (const group of state.target_groups) {
    for (const target of group.targets) {
      if (target.instance && worst.get(target.instance) !== 'unhealthy') worst.set(target.instance, target.state);
    }
  }
  return worst;
}

const several = (items) => new Set(items.map((i) => i.region)).size > 1;

// redraw replaces a place's content when what it shows has changed.
function redraw(place, shown, make) {
  const looks = JSON.stringify(shown);
  if (place.looks === looks) return;
  place.looks = looks;
  place.replaceChildren(...shown.map(make));
}

function targetLine(target, instances) {
  const instance = instances.get(target.instance);
  const slot = instance && slotOf(instance);
  const name = slot !== null && slot !== undefined ? `slot ${slot} ` : '';
  return element('li', { class: target.state, title: target.description },
    element('span', { class: 'swatch' }), `${name}${target.id}:${target.port} is ${target.state}`,
    target.reason ? element('span', { class: 'dim' }, `${target.reason}: ${target.description}`) : '');
}

function groupCard([group, where, shown, instances]) {
  const counts = countBy(group.targets, (t) => t.state);
  const behind = group.balancer ? `behind ${group.balancer}` : 'no load balancer uses it';
  const troubled = shown.slice(0, most).map((t) => targetLine(t, instances));
  if (shown.length > most) troubled.push(element('li', { class: 'dim' }, `and ${(shown.length - most).toLocaleString('en')} more`));
  return element('section', { class: 'service', 'data-target-group': group.name },
    element('h3', {}, element('b', {}, group.name), element('span', {}, [`${group.protocol}:${group.port}`, behind, group.account, where].filter(Boolean).join(' · '))),
    element('ul', { class: 'legend' }, ...order.filter((name) => counts.get(name)).map((name) =>
      element('li', { class: name, 'data-health': name }, element('span', { class: 'swatch' }), `${name} ${counts.get(name).toLocaleString('en')}`)),
    ...(group.targets.length ? [] : [element('li', {}, 'no targets')])),
    element('ul', { class: 'troubled' }, ...troubled));
}

export function drawTargetGroups(state) {
  const panel = document.getElementById('targets');
  panel.hidden = state.target_groups.length === 0;
  const instances = new Map(state.instances.map((i) => [i.id, i]));
  const regions = several(state.target_groups);
  const cards = state.target_groups.map((group) => [
    group, regions ? group.region : '', group.targets.filter((t) => t.state === 'unhealthy' || t.state === 'unused'), instances,
  ]);
  redraw(document.getElementById('target-groups'), cards, groupCard);
}

export function drawParameters(state, images) {
  const panel = document.getElementById('parameters');
  panel.hidden = state.parameters.length === 0;
  const regions = several(state.parameters);
  const now = state.now.slice(0, 18); // ages change every ten seconds at most
  const cards = state.parameters.map((p) => [p, regions ? p.region : '', images.get(p.value)?.title ?? '', images.get(p.value)?.colour ?? '', now]);
  redraw(document.getElementById('parameter-list'), cards, ([p, where, title, colour]) => {
    const card = element('section', { class: 'service parameter', 'data-parameter': p.name },
      element('h3', {}, element('b', { title: p.name }, p.name)),
      element('p', {}, p.value === undefined ? `a ${p.type}, whose value is not shown` : element('code', {}, p.value), title ? ` ${title}` : ''),
      element('small', { class: 'dim' }, [`version ${p.version}`, `${age(p.modified, state.now)} ago`, p.account, where].filter(Boolean).join(' · ')));
    if (colour) card.style.setProperty('--image', `var(--image-${colour})`);
    return card;
  });
}
