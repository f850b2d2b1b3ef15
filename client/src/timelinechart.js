// Draws rows and items of a timeline as SVG: plan above, what happened below, sky on top, a line for now.

const NS = 'http://www.w3.org/2000/svg';
const DAY = 86_400_000;
const HOUR = 3_600_000;

const AXIS_PX = 50;
/** Heights of rows, [px]: where there is room, and in a small frame. */
const ROOMY = { sky: 24, lane: 19, gap: 7 };
const DENSE = { sky: 20, lane: 15, gap: 3 };
const CHARACTER_PX = 6.3;
const CONTACT_ROW = 'sky.earth';

/** How an activity stands: colour after Okabe and Ito, hatching, and a mark before its name. */
export const STATUS = {
  planned: { name: 'planned', fill: '#2b5f86', line: '#56b4e9', mark: '' },
  commanded: { name: 'commanded', fill: '#2b5f86', line: '#ffffff', mark: '»', pattern: 'dots' },
  running: { name: 'running', fill: '#0f7f60', line: '#f0e442', mark: '▶', dark: true },
  done: { name: 'done', fill: '#00795a', line: '#3fbf95', mark: '✓' },
  late: { name: 'late', fill: '#7a5200', line: '#e69f00', mark: '!', pattern: 'rising' },
  missed: { name: 'missed', fill: '#6d2c00', line: '#ff8a4c', mark: '✗', pattern: 'crossed' },
  refused: { name: 'refused', fill: '#6b3a55', line: '#e6a3c7', mark: '⊘', pattern: 'falling' },
};

/** States of machines and of the sky as strips. */
export const STRIPS = {
  works: { name: 'works', fill: '#3b4b5c' },
  'dark-mode': { name: 'dark mode', fill: '#232d3a', pattern: 'falling' },
  asleep: { name: 'asleep', fill: '#10151c', pattern: 'sparse', line: '#56687c' },
  'no-telemetry': { name: 'no telemetry', fill: '#000000', pattern: 'crossed', line: '#9aa7b4' },
  'lunar-day': { name: 'lunar day', fill: '#26323f', line: '#56687c' },
  sun: { name: 'Sun in view', fill: '#8a7a1a', line: '#f0e442' },
  contact: { name: 'contact', fill: '#1d5a80', line: '#56b4e9' },
  eclipse: { name: 'eclipse by the Earth', fill: '#5d2f4a', line: '#cc79a7', pattern: 'crossed' },
};

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(name, String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null && child !== false) element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

function pattern(id, ...lines) {
  return svg('pattern', { id, width: 8, height: 8, patternUnits: 'userSpaceOnUse' }, lines);
}

function stroke(d, width = 1.4) {
  return svg('path', { d, stroke: '#ffffff', 'stroke-opacity': 0.3, 'stroke-width': width, fill: 'none' });
}

/** Hatchings, so that no state is told by colour alone. */
export function patterns(prefix) {
  return svg('defs', {},
    pattern(`${prefix}-rising`, stroke('M-2,2 l4,-4 M0,8 l8,-8 M6,10 l4,-4')),
    pattern(`${prefix}-falling`, stroke('M-2,6 l4,4 M0,0 l8,8 M6,-2 l4,4', 0.9)),
    pattern(`${prefix}-crossed`, stroke('M0,8 l8,-8 M0,0 l8,8', 1)),
    pattern(`${prefix}-sparse`, stroke('M0,8 l8,-8', 0.6)),
    pattern(`${prefix}-dots`, svg('circle', { cx: 3, cy: 3, r: 1.2, fill: '#ffffff', 'fill-opacity': 0.6 })));
}

/** Where each row stands: y of its lanes. */
export function placed(rows, dense = false) {
  const { sky: skyPx, lane, gap } = dense ? DENSE : ROOMY;
  let y = AXIS_PX;
  const found = new Map();
  for (const row of rows) {
    const sky = row.group === 'sky';
    const height = sky ? skyPx : 2 * lane + gap;
    found.set(row.id, { row, y, height, sky, lanePx: lane });
    y += height + (sky ? 0 : 1);
  }
  return { rows: found, height: y + 4 };
}

const STEPS = [HOUR / 4, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 5 * DAY, 10 * DAY, 30 * DAY, 90 * DAY, 365 * DAY];

function ticks(start, stop, width) {
  const wanted = ((stop - start) / Math.max(width, 1)) * 90;
  const step = STEPS.find((one) => one >= wanted) ?? STEPS.at(-1);
  const found = [];
  for (let at = Math.ceil(start / step) * step; at < stop; at += step) found.push(at);
  return { step, found };
}

function tickText(at, step) {
  const text = new Date(at).toISOString();
  return step < DAY ? text.slice(11, 16) : text.slice(5, 10);
}

