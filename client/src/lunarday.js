// The lunar day: a line in the status bar, and a view with dial, facts and the light of the coming month.
import './lunarday.css';
import { fill, h, newId, number, span, utc } from './dom.js';
import { STRIPS, patterns, svg } from './timelinechart.js';
import { addView, refreshed } from './views.js';

export const LUNARDAY = 'moonpost.lunarday';
const DAY = 86_400_000;
const MONTH = 29.530589 * DAY;
const LABEL_PX = 62;

const later = (ms, now) => (ms === null || ms === undefined ? 'not within two months' : `${utc(ms, { seconds: false })}, in ${span(ms - now)}`);

/** The moment in short parts, for the status bar. */
export function shortParts(moment, now) {
  const day = moment.lunar_day === null ? '' : `Lunar day ${moment.lunar_day} `;
  const sun = moment.sun_elevation_deg === null ? '' : ` ${moment.sun_elevation_deg.toFixed(1).replace('-', '−')}°`;
  const turn = moment.lit ? moment.next_sunset_ms : moment.next_sunrise_ms;
  return [`${day}${moment.lit ? '☀' : '☾'}${sun}`, turn ? ` · ${moment.lit ? 'sunset' : 'sunrise'} in ${span(turn - now)}` : ''];
}

function dial(moment) {
  const radius = 82;
  const place = (azimuth, r) => [100 + r * Math.sin((azimuth * Math.PI) / 180), 100 - r * Math.cos((azimuth * Math.PI) / 180)];
  const marks = ['N', 'E', 'S', 'W'].map((text, index) => {
    const [x, y] = place(90 * index, 62);
    return svg('text', { x, y: y + 4, class: 'mp-ld-mark' }, text);
  });
  const known = moment.sun_azimuth_deg !== null;
  const [x, y] = known ? place(moment.sun_azimuth_deg, radius) : [0, 0];
  const rays = moment.lit ? Array.from({ length: 8 }, (_, k) => {
    const [cos, sin] = [Math.cos((k * Math.PI) / 4), Math.sin((k * Math.PI) / 4)];
    return svg('line', { x1: x + 11 * cos, y1: y + 11 * sin, x2: x + 15 * cos, y2: y + 15 * sin, class: 'mp-ld-rays' });
  }) : [];
  const words = known ? `Sun at azimuth ${moment.sun_azimuth_deg.toFixed(0)} degrees, ${moment.lit ? 'in view' : 'not in view'}` : 'no Sun over a horizon: the station is in orbit';
  return svg('svg', { viewBox: '0 0 200 200', class: 'mp-ld-dial', role: 'img', 'aria-label': words },
    svg('circle', { cx: 100, cy: 100, r: radius, class: 'mp-ld-ring' }), svg('circle', { cx: 100, cy: 100, r: 74, class: 'mp-ld-ground' }), known ? marks : [],
    svg('text', { x: 100, y: 88, class: 'mp-ld-word' }, moment.lunar_day === null ? '' : 'lunar day'),
    svg('text', { x: 100, y: 122, class: 'mp-ld-day' }, moment.lunar_day ?? (known ? '–' : 'orbit')),
    svg('text', { x: 100, y: 140, class: 'mp-ld-word' }, moment.earth_day === null ? '' : `Earth day ${moment.earth_day}${moment.counted_assumed ? '*' : ''}`, moment.counted_assumed ? svg('title', {}, moment.counted) : []),
    known ? [rays, svg('circle', { cx: x, cy: y, r: 8, class: moment.lit ? 'mp-ld-sun' : 'mp-ld-sun mp-ld-dark' })] : []);
}

function facts(moment, now) {
  const share = moment.lit_fraction === undefined ? '' : moment.lit_fraction > 0 && moment.lit_fraction < 1 ? `, ${Math.round(100 * moment.lit_fraction)} % of the disc` : '';
  const rows = [
    ['Sun', moment.sun_elevation_deg === null ? (moment.lit ? 'in view' : 'in the shadow of the Moon') : `${number(moment.sun_elevation_deg, 3).replace('-', '−')}° (level horizon), ${moment.lit ? `in view${share}` : 'not in view'}`],
    ['Next sunset', later(moment.next_sunset_ms, now)],
    ['Next sunrise', later(moment.next_sunrise_ms, now)],
    ['Contact', contactText(moment, now)],
    ['Light time', Number.isFinite(moment.light_time_s) ? `${moment.light_time_s.toFixed(2)} s one way` : '-'],
  ];
  const days = [moment.lunar_day === null ? '' : `${moment.lunar_day}`, moment.earth_day === null ? '' : `Earth day ${moment.earth_day}${moment.counted_assumed ? '*' : ''}`].filter(Boolean).join(', ');
  return h('dl', {}, days ? [h('dt', { class: 'mp-ld-said' }, moment.lunar_day === null ? 'Day' : 'Lunar day'), h('dd', { class: 'mp-ld-said' }, days)] : null, rows.map(([name, text]) => [h('dt', {}, name), h('dd', {}, text)]), moment.note ? [h('dt', {}, 'Note'), h('dd', {}, moment.note)] : null,
    moment.counted ? h('dd', { class: 'mp-ld-counted' }, `${moment.counted_assumed ? '* ' : ''}${moment.counted} All times are UTC.`) : null);
}

