// The page asks for the lab's state about once a second and draws what has changed.
// Texts from the lab (names, tags, consoles) only ever become text nodes.
import { drawInstances, stateOf } from './instances.js';
import { drawImages, describeImages } from './images.js';
import { drawRequests } from './requests.js';
import { drawParameters, drawTargetGroups, healthOf } from './services.js';
import { drawDetails, wireDetails } from './details.js';
import { element, fill, setText, total } from './dom.js';

const interval = 1000;

function drawHeader(state) {
  setText('endpoint', location.origin);
  const facts = [['weather', state.weather], ['account', state.account]];
  if (state.speed !== 1) facts.push(['speed', `${state.speed}×`]);
  facts.push(['guests', state.guests.running ? 'on' : 'off', state.guests.reason]);
  facts.push(['lab time', state.now.slice(11, 19)]);
  fill('facts', facts, ([name, value, why]) => element('li', { title: why ?? '' }, element('span', {}, name), ' ', value));
  setText('exports', [
    `export AWS_ENDPOINT_URL=${location.origin}`,
    'export AWS_ACCESS_KEY_ID=lab AWS_SECRET_ACCESS_KEY=lab',
    'export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1',
    '# for this provider, in its repository: make install, which prints the last line:',
    '# export TF_CLI_CONFIG_FILE=…',
  ].join('\n'));
}

function drawTiles(state, health) {
  const count = (name) => state.instances.filter((i) => i.state === name).length;
  const impaired = state.instances.filter((i) => i.health === 'impaired').length;
  const ready = state.instances.filter((i) => stateOf(i, health) === 'running').length;
  const unhealthy = state.instances.filter((i) => stateOf(i, health) === 'unhealthy').length;
  const own = state.images.filter((i) => i.own && !i.gone).length;
  const tiles = [
    ['running', count('running'), 'running', 'ready are those that pass their status checks and are not unhealthy in a target group', `running, ${ready.toLocaleString('en')} ready`],
    ['pending', count('pending'), 'pending'],
    ['impaired', impaired, 'impaired'],
    ...(state.target_groups.length ? [['unhealthy', unhealthy, 'unhealthy', 'in a target group']] : []),
    ['stopped', count('stopped'), 'stopped'],
    ['images', own, ''],
    ['requests', total(state.requests), ''],
    ['failed', total(state.failed), 'failed', 'requests that were refused for anything but their rate, or met an error'],
    ['throttled', total(state.throttled), 'throttled'],
    ['left to clean up', state.leftovers, '', 'everything that has not been terminated, deregistered or deleted'],
  ];
  fill('tiles', tiles, ([name, value, kind, title, text]) =>
    element('li', { title, class: `${kind} ${value === 0 ? 'none' : ''}`, 'data-tile': name, 'data-value': value },
      element('b', {}, value.toLocaleString('en')), element('span', {}, text ?? name)));
}

function draw(state) {
  const images = describeImages(state);
  const health = healthOf(state);
  drawHeader(state);
  drawTiles(state, health);
  drawInstances(state, images, health);
  drawTargetGroups(state);
  drawImages(state, images);
  drawParameters(state, images);
  drawRequests(state);
  drawDetails(state, images, health);
}

async function look() {
  try {
    const answer = await fetch('/_lab/state', { cache: 'no-store' });
    if (!answer.ok) throw new Error(answer.statusText);
    draw(await answer.json());
    document.body.classList.remove('lost');
    document.body.dataset.drawn = String(1 + Number(document.body.dataset.drawn ?? 0));
  } catch (error) {
    document.body.classList.add('lost');
    console.error(error);
  }
  setTimeout(look, interval);
}

document.getElementById('copy').addEventListener('click', (event) => {
  navigator.clipboard.writeText(document.getElementById('exports').textContent);
  event.target.textContent = 'Copied';
});
wireDetails();
look();