function axis(scale, height) {
  const { start, stop, width, x } = scale;
  const { step, found } = ticks(start, stop, width);
  const lines = found.map((at) => svg('line', { x1: x(at), x2: x(at), y1: AXIS_PX - 6, y2: height, class: 'mp-tl-grid' }));
  const labels = found.map((at) => svg('text', { x: x(at) + 3, y: AXIS_PX - 8, class: 'mp-tl-tick' }, tickText(at, step)));
  const days = [];
  let shown = -Infinity;
  for (const at of step < DAY ? [start, ...found.filter((one) => one % DAY === 0)] : [start]) {
    if (x(at) - shown < 105) continue;
    shown = x(at);
    days.push(svg('text', { x: x(at) + 3, y: 14, class: 'mp-tl-date' }, new Date(at).toISOString().slice(0, 10)));
  }
  return [lines, labels, days];
}

function short(text, width) {
  const room = Math.floor((width - 8) / CHARACTER_PX);
  if (room < Math.min(5, text.length)) return '';
  return text.length <= room ? text : `${text.slice(0, Math.max(room - 1, 1))}…`;
}

/** The nights over all rows of machines: where no part of the Sun is in view. */
function nights(items, scale, layout) {
  const lit = items.filter((item) => item.kind === 'sun').sort((a, b) => a.start_ms - b.start_ms);
  const machines = [...layout.rows.values()].filter(({ sky }) => !sky);
  if (!machines.length || !items.some((item) => item.row === 'sky.day' || item.kind === 'sun')) return [];
  const top = machines[0].y;
  const gaps = [];
  let from = scale.known[0];
  for (const { start_ms: start, stop_ms: stop } of lit) {
    if (start > from) gaps.push([from, start]);
    from = Math.max(from, stop);
  }
  if (from < scale.known[1]) gaps.push([from, scale.known[1]]);
  return gaps.filter(([a, b]) => b > scale.start && a < scale.stop).map(([a, b]) => {
    const left = Math.max(scale.x(a), 0);
    return svg('rect', { x: left, y: top, width: Math.max(Math.min(scale.x(b), scale.width) - left, 0), height: layout.height - top, class: 'mp-tl-night' });
  });
}

function strip(item, place, scale, prefix) {
  const look = STRIPS[item.kind];
  const [left, right] = ends(item, scale);
  const sky = place.sky;
  const lane = item.layer === 'actual' ? 1 : 0;
  const slim = item.kind === 'works';
  const { lanePx } = place;
  const y = sky ? place.y + 3 : place.y + 3 + lane * lanePx + (slim ? Math.round((lanePx - 8) / 2) : 0);
  const height = sky ? place.height - 6 : slim ? 5 : lanePx - 3;
  const width = Math.max(right - left, 1);
  const box = { x: left, y, width, height, rx: 2 };
  const text = sky ? short(item.label, width) : '';
  return [
    svg('rect', { ...box, fill: look.fill, stroke: look.line ?? 'none', 'stroke-opacity': 0.7 }),
    look.pattern && svg('rect', { ...box, fill: `url(#${prefix}-${look.pattern})`, class: 'mp-tl-hatch' }),
    text && svg('text', { x: left + 5, y: y + height / 2 + 4, class: 'mp-tl-text' }, text),
  ];
}

function ends(item, scale) {
  return [Math.max(scale.x(item.start_ms), -4), Math.min(scale.x(item.stop_ms), scale.width + 4)];
}

function bar(item, place, scale, prefix) {
  const look = STATUS[item.status] ?? STATUS.planned;
  const [left, right] = ends(item, scale);
  const lane = item.layer === 'actual' ? 1 : 0;
  const box = { x: left, y: place.y + 3 + lane * place.lanePx, width: Math.max(right - left, 3), height: place.lanePx - 3, rx: 3 };
  const text = short(`${look.mark ? `${look.mark} ` : ''}${item.label}`, box.width);
  return [
    svg('rect', { ...box, fill: look.fill, stroke: look.line, 'stroke-width': item.status === 'running' ? 2 : 1.2 }),
    look.pattern && svg('rect', { ...box, fill: `url(#${prefix}-${look.pattern})`, class: 'mp-tl-hatch' }),
    text && svg('text', { x: left + 5, y: box.y + box.height / 2 + 4, class: 'mp-tl-text mp-tl-strong' }, text),
  ];
}

const MARKS = { command: 'M0,-5 l5,5 l-5,5 l-5,-5 z', event: 'M0,-4 l4,7 l-8,0 z' };

function mark(item, place, scale) {
  const x = scale.x(item.start_ms);
  const y = place.sky ? place.y + place.height - 6 : place.y + 3 + 1.5 * place.lanePx;
  const fill = item.kind === 'command' ? '#56b4e9' : '#f0e442';
  return [svg('path', { d: MARKS[item.kind] ?? MARKS.event, transform: `translate(${x},${y})`, fill, stroke: '#000' })];
}

function drawn(item, place, scale, prefix) {
  if (item.kind === 'activity') return bar(item, place, scale, prefix);
  if (item.kind === 'command' || item.kind === 'event') return mark(item, place, scale);
  return STRIPS[item.kind] ? strip(item, place, scale, prefix) : [];
}

