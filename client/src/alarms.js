// Alarms: what is wrong now, worst first; acknowledged with a comment; silent unless one turns sound on.
import { field, fill, h, liveList, newId, number, utc } from './dom.js';
import { stateMark, stateOf } from './telemetry.js';
import { addView, refreshed } from './views.js';

export const ALARMS = 'moonpost.alarms';
const SOUND = 'moonpost.sound';

/** Not acknowledged first, then worst, then newest. */
function order(a, b) {
  const closed = (alarm) => (alarm.acknowledged_by ? 1 : 0);
  return closed(a) - closed(b) || Math.abs(b.state) - Math.abs(a.state) || b.since_ms - a.since_ms;
}

/** All alarms as the server tells them, kept up to date for every view and the indicator. */
export class AlarmBook {
  alarms = [];
  error = '';
  #watchers = new Set();
  #api;
  #refresh;
  #loud = new Set();

  constructor(api) {
    this.#api = api;
    this.#refresh = refreshed(api, ['alarms'], () => this.#load(), { everyMs: 15_000 });
  }

  watch(watcher) {
    this.#watchers.add(watcher);
    watcher();
    return () => this.#watchers.delete(watcher);
  }

  get open() {
    return this.alarms.filter((alarm) => !alarm.acknowledged_by);
  }

  async acknowledge(id, comment) {
    await this.#api.post(`alarms/${encodeURIComponent(id)}/acknowledge`, { comment });
    await this.#load();
  }

  async #load() {
    try {
      const answer = await this.#api.get('alarms?active=true');
      this.alarms = [...answer.alarms].sort(order);
      this.error = '';
      this.#ring();
    } catch (error) {
      this.error = error.message;
    }
    this.#watchers.forEach((watcher) => watcher());
  }

  /** One short tone for alarms that are new, if the reader turned sound on. */
  #ring() {
    const fresh = this.open.filter((alarm) => !this.#loud.has(alarm.id));
    this.#loud = new Set(this.open.map((alarm) => alarm.id));
    if (!fresh.length || !soundOn()) return;
    const context = new AudioContext();
    const tone = context.createOscillator();
    const gain = context.createGain();
    tone.frequency.value = fresh.some((alarm) => Math.abs(alarm.state) > 1) ? 880 : 520;
    gain.gain.value = 0.08;
    tone.connect(gain).connect(context.destination);
    tone.start();
    tone.stop(context.currentTime + 0.25);
    tone.onended = () => context.close();
  }
}

const soundOn = () => localStorage.getItem(SOUND) === 'on';

function soundSwitch() {
  const id = newId('sound');
  const box = h('input', { type: 'checkbox', id, checked: soundOn(), onchange: () => localStorage.setItem(SOUND, box.checked ? 'on' : 'off') });
  return h('span', { class: 'mp-switch' }, box, h('label', { for: id }, 'Sound'));
}

function acknowledgement(book, alarm, after) {
  return h('button', {
    class: 'mp-button', type: 'button', 'data-control': 'acknowledge', 'aria-label': `Acknowledge ${alarm.key}`,
    onclick: () => askComment(book, alarm, after),
  }, 'Acknowledge');
}

