// The audit: who asked, approved and sent what, and what the station said, as the ledger holds it.
import { field, fill, h, utc } from './dom.js';
import { addView, refreshed } from './views.js';

export const AUDIT = 'moonpost.audit';

const FIRST = ['name', 'state', 'comment'];

const HEX = /^[0-9a-f]{24,}$/;

/** A value in words: lists without brackets, arguments as name=value. */
function worded(value) {
  if (Array.isArray(value)) return value.map(worded).join(', ');
  if (value !== null && typeof value === 'object') return Object.entries(value).map(([name, one]) => `${name}=${worded(one)}`).join(', ');
  return String(value);
}

/** What else an entry says, the important first; digests and octets shortened, whole when pointed at. */
function detailsOf({ data }) {
  const there = Object.entries(data ?? {}).map(([key, value]) => [key, value === null ? '' : worded(value)]).filter(([, text]) => text !== '');
  const place = ([key]) => (FIRST.includes(key) ? FIRST.indexOf(key) : FIRST.length);
  return there.sort((a, b) => place(a) - place(b)).map(([key, text], index) => {
    const shown = HEX.test(text) ? `${text.slice(0, 12)}…` : text;
    return h('span', { title: text }, `${index ? ' · ' : ''}${key === 'name' ? '' : `${key}: `}${shown}`);
  });
}

function row(entry) {
  const ledger = entry.entry === null ? 'on its way' : `${entry.entry} ${entry.hash.slice(0, 12)}`;
  return h('tr', { 'data-action': entry.action, 'data-command': entry.command },
    h('td', { class: 'mp-time' }, utc(entry.wall_ms)), h('td', { class: 'mp-time' }, entry.time_ms === null ? '' : utc(entry.time_ms)),
    h('td', {}, entry.action), h('td', { class: 'mp-nowrap' }, entry.user, entry.partner ? h('span', { class: 'mp-comment' }, entry.partner) : null), h('td', {}, entry.command),
    h('td', { class: 'mp-wrap' }, detailsOf(entry)), h('td', {}, h('code', { title: entry.hash }, ledger)));
}

function showAudit(api, element) {
  const search = h('input', { class: 'mp-input', type: 'search', placeholder: 'Name, person, digest' });
  const body = h('tbody');
  const problem = h('p', { class: 'mp-problem', role: 'alert' });
  const count = h('span', { class: 'mp-hint', role: 'status' });
  let entries = [];
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = entries.filter((entry) => words.every((word) => JSON.stringify(entry).toLowerCase().includes(word)));
    count.textContent = problem.textContent && !entries.length ? '' : `${found.length} of ${entries.length} entries`;
    fill(body, found.slice(0, 500).map(row));
  };
  search.addEventListener('input', show);
  fill(element, h('div', { class: 'mp-bar' }, field('Search', search), count), problem,
    h('div', { class: 'mp-scroll', tabindex: '0', role: 'region', 'aria-label': 'Audit' },
      h('table', { class: 'mp-table', 'aria-label': 'Audit' },
        h('thead', {}, h('tr', {}, ['Wall time (UTC)', 'Mission time', 'What', 'Who', 'Command', 'Details', 'Entry of the ledger'].map((text) => h('th', { scope: 'col' }, text)))), body)));
  const refresh = refreshed(api, ['command'], async () => {
    try {
      entries = (await api.get('audit?limit=1000')).entries.sort((a, b) => b.number - a.number);
      problem.textContent = '';
    } catch (error) {
      problem.textContent = error.message;
    }
    show();
  }, { everyMs: 15_000 });
  return refresh.stop;
}

export function installAudit(openmct, api) {
  addView(openmct, {
    type: AUDIT, name: 'Audit', description: 'Every request, approval, release and report.', cssClass: 'icon-notebook',
    show: (element) => showAudit(api, element),
  });
}
