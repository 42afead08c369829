/**
 * Owns the part of the dashboard's script that knows what there is: it follows /v1/watch and keeps every item. Text for browsers. It uses
 * fetch and not EventSource, which cannot send a token.
 */

/** Text of the script; the part that shows gives `render` and `askForToken`. */
export const FOLLOW_SCRIPT = String.raw`
const SILENCE_MS = 6000;
const KEPT_RECORDS = 50;
const items = { Service: new Map(), Instance: new Map(), Node: new Map(), Leader: new Map() };
const records = [];
const view = { connected: false, why: 'connecting', lastId: '', findings: [], store: '', forbidden: false };
let token = sessionStorage.getItem('sluice-token') || '';

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const headersWith = (more) => (token === '' ? more : { ...more, Authorization: 'Bearer ' + token });

function forgetAll() {
  for (const kind of Object.values(items)) kind.clear();
  records.length = 0;
}

function take(event, id, data) {
  if (event === 'begin') forgetAll();
  else if (event === 'put' && items[data.kind]) items[data.kind].set(data.reference, data.item);
  else if (event === 'delete' && items[data.kind]) items[data.kind].delete(data.reference);
  else if (event === 'decision' || event === 'change') {
    records.unshift({ event, ...data });
    records.length = Math.min(records.length, KEPT_RECORDS);
  } else if (event === 'end') throw new Error(data.why);
  if (id !== '') view.lastId = id;
  if (event === 'bookmark') view.connected = true;
}

function takeBlock(block) {
  const fields = { event: '', id: '', data: '' };
  for (const line of block.split('\n')) {
    const at = line.indexOf(': ');
    if (at > 0) fields[line.slice(0, at)] = line.slice(at + 2);
  }
  if (fields.data !== '') take(fields.event, fields.id, JSON.parse(fields.data));
}

async function readEvents(body, heard) {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    text += decoder.decode(value, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop();
    blocks.forEach(takeBlock);
    render();
  }
}

async function followOnce() {
  const over = new AbortController();
  let timer = setTimeout(() => over.abort(), SILENCE_MS);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => over.abort(), SILENCE_MS);
  };
  try {
    const headers = headersWith(view.lastId === '' ? {} : { 'Last-Event-ID': view.lastId });
    const response = await fetch('/v1/watch', { headers, cache: 'no-store', signal: over.signal });
    if (response.status === 401) return 'stranger';
    if (!response.ok) throw new Error('the API server answers ' + response.status);
    await readEvents(response.body, heard);
    return 'ended';
  } finally {
    clearTimeout(timer);
  }
}

async function follow() {
  for (;;) {
    try {
      if ((await followOnce()) === 'stranger') {
        view.connected = false;
        token = await askForToken();
        sessionStorage.setItem('sluice-token', token);
        continue;
      }
      view.why = 'the API server ended the connection';
    } catch (error) {
      view.why = error.name === 'AbortError' ? 'the API server is silent' : error.message;
    }
    view.connected = false;
    render();
    await pause(1000 + Math.random() * 1000);
  }
}

async function watchStatus() {
  for (;;) {
    try {
      if (view.connected && document.visibilityState === 'visible') {
        const response = await fetch('/v1/status', { headers: headersWith({}), cache: 'no-store' });
        const report = response.ok ? (await response.json()).items[0] : undefined;
        if (report) {
          view.findings = report.findings;
          view.store = report.store.description;
          render();
        }
      }
    } catch {
      // The watch says what is wrong.
    }
    await pause(view.store === '' ? 500 : 10000);
  }
}
`;