const ORDER = { 'no-telemetry': 0, works: 0, 'dark-mode': 0, asleep: 0, activity: 1, event: 2, command: 3 };

/** Where contact is not known: beyond what is simulated. */
function unknownContact(known, scale, layout, prefix) {
  const place = layout.rows.get(CONTACT_ROW);
  if (!place || !(known < scale.stop)) return [];
  const left = Math.max(scale.x(known), -4);
  const box = { x: left, y: place.y + 3, width: scale.width + 4 - left, height: place.height - 6 };
  const text = short('not known', box.width);
  const words = 'contact is not known: beyond what is simulated';
  return svg('g', { role: 'img', 'aria-label': words, 'data-testid': 'contact-unknown' }, svg('title', {}, words),
    svg('rect', { ...box, fill: '#060b1c', stroke: '#2c3846' }), svg('rect', { ...box, fill: `url(#${prefix}-crossed)`, class: 'mp-tl-hatch' }),
    text && svg('text', { x: left + 5, y: box.y + box.height / 2 + 4, class: 'mp-tl-text' }, text));
}

/** Items within sight, strips first; far too many marks are thinned to one a pixel. */
export function visible(items, scale, layout) {
  const near = items.filter((item) => layout.rows.has(item.row) && item.stop_ms >= scale.start && item.start_ms <= scale.stop);
  const taken = new Set();
  const kept = near.filter((item) => {
    if (item.kind !== 'event') return true;
    const key = `${item.row}|${Math.round(scale.x(item.start_ms) / 6)}`;
    if (taken.has(key)) return false;
    taken.add(key);
    return true;
  });
  return kept.sort((a, b) => (ORDER[a.kind] ?? 0) - (ORDER[b.kind] ?? 0) || a.start_ms - b.start_ms);
}

export function scaleOf(start, stop, width, known) {
  return { start, stop, width, known, x: (at) => ((at - start) / (stop - start)) * width, at: (x) => start + (x / width) * (stop - start) };
}

/** The whole picture; `state` holds items, tried items, now, until when contact is known, selected id. */
export function draw(root, scale, layout, state, prefix) {
  const { items, tried = [], nowMs, contactKnownMs, selected } = state;
  const now = scale.x(nowMs);
  const parts = [patterns(prefix), ...nights(items, scale, layout)];
  for (const { y, height, sky, lanePx } of layout.rows.values()) {
    parts.push(svg('line', { x1: 0, x2: scale.width, y1: y + height, y2: y + height, class: 'mp-tl-rule' }));
    if (!sky) parts.push(svg('line', { x1: 0, x2: scale.width, y1: y + lanePx + 2, y2: y + lanePx + 2, class: 'mp-tl-half' }));
  }
  parts.push(axis(scale, layout.height));
  for (const item of visible(items, scale, layout)) {
    const place = layout.rows.get(item.row);
    const group = svg('g', { 'data-id': item.id, class: item.id === selected ? 'mp-tl-item mp-tl-picked' : 'mp-tl-item', role: 'img', 'aria-label': spoken(item) },
      svg('title', {}, spoken(item)), drawn(item, place, scale, prefix));
    parts.push(group);
  }
  parts.push(unknownContact(contactKnownMs, scale, layout, prefix));
  for (const item of tried) {
    const place = layout.rows.get(item.row);
    if (!place || item.stop_ms < scale.start || item.start_ms > scale.stop) continue;
    const [left, right] = ends(item, scale);
    parts.push(svg('rect', { x: left, y: place.y + 1, width: Math.max(right - left, 3), height: place.lanePx + 1, rx: 3, class: 'mp-tl-tried', 'data-tried': item.id },
      svg('title', {}, `as tried: ${spoken(item)}`)));
  }
  if (now >= 0 && now <= scale.width) {
    const flip = now > scale.width - 50;
    parts.push(svg('line', { x1: now, x2: now, y1: 31, y2: layout.height, class: 'mp-tl-now' }),
      svg('text', { x: now + (flip ? -4 : 4), y: 28, class: 'mp-tl-nowtext', 'text-anchor': flip ? 'end' : 'start' }, 'now'));
  }
  root.setAttribute('width', String(scale.width));
  root.setAttribute('height', String(layout.height));
  root.replaceChildren(...parts.flat(Infinity).filter(Boolean));
}

const WORDS = { plan: 'plan', actual: 'received', sky: 'sky' };

/** An item in words, for tooltips and for those who hear the page. */
export function spoken(item) {
  const time = (ms) => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
  const when = item.stop_ms > item.start_ms ? `${time(item.start_ms)} to ${time(item.stop_ms)}` : time(item.start_ms);
  const status = item.kind === 'activity' ? `, ${STATUS[item.status]?.name ?? item.status}` : '';
  return `${item.label}${status} (${WORDS[item.layer] ?? item.layer}), ${when} UTC${item.text ? `. ${item.text}` : ''}`;
}
