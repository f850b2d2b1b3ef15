// The clock of Open MCT in mission time, and the indicators of time, connection and user in the top line.
import { field, fill, h, utc } from './dom.js';

const TICK_MS = 250;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Length of a synodic month [ms]: one lunar day from sunrise to sunrise. */
const LUNAR_DAY = 29.53 * DAY;

/** A clock source whose ticks are mission time, at whatever speed the simulation runs. */
class MissionClockSource {
  key = 'moonpost.mission';
  name = 'Mission time';
  cssClass = 'icon-clock';
  description = 'Time of the station, which runs at the speed of mission control.';
  #time;
  #listeners = new Map();
  #timer = null;

  constructor(time) {
    this.#time = time;
  }

  on(event, listener, context) {
    const listeners = this.#listeners.get(event) ?? [];
    listeners.push({ listener, context });
    this.#listeners.set(event, listeners);
    if (event === 'tick' && this.#timer === null) this.#timer = setInterval(() => this.#tick(), TICK_MS);
    return this;
  }

  off(event, listener) {
    const left = (this.#listeners.get(event) ?? []).filter((entry) => entry.listener !== listener);
    this.#listeners.set(event, left);
    if (event === 'tick' && left.length === 0) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
    return this;
  }

  currentValue() {
    return this.#time.now();
  }

  #tick() {
    const now = this.#time.now();
    for (const { listener, context } of [...(this.#listeners.get('tick') ?? [])]) listener.call(context, now);
  }
}

/** Lengths of time as hours, minutes and seconds; more than a day as hours, not cut off. */
const DURATION = {
  key: 'duration',
  format(ms) {
    const two = (count) => String(count).padStart(2, '0');
    const seconds = Math.round(Math.abs(ms) / 1000);
    return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  },
  parse(text) {
    if (typeof text === 'number') return text;
    return text.split(':').reduce((total, part) => 60 * total + Number(part), 0) * 1000;
  },
  validate: (text) => /^\d+:[0-5]?\d:[0-5]?\d$/.test(text),
};

/** How far back displays look at first: some two minutes of the reader's time, whatever the speed. */
function firstWindow(speed, stepS) {
  const wanted = Math.max(2 * MINUTE * speed, 120 * 1000 * stepS, HOUR);
  return Math.min(wanted, LUNAR_DAY);
}

const PRESETS = [['1 hour', HOUR], ['6 hours', 6 * HOUR], ['1 day', DAY], ['7 days', 7 * DAY], ['1 lunar day', LUNAR_DAY]];

/** Keep the window that was chosen for a speed in step with it, until the reader chooses another. */
function followSpeed(openmct, api, offsetsAt) {
  let speed = api.clock.speed;
  let offsets = offsetsAt(speed);
  api.live.on('clock', () => {
    if (api.clock.speed === speed) return;
    const now = openmct.time.getClockOffsets();
    const untouched = now?.start === offsets.start && now?.end === offsets.end;
    speed = api.clock.speed;
    offsets = offsetsAt(speed);
    if (untouched && openmct.time.isRealTime()) openmct.time.setClockOffsets(offsets);
    else if (untouched) offsets = now;
  });
}

export function installTime(openmct, api, station) {
  const source = new MissionClockSource(api.clock);
  openmct.install(openmct.plugins.UTCTimeSystem());
  openmct.telemetry.addFormat(DURATION);
  openmct.time.addClock(source);
  const offsetsAt = (speed) => {
    const length = firstWindow(speed, station.step_s);
    return { start: -length, end: length / 50 };
  };
  followSpeed(openmct, api, offsetsAt);
  const back = -offsetsAt(api.clock.speed).start;
  const now = api.clock.now();
  const { start_ms: begin, stop_ms: end } = station.span;
  openmct.install(openmct.plugins.Conductor({
    menuOptions: [
      {
        name: 'Mission time',
        timeSystem: 'utc',
        clock: source.key,
        clockOffsets: offsetsAt(api.clock.speed),
        presets: PRESETS.map(([label, length]) => ({ label, bounds: { start: -length, end: length / 50 } })),
      },
      {
        name: 'Fixed',
        timeSystem: 'utc',
        bounds: { start: now - back, end: now },
        presets: [
          { label: 'Whole period', bounds: { start: begin, end } },
          ...PRESETS.map(([label, length]) => ({
            label: `Last ${label}`, bounds: { start: () => api.clock.now() - length, end: () => api.clock.now() },
          })),
        ],
        records: 10,
      },
    ],
  }));
}

function clockIndicator(api, canSet) {
  const shown = h('span', { class: 'mp-clock-time', 'data-testid': 'mission-time' });
  const speed = h('span', { class: 'mp-clock-speed' });
  const element = h('div', { class: 'mp-indicator', role: 'timer', 'aria-label': 'Mission time' }, shown, speed);
  setInterval(() => {
    if (!api.clock.known) return;
    shown.textContent = `${utc(api.clock.now())} UTC`;
    if (!canSet) speed.textContent = `${api.clock.speed.toLocaleString('en')}×`;
  }, TICK_MS);
  if (canSet) speed.append(speedChoice(api), ' ', untilChoice(api));
  return element;
}

const SPEEDS = [1, 10, 100, 1000, 10_000, 100_000];

/** A button that asks until when time is to run fast; it tells that time while there is one. */
function untilChoice(api) {
  const button = h('button', { class: 'mp-button mp-small', type: 'button', 'data-testid': 'until', onclick: () => askUntil(api, button) });
  const show = () => {
    const { untilMs } = api.clock;
    button.textContent = untilMs === null ? 'until …' : `until ${utc(untilMs, { seconds: false })}`;
    button.setAttribute('aria-label', untilMs === null ? 'Run until a time' : `Runs until ${utc(untilMs)} UTC; change that`);
  };
  api.live.on('clock', show);
  show();
  return button;
}

/** Ask for a speed and a time from which the clock runs as on the wall again. */
async function askUntil(api, origin) {
  const at = h('input', { class: 'mp-input', type: 'text', required: true, pattern: '\\d{4}-\\d\\d-\\d\\d[ T]\\d\\d:\\d\\d(:\\d\\d)?', title: '2040-06-21 12:00' });
  const speed = h('select', { class: 'mp-select' }, SPEEDS.slice(1).map((value) => h('option', { value }, `${value.toLocaleString('en')}×`)));
  speed.value = SPEEDS.includes(api.clock.speed) && api.clock.speed > 1 ? String(api.clock.speed) : '1000';
  const problem = h('p', { class: 'mp-problem', role: 'alert' });
  const proposals = h('div', { class: 'mp-actions' });
  const dialog = h('dialog', { class: 'mp-dialog', 'aria-label': 'Run until' });
  const choose = (ms) => { at.value = utc(ms, { seconds: false }); };
  const set = async (body) => {
    try {
      await api.post('clock', body);
      dialog.close();
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  const start = (event) => {
    event.preventDefault();
    set({ speed: Number(speed.value), until_ms: Date.parse(`${at.value.replace(' ', 'T')}Z`) });
  };
  fill(dialog, h('form', { method: 'dialog', onsubmit: start },
    h('h2', {}, 'Run until'),
    h('p', {}, 'Time runs at this speed until then, and as on the wall from there on.'),
    field('Speed', speed), field('Until (UTC)', at), proposals, problem,
    h('div', { class: 'mp-actions' },
      h('button', { class: 'mp-button mp-primary', type: 'submit' }, 'Run'),
      api.clock.untilMs === null ? null : h('button', { class: 'mp-button', type: 'button', onclick: () => set({ speed: api.clock.speed }) }, 'Run on without'),
      h('button', { class: 'mp-button', type: 'button', onclick: () => dialog.close() }, 'Cancel'))));
  dialog.addEventListener('close', () => {
    dialog.remove();
    origin.focus();
  });
  document.body.append(dialog);
  choose(api.clock.untilMs ?? api.clock.now() + DAY);
  dialog.showModal();
  at.focus();
  try {
    const { next_sunrise_ms: rises, next_sunset_ms: sets } = await api.get('clock');
    const turns = [['sunrise', rises], ['sunset', sets]].filter(([, ms]) => Number.isFinite(ms) && ms !== null).sort((a, b) => a[1] - b[1]);
    fill(proposals, [...turns.map(([name, ms]) => [`next ${name}`, () => ms]), ...[['1 day on', DAY], ['7 days on', 7 * DAY]].map(([name, length]) => [name, () => api.clock.now() + length])]
      .map(([name, ms]) => h('button', { class: 'mp-button mp-small', type: 'button', onclick: () => choose(ms()) }, name)));
  } catch (error) {
    problem.textContent = error.message;
  }
}

function speedChoice(api) {
  const choice = h('select', { class: 'mp-select', 'aria-label': 'Speed of mission time', title: 'Speed of mission time' });
  const show = () => {
    const speeds = SPEEDS.includes(api.clock.speed) ? SPEEDS : [...SPEEDS, api.clock.speed].sort((a, b) => a - b);
    if (document.activeElement === choice && choice.options.length) return;
    fill(choice, speeds.map((value) => h('option', { value }, `${value.toLocaleString('en')}×`)));
    choice.value = String(api.clock.speed);
  };
  choice.addEventListener('change', async () => {
    try {
      await api.post('clock', { speed: Number(choice.value) });
    } catch (error) {
      api.notice(error.message);
    } finally {
      choice.blur();
      show();
    }
  });
  let last = null;
  api.live.on('clock', () => {
    if (api.clock.speed !== last) show();
    last = api.clock.speed;
  });
  show();
  return choice;
}

function userIndicator(api) {
  const { name, partner, roles } = api.me;
  const leave = async () => {
    try {
      await api.post('logout');
    } finally {
      location.replace('/');
    }
  };
  return h('div', { class: 'mp-indicator' },
    h('span', { 'data-testid': 'user', title: `${name} of ${partner}; roles: ${[...roles].join(', ')}` }, `${name} · ${partner}`),
    h('button', { class: 'mp-button mp-small', type: 'button', onclick: leave }, 'Sign out'));
}

/** A line over everything that says what is wrong with what one sees; empty while all is well. */
function banner(api) {
  const texts = new Map();
  const element = h('div', { class: 'mp-banner', role: 'status', 'aria-live': 'polite', hidden: true, 'data-testid': 'banner' });
  const show = () => {
    element.hidden = texts.size === 0;
    fill(element, [...texts.values()].map((content) => h('div', { class: 'mp-banner-line' }, content)));
  };
  const timers = new Map();
  const set = (key, content, forMs = 0) => {
    clearTimeout(timers.get(key));
    if (content) texts.set(key, content);
    else texts.delete(key);
    if (content && forMs) timers.set(key, setTimeout(() => set(key, null), forMs));
    show();
  };
  api.live.on('state', ({ connected }) => set('lost', connected ? null : ['▲ Connection lost: values on the screen are old. Trying again …']));
  api.live.on('thinned', ({ kept, of }) => set('thinned', [`◆ This browser reads more slowly than values come: ${kept} of ${of} shown live. History is complete.`], 10_000));
  api.on('signed-out', () => set('session', ['▲ Your session has ended. ', h('a', { href: '/' }, 'Sign in again')]));
  api.notice = (text) => set('notice', [`▲ ${text} `, h('button', { class: 'mp-button mp-small', type: 'button', onclick: () => set('notice', null) }, 'Close')]);
  return element;
}

export function installIndicators(openmct, api) {
  document.body.prepend(banner(api));
  const canSet = api.me.roles.some((role) => role === 'admin' || role === 'operator');
  openmct.indicators.add({ key: 'moonpost.user', element: userIndicator(api), priority: openmct.priority.LOW });
  openmct.indicators.add({ key: 'moonpost.clock', element: clockIndicator(api, canSet), priority: openmct.priority.HIGH });
}

