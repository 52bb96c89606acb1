// The images: each below the one that it was made from.
import { age, countBy, element, fill } from './dom.js';

// Colours are given in turn, and for good: to the account's own images from one palette,
// to those of others from a paler one.
const colours = { own: 8, base: 6 };
const given = { own: new Map(), base: new Map() };

function colourOf(image) {
  const kind = image.own ? 'own' : 'base';
  const turn = given[kind];
  if (!turn.has(image.id)) turn.set(image.id, (turn.size % colours[kind]) + 1);
  return image.own ? turn.get(image.id) : `base-${turn.get(image.id)}`;
}

// describeImages finds out, for every image, how the page calls and colours it.
export function describeImages(state) {
  const described = new Map();
  const own = state.images.filter((i) => i.own && i.name).sort((a, b) => Date.parse(a.created) - Date.parse(b.created));
  const current = new Map(); // by region and line: the one that was promoted last
  for (const image of own) {
    const line = `${image.region}/${image.tags['stamp:image']}`;
    const promoted = image.tags['stamp:promoted-at'];
    if (promoted && !(current.get(line)?.promoted > promoted)) current.set(line, { id: image.id, promoted });
  }
  const ids = new Map(own.map((i) => [i.id, i]));
  own.forEach((image, at) => {
    const version = image.tags['stamp:version'];
    const line = image.tags['stamp:image'];
    const original = ids.get(image.source);
    described.set(image.id, {
      order: at, colour: colourOf(image),
      copy: original && original.region !== image.region && original.name === image.name,
      title: line && version ? `${line} version ${version}` : image.name,
      line: version ? line : undefined,
      short: version ? `v${version}` : shorten(image.name),
      current: current.get(`${image.region}/${line}`)?.id === image.id,
      unproven: Boolean(version) && !image.tags['stamp:promoted-at'] && !image.tags['stamp:verified-at'],
      proven: Boolean(version) && !image.tags['stamp:promoted-at'] && Boolean(image.tags['stamp:verified-at']),
    });
  });
  for (const image of state.images) {
    if (!described.has(image.id)) described.set(image.id, { order: -1, colour: image.own ? 'none' : colourOf(image), title: image.name || image.id, short: shorten(image.name || image.id) });
  }
  return described;
}

// shorten keeps what tells public images apart: the family.
function shorten(name) {
  return name.split(/[-_]/)[0].slice(0, 9);
}

function badges(image, about) {
  const all = [];
  if (about.copy) all.push(`copy in ${image.region}`);
  if (about.current && !about.copy) all.push('current');
  if (image.state === 'available' && !about.copy && !image.gone) {
    if (about.unproven) all.push('unproven');
    if (about.proven) all.push('proven');
  }
  if (image.state !== 'available') all.push(image.state);
  if (image.gone) all.push('deregistered');
  return all;
}

function node(image, children, images, users, now) {
  const about = images.get(image.id);
  const n = users.get(image.id) ?? 0;
  const card = element('button', { type: 'button', class: `card ${image.own ? 'own' : 'base'}`, 'data-id': image.id, 'data-kind': 'image' },
    element('span', { class: 'swatch' }),
    element('b', {}, about.title),
    ...badges(image, about).map((badge) => element('em', { class: badge.replace(/ .*/, '') }, badge)),
    element('small', {}, image.own ? [image.id, image.account, image.name && `${age(image.created, now)} ago`].filter(Boolean).join(' · ') : image.id),
    element('span', { class: 'users', title: `${n.toLocaleString('en')} instances run on it` }, n ? n.toLocaleString('en') : ''));
  card.style.setProperty('--image', `var(--image-${about.colour})`);
  const below = children.get(image.id) ?? [];
  return element('li', { 'data-image': image.id },
    card, ...(below.length ? [element('ul', {}, ...below.map((child) => node(child, children, images, users, now)))] : []));
}

export function drawImages(state, images) {
  const users = countBy(state.instances.filter((i) => i.state !== 'terminated'), (i) => i.image);
  const there = new Set(state.images.map((i) => i.id));
  const children = new Map();
  const roots = [];
  for (const image of [...state.images].sort((a, b) => images.get(a.id).order - images.get(b.id).order)) {
    if (image.own && image.source && there.has(image.source)) {
      if (!children.has(image.source)) children.set(image.source, []);
      children.get(image.source).push(image);
    } else {
      roots.push(image);
    }
  }
  const now = state.now.slice(0, 18); // ages change every ten seconds at most
  const looks = JSON.stringify([state.images, [...users], now]);
  const place = document.getElementById('lineage');
  if (place.looks !== looks) {
    place.looks = looks;
    place.replaceChildren(element('ul', { class: 'tree' }, ...roots.map((root) => node(root, children, images, users, state.now))));
  }
  document.getElementById('images').classList.toggle('is-empty', !state.images.some((i) => i.own));
}
