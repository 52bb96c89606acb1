// What the other files build the page with.

export function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== '' && value !== undefined && value !== null) made.setAttribute(key, value);
  }
  made.append(...children.map((child) => (child instanceof Node ? child : document.createTextNode(String(child)))));
  return made;
}

// fill replaces an element's content, unless it would look the same.
export function fill(target, items, make) {
  const place = typeof target === 'string' ? document.getElementById(target) : target;
  const looks = JSON.stringify(items);
  if (place.looks === looks) return;
  place.looks = looks;
  place.replaceChildren(...items.map(make));
}

export function setText(id, text) {
  const place = document.getElementById(id);
  if (place.textContent !== text) place.textContent = text;
}

export const total = (counts) => Object.values(counts).reduce((sum, n) => sum + n, 0);

export function countBy(items, key) {
  const counts = new Map();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}

// age says in words how long something is ago, in the lab's time.
export function age(then, now) {
  const seconds = Math.max(0, Math.round((Date.parse(now) - Date.parse(then)) / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}
