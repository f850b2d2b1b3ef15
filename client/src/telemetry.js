// Channels of the station as telemetry of Open MCT: history, live values, limits, labels.
import { h } from './dom.js';

export const NAMESPACE = 'moonpost';
export const CHANNEL = 'moonpost.channel';
/** Bins asked for a plot when Open MCT names none. */
const BINS = 1000;
const BATCH_MS = 20;

/** States of a value as the server numbers them, with what tells them apart besides colour. */
export const STATES = {
  2: { name: 'critical high', shape: '▲▲', level: 'critical', cssClass: 'is-limit--upr is-limit--red' },
  1: { name: 'warning high', shape: '▲', level: 'warning', cssClass: 'is-limit--upr is-limit--yellow' },
  0: { name: 'good', shape: '●', level: 'good', cssClass: '' },
  '-1': { name: 'warning low', shape: '▼', level: 'warning', cssClass: 'is-limit--lwr is-limit--yellow' },
  '-2': { name: 'critical low', shape: '▼▼', level: 'critical', cssClass: 'is-limit--lwr is-limit--red' },
};

export function stateOf(state) {
  return STATES[state] ?? { name: 'no number', shape: '?', level: 'unknown', cssClass: '' };
}

/** The mark of a state: shape, colour and words for those who hear the page. */
export function stateMark(state) {
  const { name, shape, level } = stateOf(state);
  return h('span', { class: `mp-state mp-${level}`, role: 'img', 'aria-label': name, title: name }, shape);
}

/** Labels of a channel as an array of [number, text]. */
function labelsOf(channel) {
  return Object.entries(channel.labels ?? {}).map(([value, string]) => ({ value: Number(value), string }));
}

function telemetryOf(channel) {
  const enumerations = labelsOf(channel);
  const value = {
    key: 'value',
    name: 'Value',
    unit: channel.unit === '1' ? '' : channel.unit,
    format: enumerations.length ? 'enum' : 'float',
    hints: { range: 1 },
  };
  if (enumerations.length) value.enumerations = enumerations;
  return {
    values: [
      { key: 'utc', source: 'utc', name: 'Time', format: 'utc', hints: { domain: 1 } },
      value,
    ],
  };
}

/** Colours of lines that people with any colour vision tell apart on black (after Okabe and Ito). */
const COLOURS = ['#56B4E9', '#E69F00', '#009E73', '#CC79A7', '#F0E442', '#D55E00', '#0072B2', '#FFFFFF'];

/** Configuration of a plot of these objects with their colours and limit lines. */
export function seriesOf(keys) {
  return {
    series: keys.map((key, index) => ({
      identifier: { namespace: NAMESPACE, key }, color: COLOURS[index % COLOURS.length], limitLines: true, alarmMarkers: true, markers: false,
    })),
  };
}

export function channelObject(channel, name) {
  return {
    identifier: { namespace: NAMESPACE, key: `channel.${channel.key}` },
    name,
    type: CHANNEL,
    notes: channel.description,
    location: `${NAMESPACE}:machine.${channel.subject}`,
    telemetry: telemetryOf(channel),
    configuration: seriesOf([`channel.${channel.key}`]),
    channel,
  };
}

/** Bounds of a channel: {warning: [low, high], critical: [low, high]}, null where there is none. */
export function boundsOf(channel) {
  const limits = channel.limits ?? {};
  const pair = (level) => {
    const given = limits[level] ?? [limits[`${level}_low`], limits[`${level}_high`]];
    return (Array.isArray(given) ? given : [given.low, given.high]).map((bound) => bound ?? null);
  };
  return { warning: pair('warning'), critical: pair('critical') };
}

/** Where a value lies within bounds: -2, -1, 0, 1, 2. */
export function judge(bounds, value) {
  const beyond = ([low, high]) => (low !== null && value < low ? -1 : high !== null && value > high ? 1 : 0);
  return 2 * beyond(bounds.critical) || beyond(bounds.warning);
}

/** Asks for the latest values of many channels at once. */
function latestTogether(api) {
  let waiting = null;
  return (key) => {
    if (waiting === null) {
      const keys = new Set();
      const answer = new Promise((done) => setTimeout(done, BATCH_MS)).then(() => {
        waiting = null;
        return api.get(`latest?keys=${encodeURIComponent([...keys].join(','))}`);
      });
      waiting = { keys, answer };
    }
    waiting.keys.add(key);
    return waiting.answer.then(({ values }) => values[key] ?? null);
  };
}

/** History as data of Open MCT: smallest and largest of each bin, and no line across a gap. */
export function datumsOf(part) {
  const datums = [];
  const { time_ms: times, value, minimum, maximum, count } = part;
  times.forEach((time, index) => {
    if (minimum && maximum && count?.[index] > 1 && minimum[index] !== maximum[index]) {
      datums.push({ utc: time, value: minimum[index] }, { utc: time, value: maximum[index] });
    } else if (value[index] !== null) {
      datums.push({ utc: time, value: value[index] });
    }
  });
  for (const gap of part.gaps ?? []) {
    const start = gap.after_ms;
    if (Number.isFinite(start)) datums.push({ utc: start + 1, value: NaN });
  }
  return datums.sort((a, b) => a.utc - b.utc);
}

export function installTelemetry(openmct, api) {
  const latest = latestTogether(api);
  const mine = (object) => object.type === CHANNEL;
  openmct.types.addType(CHANNEL, { name: 'Channel', cssClass: 'icon-telemetry', description: 'A value that the station sends.' });
  openmct.telemetry.addProvider({
    supportsRequest: mine,
    supportsSubscribe: mine,
    supportsBatching: mine,
    supportsLimits: mine,
    async request(object, options) {
      const key = object.channel.key;
      if (options.strategy === 'latest') {
        const found = await latest(key);
        return found ? [{ utc: found[0], value: found[1], state: found[2] }] : [];
      }
      const start = Math.max(0, Math.floor(options.start));
      const stop = Math.min(Math.ceil(options.end), Math.ceil(api.clock.now()) + 1);
      if (stop <= start) return [];
      const query = `start_ms=${start}&stop_ms=${stop}&bins=${options.size ?? BINS}`;
      return datumsOf(await api.get(`channels/${encodeURIComponent(key)}/history?${query}`));
    },
    subscribe(object, callback, options) {
      const batch = options?.strategy === 'batch';
      return api.live.subscribe(object.channel.key, (values) => {
        const datums = values.map(([time, value, state]) => ({ utc: time, value, state }));
        if (batch) callback(datums);
        else datums.forEach((datum) => callback(datum));
      });
    },
    getLimitEvaluator(object) {
      const bounds = boundsOf(object.channel);
      return {
        evaluate(datum, metadata) {
          if (metadata?.key !== 'value') return undefined;
          const state = datum.state ?? judge(bounds, datum.value);
          const { name, cssClass } = stateOf(state);
          return cssClass ? { cssClass, name } : undefined;
        },
      };
    },
    getLimits(object) {
      return { limits: async () => limitLines(boundsOf(object.channel)) };
    },
  });
}

function limitLines({ warning, critical }) {
  const lines = {};
  const line = (bound, color) => ({ color, value: bound });
  const add = (name, [low, high], color) => {
    if (low === null && high === null) return;
    lines[name] = {};
    if (low !== null) lines[name].low = line(low, color);
    if (high !== null) lines[name].high = line(high, color);
  };
  add('WARNING', warning, 'yellow');
  add('CRITICAL', critical, 'red');
  return lines;
}
