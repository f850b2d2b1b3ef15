// The tree of the station and the layouts that are ready to use, as read-only objects.
import { ALARMS } from './alarms.js';
import { AUDIT } from './audit.js';
import { APPROVALS, COMMANDS, REQUESTS } from './commands.js';
import { PROGRAMME } from './programme.js';
import { NAMESPACE, channelObject, seriesOf } from './telemetry.js';
import { MACHINE } from './values.js';

const id = (key) => ({ namespace: NAMESPACE, key });
export const pathTo = (key) => `#/browse/${NAMESPACE}:station/${NAMESPACE}:${key}`;

/** Endings of keys that tell the unit, which displays show beside the name. */
const UNITS = new Set(['w', 'wh', 'k', 'deg', 'm', 's', 'bit', 'kg', 'v', 'a']);

/** `station.stored_wh` reads as `station stored`, `luna-30.element_load_w` as `luna-30 load of its own`. */
export function nameOf(channel) {
  const words = channel.key.slice(channel.subject.length + 1).split('_');
  if (words.length > 1 && UNITS.has(words.at(-1))) words.pop();
  if (words[0] === 'element' && words.length > 1) words.splice(0, words.length, ...words.slice(1), ...(words.at(-1) === 'working' ? [] : ['of its own']));
  return `${channel.subject} ${words.join(' ')}`;
}

function frame(key, size, bare = false) {
  return { id: `frame-${key}`, domainObjectIdentifier: id(key), size, noFrame: bare };
}

/** A flexible layout: columns of frames, each `[key, size]`, or rows of them. */
function flexible(key, name, columns, rowsLayout = false) {
  const containers = columns.map(({ size, frames }, index) => ({
    id: `${key}-${index}`, size, frames: frames.map(([child, part]) => frame(child, part)),
  }));
  return {
    identifier: id(key), name, type: 'flexible-layout', location: `${NAMESPACE}:station`, locked: true,
    configuration: { containers, rowsLayout },
    composition: columns.flatMap(({ frames }) => frames.map(([child]) => id(child))),
  };
}

function plot(key, name, channels, stacked = false) {
  const keys = channels.map((channel) => `channel.${channel.key}`);
  return {
    identifier: id(key), name, type: stacked ? 'telemetry.plot.stacked' : 'telemetry.plot.overlay', location: `${NAMESPACE}:station`, locked: true,
    configuration: { ...seriesOf(keys), objectStyles: {} },
    composition: keys.map(id),
  };
}

/** Channels by their keys, in this order, without those that the plan or the user's partner does not have. */
function pick(channels, keys) {
  const byKey = new Map(channels.map((channel) => [channel.key, channel]));
  return keys.map((key) => byKey.get(key)).filter(Boolean);
}

function single(key, name, type) {
  return { identifier: id(key), name, type, location: `${NAMESPACE}:station` };
}

function layouts(channels) {
  const subjects = [...new Set(channels.map(({ subject }) => subject))];
  const bus = subjects.includes('station') ? 'station' : subjects.find((subject) => channels.some(({ key }) => key === `${subject}.stored_fraction`)) ?? '';
  const stores = channels.filter(({ key }) => key.endsWith('.stored_fraction')).slice(0, 6);
  const temperatures = channels.filter(({ key, unit }) => unit === 'K' && !key.startsWith('sky.')).slice(0, 6);
  const power = pick(channels, ['supply_w', 'load_w', 'served_w', 'shed_w'].map((part) => `${bus}.${part}`));
  const light = channels.filter(({ key }) => key.endsWith('.light_fraction')).slice(0, 4);
  const sun = pick(channels, ['sky.sun_elevation_deg']);
  const plots = [
    plot('plot.power', 'Power of the station', power),
    plot('plot.stores', 'Stored energy of each bus', stores),
    plot('plot.sun', 'Sun elevation', sun),
    plot('plot.light', 'Light on the masts', light),
    plot('plot.temperatures', 'Temperatures', temperatures),
  ].filter((object) => object.composition.length);
  const has = (key) => plots.some((object) => object.identifier.key === key);
  const science = [['plot.sun', 34], ['plot.light', 33], ['plot.temperatures', 33]].filter(([key]) => has(key));
  return {
    plots,
    layouts: [
      flexible('operator', 'Operator', [
        { size: 30, frames: [['lunarday', 38], ['alarms', 62]] },
        { size: 34, frames: [['plot.power', 50], ['plot.stores', 50]].filter(([key]) => has(key)) },
        { size: 36, frames: [['commands', 52], ['requests', 48]] },
      ]),
      flexible('scientist', 'Scientist', [
        { size: 40, frames: [['polarmap', 60], ['lunarday', 40]] },
        { size: 60, frames: [...science, ['timeline', 70]] },
      ]),
      flexible('programme-office', 'Programme office', [
        { size: 45, frames: [['programme', 100]] },
        { size: 55, frames: [['timeline', 60], ['globe', 40]] },
      ]),
    ],
  };
}

/** Which layout opens first for somebody with these roles. */
export function firstLayout(roles) {
  if (roles.includes('operator')) return 'operator';
  if (roles.includes('approver') && !roles.includes('programme')) return 'operator';
  if (roles.includes('scientist')) return 'scientist';
  return 'programme-office';
}

function machineName(subject, machines) {
  const known = machines.find((machine) => machine.id === subject);
  if (known?.name) return known.name;
  const words = subject.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Every object of the namespace by its key. */
function objectsOf({ station, channels, machines }) {
  const made = layouts(channels);
  const subjects = [...new Set(channels.map(({ subject }) => subject))];
  const views = [
    single('alarms', 'Alarms', ALARMS), single('commands', 'Commands', COMMANDS), single('requests', 'Requests', REQUESTS),
    single('approvals', 'Approvals', APPROVALS),    single('audit', 'Audit', AUDIT), single('timeline', 'Timeline', 'moonpost.timeline'), single('lunarday', 'Lunar day', 'moonpost.lunarday'),
    single('polarmap', 'Polar map', 'moonpost.polarmap'), single('globe', 'Moon globe', 'moonpost.globe'), single('programme', 'Programme', PROGRAMME),
  ];
  const folders = subjects.map((subject) => ({
    identifier: id(`machine.${subject}`), name: machineName(subject, machines), type: MACHINE, subject, location: `${NAMESPACE}:station`,
    composition: channels.filter((channel) => channel.subject === subject).map((channel) => id(`channel.${channel.key}`)),
  }));
  const plots = { identifier: id('plots'), name: 'Plots', type: 'folder', location: `${NAMESPACE}:station`, composition: made.plots.map(({ identifier }) => identifier) };
  const root = {
    identifier: id('station'), name: station.name, type: 'folder', location: 'ROOT',
    composition: [...made.layouts, ...views, plots, ...folders].map(({ identifier }) => identifier),
  };
  const all = [root, plots, ...made.layouts, ...made.plots, ...views, ...folders, ...channels.map((channel) => channelObject(channel, nameOf(channel)))];
  return new Map(all.map((object) => [object.identifier.key, object]));
}

export function installObjects(openmct, model) {
  const objects = objectsOf(model);
  openmct.objects.addRoot(id('station'), openmct.priority.HIGH);
  openmct.objects.addProvider(NAMESPACE, {
    async get({ key }) {
      const found = objects.get(key);
      if (found) return structuredClone(found);
      return { identifier: id(key), name: 'Not there, or not for you', type: 'unknown', location: `${NAMESPACE}:station` };
    },
  });
}