/** Whether there is contact and until when; of contact that lasts beyond what is simulated, until when that is known. */
export function contactText(moment, now) {
  const state = moment.contact ? '● yes' : '○ no';
  if (moment.next_contact_change_ms) return `${state}, until ${later(moment.next_contact_change_ms, now)}`;
  return moment.contact_known_until_ms >= now ? `${state}, beyond ${utc(moment.contact_known_until_ms, { seconds: false })}` : state;
}

/** Light and contact of one lunar day from two days ago on. */
function month(items, start, stop, now, width, prefix, known) {
  const x = (at) => LABEL_PX + ((at - start) / (stop - start)) * (width - LABEL_PX);
  const rows = [['sun', 'Sun', 4], ['contact', 'Contact', 28]];
  const parts = [patterns(prefix)];
  for (const [kind, name, y] of rows) {
    parts.push(svg('text', { x: 0, y: y + 14 }, name), svg('rect', { x: LABEL_PX, y, width: width - LABEL_PX, height: 18, fill: '#060b1c', stroke: '#2c3846' }));
    for (const item of items.filter((one) => one.kind === kind)) {
      const left = Math.max(x(item.start_ms), LABEL_PX);
      parts.push(svg('rect', { x: left, y, width: Math.max(Math.min(x(item.stop_ms), width) - left, 1), height: 18, fill: STRIPS[kind].fill, stroke: STRIPS[kind].line }));
    }
  }
  if (known < stop) {
    const left = Math.max(x(known), LABEL_PX);
    parts.push(svg('rect', { x: left, y: 28, width: width - left, height: 18, fill: `url(#${prefix}-crossed)` }, svg('title', {}, 'contact is not known: beyond what is simulated')));
  }
  for (const item of items.filter((one) => one.kind === 'eclipse')) {
    parts.push(svg('rect', { x: x(item.start_ms), y: 4, width: Math.max(x(item.stop_ms) - x(item.start_ms), 2), height: 18, fill: `url(#${prefix}-crossed)` }, svg('title', {}, item.label)));
  }
  for (let at = Math.ceil(start / (5 * DAY)) * 5 * DAY; x(at) < width - 40; at += 5 * DAY) parts.push(svg('text', { x: x(at), y: 64 }, new Date(at).toISOString().slice(5, 10)));
  parts.push(svg('line', { x1: x(now), x2: x(now), y1: 0, y2: 50, stroke: '#f0e442', 'stroke-width': 1.5 }));
  return svg('svg', { class: 'mp-ld-strip', viewBox: `0 0 ${width} 74`, preserveAspectRatio: 'none', role: 'img', 'aria-label': 'Sun and contact in the coming lunar day' }, parts);
}

function showLunarDay(api, element) {
  const prefix = newId('ld');
  const top = h('div', { class: 'mp-ld' });
  const strip = h('div', { class: 'mp-ld-wide' });
  const problem = h('p', { class: 'mp-problem', role: 'alert' });
  fill(element, h('div', { class: 'mp-ld-container mp-scroll', tabindex: '0', role: 'region', 'aria-label': 'Lunar day', 'data-testid': 'lunarday' }, top, problem));
  let items = [];
  let asked = -Infinity;
  let bounds = [0, 1];
  let known = Infinity;
  const draw = () => {
    const width = Math.max(strip.clientWidth, 240);
    fill(strip, month(items, bounds[0], bounds[1], api.clock.now(), width, prefix, known));
  };
  const load = async () => {
    try {
      const moment = await api.get('clock');
      const now = api.clock.now();
      known = moment.contact_known_until_ms ?? Infinity;
      fill(top, dial(moment), facts(moment, now), strip);
      if (now - asked > DAY / 2 || now < asked) {
        bounds = [now - 2 * DAY, now - 2 * DAY + MONTH];
        const found = await api.get(`timeline?start_ms=${Math.round(bounds[0])}&stop_ms=${Math.round(bounds[1])}`);
        items = found.items.filter((item) => item.layer === 'sky');
        asked = now;
      }
      draw();
      problem.textContent = '';
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  const refresh = refreshed(api, [], load, { waitMs: 200, everyMs: 2000 });
  const sizes = new ResizeObserver(draw);
  sizes.observe(element);
  return [refresh.stop, () => sizes.disconnect()];
}

/** The line in the status bar. */
function indicator(api) {
  const text = h('span', { 'data-testid': 'lunar-day' });
  const element = h('div', { class: 'mp-indicator mp-ld-line', role: 'status', 'aria-label': 'Lunar day', 'aria-live': 'off' }, text);
  const load = async () => {
    try {
      const moment = await api.get('clock');
      const [now, next] = shortParts(moment, api.clock.now());
      fill(text, now, h('span', { class: 'mp-ld-next' }, next));
      element.title = `${now}${next}. Contact: ${moment.contact ? 'yes' : 'no'}; light time ${moment.light_time_s?.toFixed(2)} s. ${moment.note}`;
    } catch {
      text.textContent = '';
    }
  };
  refreshed(api, [], load, { waitMs: 500, everyMs: 3000 });
  return element;
}

export function install(openmct, api) {
  openmct.indicators.add({ key: 'moonpost.lunarday', element: indicator(api), priority: openmct.priority.HIGH });
  addView(openmct, {
    type: LUNARDAY, name: 'Lunar day', description: 'Which lunar day it is, where the Sun stands, when it sets.', cssClass: 'icon-clock',
    show: (element) => showLunarDay(api, element),
  });
}
