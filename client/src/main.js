// Mission control in a browser: Open MCT with the plug-ins of this folder.
import './style.css';
import { installAlarms } from './alarms.js';
import { openApi } from './api.js';
import { installAudit } from './audit.js';
import { installIndicators, installTime } from './clock.js';
import { CommandBook } from './commandbook.js';
import { installCommands } from './commands.js';
import { h } from './dom.js';
import * as globe from './globe.js';
import { firstLayout, installObjects, nameOf, pathTo } from './layouts.js';
import * as lunarday from './lunarday.js';
import * as polarmap from './polarmap.js';
import { installPlotAxes } from './plotaxes.js';
import { installProgramme } from './programme.js';
import { installTelemetry } from './telemetry.js';
import * as timeline from './timeline.js';
import { installValues } from './values.js';

const ASSETS = '/static/openmct/';
const EXPANDED = 'mct-tree-expanded';

async function loadModel(api) {
  const [station, channels, clock] = await Promise.all([api.get('station'), api.get('channels'), api.get('clock')]);
  api.clock.set(clock.time_ms, clock.speed);
  if (Number.isFinite(clock.end_ms)) api.clock.endMs = clock.end_ms;
  return { station, channels: channels.channels, machines: station.elements };
}

const FOCUSABLE = 'a[href], button:not([disabled]), input, select, [tabindex="0"]';

/** The first thing that Tab reaches: a way past menus and tree to what is displayed. */
function skipLink() {
  const go = (event) => {
    event.preventDefault();
    [...document.querySelectorAll('.l-shell__main-container .mp-view')].map((view) => view.querySelector(FOCUSABLE)).find(Boolean)?.focus();
  };
  return h('a', { class: 'mp-skip', href: '#', onclick: go }, 'Skip to the display');
}

/** Open the displays in the page for somebody who signed in. */
export async function start(openmct, me) {
  const api = openApi(me);
  const model = await loadModel(api);
  const book = new CommandBook(api);
  openmct.setAssetPath(ASSETS);
  openmct.install(openmct.plugins.DarkmatterTheme());
  document.head.append(document.querySelector('link[href$="/main.css"]')); // after the theme, which it adds to
  openmct.install(openmct.plugins.LocalStorage());
  openmct.install(openmct.plugins.MyItems('My displays'));
  installTime(openmct, api, model.station);
  openmct.install(openmct.plugins.DisplayLayout({ showAsView: [] }));
  openmct.install(openmct.plugins.LADTable());
  installPlotAxes();
  installTelemetry(openmct, api);
  installObjects(openmct, model);
  const channelsOf = (subject) => model.channels.filter((channel) => channel.subject === subject);
  installValues(openmct, api, { channelsOf, nameOf });
  installIndicators(openmct, api);
  installAlarms(openmct, api, pathTo('alarms'));
  installCommands(openmct, api, book, pathTo('approvals'));
  installAudit(openmct, api);
  installProgramme(openmct, api, model);
  for (const module of [timeline, lunarday, polarmap, globe]) module.install(openmct, api);
  if (localStorage.getItem(EXPANDED) === null) localStorage.setItem(EXPANDED, JSON.stringify(['/browse/moonpost:station']));
  if (!location.hash || location.hash === '#/') location.hash = `${pathTo(firstLayout([...me.roles]))}?hideInspector=true`;
  openmct.start(document.getElementById('app'));
  document.body.prepend(skipLink());
  api.live.start();
}
