// Table of a machine's latest values: live, with unit, state by shape, and time.
import { fill, h, number, utc } from './dom.js';
import { NAMESPACE, boundsOf, judge, stateMark } from './telemetry.js';
import { addView } from './views.js';

export const MACHINE = 'moonpost.machine';
const REDRAW_MS = 250;

function shownValue(channel, value) {
  const label = channel.labels?.[value] ?? channel.labels?.[String(value)];
  return label ?? number(value);
}

function boundsText(channel) {
  const { warning } = boundsOf(channel);
  const [low, high] = warning.map((bound) => (bound === null ? '' : number(bound)));
  return low || high ? `${low || '…'} to ${high || '…'}` : '';
}

/** A row of the table and what puts a new value into it. */
function row(channel, name) {
  const value = h('td', { class: 'mp-number' }, '-');
  const state = h('td', { class: 'mp-state-cell' });
  const time = h('td', { class: 'mp-time' });
  const link = h('a', { href: linkTo(channel), title: channel.description }, name);
  const element = h('tr', { 'data-key': channel.key },
    h('th', { scope: 'row' }, link), state, value, h('td', { class: 'mp-unit' }, channel.unit === '1' ? '' : channel.unit),
    h('td', { class: 'mp-bounds' }, boundsText(channel)), time);
  const bounds = boundsOf(channel);
  let last = null;
  return {
    element,
    set([timeMs, found, given]) {
      const judged = given ?? judge(bounds, found);
      value.textContent = shownValue(channel, found);
      time.textContent = utc(timeMs);
      if (judged !== last) fill(state, stateMark(judged));
      last = judged;
    },
  };
}

export function linkTo(channel) {
  return `#/browse/${NAMESPACE}:station/${NAMESPACE}:machine.${channel.subject}/${NAMESPACE}:channel.${channel.key}`;
}

/** Fill an element with the values of some channels; returns what ends it. */
export function showValues(api, element, channels, nameOf) {
  const rows = new Map(channels.map((channel) => [channel.key, row(channel, nameOf(channel))]));
  const waiting = new Map();
  fill(element, h('div', { class: 'mp-scroll', tabindex: '0', role: 'region', 'aria-label': 'Latest values' },
    h('table', { class: 'mp-table' },
      h('thead', {}, h('tr', {}, ['Channel', 'State', 'Value', 'Unit', 'Limits', 'Time (UTC)'].map((text) => h('th', { scope: 'col', class: text === 'Value' ? 'mp-right' : null }, text)))),
      h('tbody', {}, [...rows.values()].map((entry) => entry.element)))));
  const draw = () => {
    for (const [key, found] of waiting) rows.get(key)?.set(found);
    waiting.clear();
  };
  const timer = setInterval(draw, REDRAW_MS);
  const stops = channels.map(({ key }) => api.live.subscribe(key, (values, late) => late || waiting.set(key, values.at(-1))));
  api.get(`latest?keys=${encodeURIComponent(channels.map(({ key }) => key).join(','))}`).then(({ values }) => {
    for (const [key, found] of Object.entries(values)) if (!waiting.has(key)) waiting.set(key, found);
    draw();
  }).catch((error) => api.notice(error.message));
  return [() => clearInterval(timer), ...stops];
}

export function installValues(openmct, api, { channelsOf, nameOf }) {
  addView(openmct, {
    type: MACHINE,
    name: 'Latest values',
    description: 'A machine of the station with all that it sends.',
    cssClass: 'icon-dictionary',
    show: (element, object) => showValues(api, element, channelsOf(object.subject), (channel) => nameOf(channel).replace(`${object.subject} `, '')),
  });
}
