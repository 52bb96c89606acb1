// What has failed of a bake: a builder or a proof that is kept tells it by its tag, one
// that Systems Manager works in by its last command, any other by what it has printed.

// looked holds, by instance id, what its console said of a failure; '' for none, null
// while it is asked.
const looked = new Map();

const ended = ['stopped', 'shutting-down', 'terminated'];

// The provider's runs say so in lines like "stamp-NONCE fail step exit=3 how=exit install".
const failLine = /^stamp-\S+ fail (\S+)((?: [a-z]+=\S*)*)(?: (.*))?$/gm;

function toldBy(text) {
  const found = [...text.replaceAll('\r', '').matchAll(failLine)].at(-1);
  return found ? [found[1], found[3]].filter(Boolean).join(' ') : '';
}

async function look(id) {
  looked.set(id, null);
  const answer = await fetch(`/_lab/instances/${encodeURIComponent(id)}/console`, { cache: 'no-store' });
  if (answer.ok) looked.set(id, toldBy(await answer.text()));
}

// A user's or its own shutdown is how builders end that have done their work.
const usual = /^Client\.(User|Instance)InitiatedShutdown/;

// failureOf says in a few words what has failed in a builder or a proof; '' for nothing.
export function failureOf(instance) {
  const tags = instance.tags;
  if (!tags['stamp:role']) return '';
  if (instance.failed) return instance.failed;
  if (ended.includes(instance.state) && instance.reason && !usual.test(instance.reason)) return instance.reason;
  const over = ended.includes(instance.state) || Boolean(tags['stamp:kept']);
  if (over && !looked.has(instance.id)) look(instance.id).catch(console.error);
  return looked.get(instance.id) || tags['stamp:kept'] || '';
}

// lingers tells whether an instance is still shown: one that is gone for a minute, and
// one that has failed for as long as the lab tells of it.
export function lingers(instance, state) {
  if (instance.state !== 'terminated' || failureOf(instance)) return true;
  return Date.parse(state.now) - Date.parse(instance.since) < 60000 * state.speed;
}