/** A dialog of the browser: focus stays inside, Escape leaves; `after` says where it goes then. */
function askComment(book, alarm, after) {
  const comment = h('textarea', { rows: '3', maxlength: '500', class: 'mp-input', placeholder: 'What is done about it?' });
  const problem = h('p', { class: 'mp-problem', role: 'alert' });
  const dialog = h('dialog', { class: 'mp-dialog', 'aria-label': `Acknowledge ${alarm.key}` });
  const send = async (event) => {
    event.preventDefault();
    try {
      await book.acknowledge(alarm.id, comment.value);
      dialog.close();
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  fill(dialog, h('form', { method: 'dialog', onsubmit: send },
    h('h2', {}, `Acknowledge ${alarm.key}`),
    h('p', {}, alarm.cleared_ms ? `${stateOf(alarm.worst).name} from ${utc(alarm.since_ms)} UTC, good again since ${utc(alarm.cleared_ms)} UTC`
      : `${stateOf(alarm.state).name} since ${utc(alarm.since_ms)} UTC`),
    field('Comment', comment),
    problem,
    h('div', { class: 'mp-actions' },
      h('button', { class: 'mp-button mp-primary', type: 'submit' }, 'Acknowledge'),
      h('button', { class: 'mp-button', type: 'button', onclick: () => dialog.close() }, 'Cancel'))));
  dialog.addEventListener('close', () => {
    dialog.remove();
    after(alarm);
  });
  document.body.append(dialog);
  dialog.showModal();
  comment.focus();
}

function acknowledged(book, api, alarm, after) {
  if (alarm.acknowledged_by) {
    return [`✓ ${alarm.acknowledged_by}, ${utc(alarm.acknowledged_ms)}`, alarm.comment ? h('span', { class: 'mp-comment' }, `“${alarm.comment}”`) : null];
  }
  return api.me.roles.includes('operator') ? acknowledgement(book, alarm, after) : 'open';
}

function alarmItem(book, api, alarm, after) {
  const value = alarm.value === null ? '' : `${number(alarm.value)}${alarm.unit && alarm.unit !== '1' ? ` ${alarm.unit}` : ''}, `;
  const now = alarm.cleared_ms ? `good again since ${utc(alarm.cleared_ms)}` : stateOf(alarm.state).name;
  const worst = Math.abs(alarm.worst) > Math.abs(alarm.state) ? `, was ${stateOf(alarm.worst).name}` : '';
  const times = alarm.count > 1 ? `, ${alarm.count} times` : '';
  const late = alarm.late ? ', told by data played back' : '';
  return h('li', { class: alarm.acknowledged_by ? 'mp-alarm mp-quiet' : 'mp-alarm', 'data-alarm': alarm.key },
    h('span', { class: 'mp-alarm-mark' }, stateMark(alarm.state)),
    h('div', { class: 'mp-alarm-what' }, h('strong', {}, alarm.key), h('span', {}, ` ${value}${now}${worst}`),
      h('span', { class: 'mp-comment' }, `since ${utc(alarm.since_ms)}${times}${late}${alarm.text ? ` · ${alarm.text}` : ''}`)),
    h('div', { class: 'mp-alarm-done' }, acknowledged(book, api, alarm, after)));
}

function showAlarms(book, api, element) {
  const summary = h('span', { role: 'status' });
  const list = h('ul', { class: 'mp-alarms', 'aria-label': 'Alarms' });
  const problem = h('p', { class: 'mp-problem', role: 'alert' });
  const none = h('p', { class: 'mp-empty' }, '● No alarms.');
  const region = h('div', { class: 'mp-container', tabindex: '0', role: 'region', 'aria-label': 'List of alarms' }, list, none);
  fill(element, h('div', { class: 'mp-bar' }, summary, soundSwitch()), problem, region);
  const show = liveList(list, region);
  /** After the dialog: the button that opened it; if that is done, the next one; if there is none, the list. */
  const after = (alarm) => {
    const buttons = [...list.querySelectorAll('[data-control="acknowledge"]')];
    (buttons.find((button) => button.closest('li').dataset.key === String(alarm.id)) ?? buttons[0] ?? region).focus();
  };
  return book.watch(() => {
    problem.textContent = book.error;
    summary.textContent = `${book.open.length} open, ${book.alarms.length - book.open.length} acknowledged`;
    none.hidden = book.alarms.length > 0 || Boolean(book.error);
    show(book.alarms.map((alarm) => ({ key: String(alarm.id), text: JSON.stringify(alarm), make: () => alarmItem(book, api, alarm, after) })));
  });
}

/** The count in the top line, which leads to the list. */
function indicator(book, path) {
  const link = h('a', { class: 'mp-alarm-count', href: path, 'data-testid': 'alarm-count' });
  book.watch(() => {
    const worst = Math.max(0, ...book.open.map((alarm) => Math.abs(alarm.state) % 127));
    const [shape, level] = worst > 1 ? ['▲▲', 'critical'] : worst === 1 ? ['▲', 'warning'] : ['●', 'good'];
    fill(link, h('span', { class: `mp-state mp-${book.open.length ? level : 'good'}` }, book.open.length ? shape : '●'), ` ${book.open.length} alarm${book.open.length === 1 ? '' : 's'}`);
    link.setAttribute('aria-label', `${book.open.length} open alarms, to the list`);
  });
  return h('div', { class: 'mp-indicator' }, link);
}

export function installAlarms(openmct, api, path) {
  const book = new AlarmBook(api);
  addView(openmct, {
    type: ALARMS,
    name: 'Alarms',
    description: 'Values beyond their limits, gaps and faults of mission control itself.',
    cssClass: 'icon-bell',
    show: (element) => showAlarms(book, api, element),
  });
  openmct.indicators.add({ key: 'moonpost.alarms', element: indicator(book, path), priority: openmct.priority.HIGH });
}
