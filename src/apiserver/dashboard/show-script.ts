/**
 * Owns the part of the dashboard's script that shows what there is, and its keys. Text for browsers. Everything from the store goes into the
 * page as text, never as markup.
 */

/** Text of the script; it comes after the part that follows. */
export const SHOW_SCRIPT = String.raw`
const MOST_ROWS = 200;
const open = new Set();
const at = (id) => document.getElementById(id);

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(key, value);
  made.append(...children.map((child) => (child instanceof Node ? child : document.createTextNode(String(child)))));
  return made;
}
const cell = (text, kind) => element('td', { class: kind }, text ?? '–');
const row = (...cells) => element('tr', {}, ...cells);
const heads = (...names) =>
  element('thead', {}, row(...names.map((name) => element('th', { scope: 'col', class: /^(Ready|Nodes|Weight|Applied)$/.test(name) ? 'number' : undefined }, name))));

const isCurrent = (node, revision) => node.alive && (node.appliedRevision ?? 0) >= revision && node.failures.length === 0;
const sorted = (map) => [...map.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
const percent = (share) => (Math.round(share * 1000) / 10) + '%';
const clock = (time) => new Date(time).toLocaleTimeString();

function shareCell({ share, id }) {
  const meter = element('meter', { min: 0, max: 1, value: share, 'aria-label': 'share of ' + id });
  return element('td', {}, meter, ' ', percent(share));
}

function instanceRow(one) {
  const state = one.state + (one.drain && one.state !== 'draining' ? ', draining' : '');
  return row(
    cell(one.id), cell(one.address), cell(one.weight, 'number'), shareCell(one),
    cell(state, one.ready ? 'good' : 'warn'), cell(one.node), cell(one.why),
  );
}

function instanceTable(service) {
  const own = sorted(items.Instance).filter((one) => one.service === service);
  const body = element('tbody', {}, ...own.slice(0, MOST_ROWS).map(instanceRow));
  const table = element('table', {}, heads('Instance', 'Address', 'Weight', 'Share', 'State', 'Node', 'Why'), body);
  const more = own.length > MOST_ROWS ? [element('p', {}, 'and ' + (own.length - MOST_ROWS) + ' more')] : [];
  return element('td', { colspan: 6 }, table, ...more);
}

function serviceRows(service) {
  const { name, ready, instances, replicas, revision } = service;
  const nodes = [...items.Node.values()].filter(({ alive }) => alive);
  const applied = nodes.filter((node) => isCurrent(node, revision)).length;
  const wanted = replicas ?? instances;
  const isOpen = open.has(name);
  const button = element('button', { 'aria-expanded': isOpen, 'data-service': name }, (isOpen ? '▾ ' : '▸ ') + name);
  button.addEventListener('click', () => {
    if (!open.delete(name)) open.add(name);
    renderNow();
  });
  const head = row(
    element('td', {}, button), cell(service.entries.join(', ')),
    cell(ready + '/' + wanted, 'number ' + (ready === 0 ? 'bad' : ready < wanted ? 'warn' : '')),
    cell(applied + '/' + nodes.length, 'number ' + (applied < nodes.length ? 'warn' : '')),
    cell(service.origin), cell(service.policy),
  );
  return isOpen ? [head, row(instanceTable(name))] : [head];
}

function nodeState(node) {
  const words = [node.alive ? (node.failures.length > 0 ? 'failing' : 'alive') : 'silent'];
  if (node.cordoned) words.push('cordoned');
  if (node.drain) words.push('draining');
  return words.join(', ');
}

function nodeRow(node) {
  const kind = node.alive ? (nodeState(node) === 'alive' ? 'good' : 'warn') : 'bad';
  return row(
    cell(node.name), cell(nodeState(node), kind), cell(node.addresses[0]), cell(node.appliedRevision, 'number'),
    cell(node.dataplane), cell(node.version), cell(node.failures.join('; ')),
  );
}

function recordLine(record) {
  const time = element('time', { datetime: record.at, class: 'quiet' }, clock(record.at));
  const text = record.event === 'decision'
    ? record.service + ': ' + record.what + ' (' + record.why + ')'
    : record.actor + ' at ' + record.host + ': ' + record.subject + ' ' + (record.outcome ?? 'changed') + (record.reason ? ' (' + record.reason + ')' : '');
  return element('li', { class: record.done === false ? 'warn' : undefined }, time, ' ', text);
}

function fill(id, children) {
  at(id).replaceChildren(...children);
}

function renderHead() {
  const leader = [...items.Leader.values()][0];
  at('state').textContent = view.connected ? 'live, revision ' + view.lastId : 'not live: ' + view.why;
  at('state').className = view.connected ? 'good' : 'bad';
  at('leader').textContent = leader ? 'node/' + leader.node + ' leads' : 'no monitor leads';
  at('store').textContent = view.store;
  const lines = view.findings.map(({ severity, ref, text }) =>
    element('li', { class: severity === 'error' ? 'bad' : 'warn' }, ref + ': ' + text));
  fill('findings', lines.length > 0 ? lines : [element('li', { class: 'good' }, view.store === '' ? '' : 'nothing is wrong')]);
}

function renderNow() {
  const focused = document.activeElement?.dataset?.service;
  const wanted = at('filter').value.trim().toLowerCase();
  const matches = sorted(items.Service).filter(({ name, entries }) => (name + ' ' + entries.join(' ')).includes(wanted));
  renderHead();
  fill('services', matches.slice(0, MOST_ROWS).flatMap(serviceRows));
  at('more').textContent = matches.length > MOST_ROWS ? 'and ' + (matches.length - MOST_ROWS) + ' more: type to find one' : '';
  at('count').textContent = matches.length + ' of ' + items.Service.size;
  fill('nodes', sorted(items.Node).slice(0, MOST_ROWS).map(nodeRow));
  fill('records', records.map(recordLine));
  // The rows are new; the reader stands where it stood.
  if (focused) document.querySelector('[data-service="' + CSS.escape(focused) + '"]')?.focus();
}

let isWaiting = false;
function render() {
  if (isWaiting) return;
  isWaiting = true;
  setTimeout(() => {
    isWaiting = false;
    renderNow();
  }, 200);
}

function askForToken() {
  const form = at('login');
  form.hidden = false;
  at('token').focus();
  return new Promise((resolve) => {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      form.hidden = true;
      const text = at('token').value.trim();
      at('token').value = '';
      resolve(text);
    }, { once: true });
  });
}

function moveBy(step) {
  const buttons = [...document.querySelectorAll('[data-service]')];
  const now = buttons.indexOf(document.activeElement);
  buttons[Math.max(0, Math.min(buttons.length - 1, now + step))]?.focus();
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const isTyping = event.target instanceof HTMLInputElement;
  const acts = { '/': () => at('filter').focus(), ArrowDown: () => moveBy(1), ArrowUp: () => moveBy(-1), j: () => moveBy(1), k: () => moveBy(-1) };
  if (event.key === 'Escape' && event.target === at('filter')) {
    at('filter').value = '';
    renderNow();
  } else if (!isTyping && Object.hasOwn(acts, event.key)) {
    event.preventDefault();
    acts[event.key]();
  } else if (isTyping && event.key === 'ArrowDown') moveBy(1);
});
at('filter').addEventListener('input', renderNow);
renderNow();
void follow();
void watchStatus();
`;
