// The instances: a cell each, coloured by state, with a strip in its image's colour.
// Cells live on from one look to the next, so that a change of state is seen as one.
import { countBy, element, fill, setText } from './dom.js';
import { failureOf, lingers } from './failures.js';

// The order of the legend. A running instance is told by its health as well, and by its
// load balancers'; a builder or a proof by what has failed in it.
const states = ['running', 'initializing', 'pending', 'impaired', 'unhealthy', 'broken', 'stopping', 'stopped', 'shutting-down', 'terminated'];

const names = { broken: 'failed', running: 'running and ready' };

export function stateOf(instance, health) {
  if (failureOf(instance)) return 'broken';
  if (instance.health && instance.health !== 'ok') return instance.health;
  return instance.health && health?.get(instance.id) === 'unhealthy' ? 'unhealthy' : instance.state;
}

// slotOf finds an instance's number: in a list of ranges like "0-2,7,10-18/2" that its
// batch is tagged with, the entry at its launch index.
export function slotOf(instance) {
  let left = instance.index;
  for (const range of (instance.tags['stamp:slots'] ?? '').split(',')) {
    const found = /^(\d+)(?:-(\d+)(?:\/(\d+))?)?$/.exec(range);
    if (!found) return null;
    const [from, to, step] = [Number(found[1]), Number(found[2] ?? found[1]), Number(found[3] ?? 1)];
    const size = Math.floor((to - from) / step) + 1;
    if (left < size) return from + left * step;
    left -= size;
  }
  return null;
}

// groupOf says with whom an instance is shown: with those of its account, if that is
// not the lab's own.
export function groupOf(instance) {
  const [kind, name] = groupByTags(instance);
  return [kind, instance.account ? `${name} (${instance.account})` : name];
}

function groupByTags(instance) {
  const tags = instance.tags;
  if (tags['stamp:fleet']) return ['fleet', tags['stamp:fleet']];
  if (tags['stamp:image']) return ['baking', tags['stamp:image']];
  if (tags['aws:autoscaling:groupName']) return ['group', tags['aws:autoscaling:groupName']];
  if (tags.Name) return ['named', tags.Name.replace(/[-_ ]*\d+$/, '')];
  return ['', 'others'];
}

const cells = new Map(); // by instance id
const groups = new Map(); // by key

function label(instance, failed) {
  if (failed) return 'failed';
  const slot = slotOf(instance);
  if (slot !== null) return String(slot);
  return instance.tags['stamp:role'] ?? /(\d+)$/.exec(instance.tags.Name ?? '')?.[1] ?? '';
}

function drawCell(instance, image, group, health) {
  let cell = cells.get(instance.id);
  if (!cell) {
    cell = element('button', { type: 'button', 'data-id': instance.id, 'data-kind': 'instance' }, element('b', {}), element('i', {}));
    cells.set(instance.id, cell);
  }
  const [state, failed] = [stateOf(instance, health), failureOf(instance)];
  const gone = failed && instance.state === 'terminated';
  const looks = [state, gone, failed, instance.image, image?.colour, called(image, group), label(instance), instance.address].join('|');
  if (cell.looks === looks) return cell;
  cell.looks = looks;
  cell.dataset.state = state;
  cell.className = `cell ${state} ${gone ? 'terminated' : ''}`.trim();
  cell.style.setProperty('--image', `var(--image-${image?.colour ?? 'none'})`);
  const told = failed ? `${instance.state}; failed: ${failed}` : state;
  cell.title = [`${instance.id} is ${told}`, `${instance.type} in ${instance.zone}, ${instance.address ?? 'no address'}`, image?.title ?? instance.image].join('\n');
  cell.setAttribute('aria-label', cell.title);
  cell.firstChild.textContent = label(instance, failed);
  cell.lastChild.textContent = called(image, group) ?? '';
  return cell;
}

// called is an image's short name, with its line where that is not the group's.
function called(image, group) {
  return image?.line && image.line !== group ? `${image.line} ${image.short}` : image?.short;
}

