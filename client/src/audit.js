// The audit: who asked, approved and sent what, and what the station said, as the ledger holds it.
import { field, fill, h, utc } from './dom.js';
import { addView, refreshed } from './views.js';

export const AUDIT = 'moonpost.audit';

const entriesOf = (answer) => answer.entries ?? answer.audit ?? answer;
const timeOf = (entry) => entry.wall_ms ?? entry.time_ms ?? Date.parse(entry.time ?? entry.when ?? '');

function detailsOf(entry) {
  const { id, kind, action, wall_ms, time_ms, time, when, by, user, actor, name, hash, digest, ...rest } = entry;
  return Object.entries(rest.details ?? rest.content ?? rest)
    .filter(([, value]) => value !== '' && value !== null && !(Array.isArray(value) && !value.length))
    .map(([key, value]) => `${key}: ${typeof value === 'object' ? JSON.stringify(value) : value}`).join(' · ');
}

function row(entry) {
  return h('tr', {}, h('td', { class: 'mp-time' }, utc(timeOf(entry))), h('td', {}, entry.action ?? entry.kind ?? entry.state ?? ''),
    h('td', {}, entry.by ?? entry.user ?? entry.actor ?? ''), h('td', {}, entry.command ?? entry.name ?? ''),
    h('td', { class: 'mp-wrap' }, detailsOf(entry)), h('td', {}, h('code', { class: 'mp-digest' }, (entry.digest ?? entry.hash ?? '').slice(0, 16))));
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
    count.textContent = `${found.length} of ${entries.length} entries`;
    fill(body, found.slice(0, 500).map(row));
  };
  search.addEventListener('input', show);
  fill(element, h('div', { class: 'mp-bar' }, field('Search', search), count), problem,
    h('div', { class: 'mp-scroll', tabindex: '0', role: 'region', 'aria-label': 'Audit' },
      h('table', { class: 'mp-table', 'aria-label': 'Audit' },
        h('thead', {}, h('tr', {}, ['Wall time (UTC)', 'What', 'Who', 'Command', 'Details', 'Digest'].map((text) => h('th', { scope: 'col' }, text)))), body)));
  const refresh = refreshed(api, ['command'], async () => {
    try {
      entries = [...entriesOf(await api.get('audit'))].sort((a, b) => timeOf(b) - timeOf(a));
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