function drawGroup(key, kind, name, members, images, severalRegions, health) {
  let group = groups.get(key);
  if (!group) {
    group = element('section', { class: 'group', 'data-group': name },
      element('h3', {}), element('ul', { class: 'shares' }), element('div', { class: 'cells' }), element('ul', { class: 'why' }));
    groups.set(key, group);
  }
  const [title, shares, grid, why] = group.children;
  group.classList.toggle('few', members.length <= 4);
  const kinds = [...countBy(members, (i) => i.type).keys()].join(', ');
  const where = severalRegions ? ` · ${members[0].region}` : '';
  const living = members.filter((i) => i.state !== 'terminated' && i.state !== 'shutting-down');
  fill(title, [`${kind} `, name, `${living.length.toLocaleString('en')} · ${kinds}${where}`], (text) => {
    if (text === name) return element('b', {}, text);
    return element('span', {}, text);
  });
  const counted = [...countBy(living, (i) => i.image)].map(([id, n]) => [images.get(id), id, n]);
  counted.sort((a, b) => (a[0]?.order ?? 0) - (b[0]?.order ?? 0));
  fill(shares, counted.map(([image, id, n]) => [called(image, name) || id, image?.colour ?? 'none', n]), ([text, colour, n]) => {
    const share = element('li', { style: '' }, element('span', {}, text), ' ', n.toLocaleString('en'));
    share.style.setProperty('--image', `var(--image-${colour})`);
    share.style.flexGrow = n;
    return share;
  });
  const ordered = members.map((i) => [slotOf(i) ?? Infinity, i]).sort((a, b) => (a[0] === b[0] ? 0 : a[0] - b[0]));
  const wanted = ordered.map(([, i]) => drawCell(i, images.get(i.image), name, health));
  const failures = members.map((i) => [i.tags['stamp:role'], i.id, failureOf(i)]).filter(([, , failed]) => failed);
  fill(why, failures, ([role, id, failed]) => element('li', {}, `${role} ${id} failed: ${failed}`));
  const order = wanted.map((cell) => cell.dataset.id).join();
  if (grid.order !== order) {
    grid.order = order;
    grid.replaceChildren(...wanted);
  }
  return group;
}

// sizeFor is how large cells are, by how many there are.
function sizeFor(count) {
  if (count <= 100) return 'large';
  if (count <= 320) return 'medium';
  return 'small';
}

export function drawInstances(state, images, health) {
  const shown = state.instances.filter((i) => lingers(i, state));
  const byGroup = new Map();
  const severalRegions = new Set(shown.map((i) => i.region)).size > 1;
  for (const instance of shown) {
    const [kind, name] = groupOf(instance);
    const key = [kind, name, instance.region].join('/');
    if (!byGroup.has(key)) byGroup.set(key, { kind, name, members: [] });
    byGroup.get(key).members.push(instance);
  }
  const keys = [...byGroup.keys()].sort((a, b) => byGroup.get(b).members.length - byGroup.get(a).members.length || a.localeCompare(b));
  const place = document.getElementById('groups');
  place.dataset.size = sizeFor(shown.length);
  const wanted = keys.map((key) => drawGroup(key, byGroup.get(key).kind, byGroup.get(key).name, byGroup.get(key).members, images, severalRegions, health));
  if (wanted.length !== place.children.length || wanted.some((group, at) => place.children[at] !== group)) place.replaceChildren(...wanted);
  const there = new Set(shown.map((i) => i.id));
  for (const id of cells.keys()) if (!there.has(id)) cells.delete(id);
  for (const key of groups.keys()) if (!byGroup.has(key)) groups.delete(key);
  document.getElementById('instances').classList.toggle('is-empty', shown.length === 0);
  setText('no-instance', state.terminated ? 'No instance any more.' : 'No instance yet. Whatever RunInstances launches appears here.');

  const counts = countBy(shown, (i) => stateOf(i, health));
  const legend = states.filter((name) => counts.get(name)).map((name) => [name, counts.get(name)]);
  const gone = state.terminated - shown.filter((i) => i.state === 'terminated').length;
  if (gone > 0) legend.push(['gone', gone]);
  fill('legend', legend, ([name, n]) => element('li', { class: name }, element('span', { class: 'swatch' }), `${names[name] ?? name} ${n.toLocaleString('en')}`));
}
