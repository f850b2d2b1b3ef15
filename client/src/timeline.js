// The timeline: sky, plan and execution; edits are tried by simulation; activities become commands.
import './timeline.css';
import { fill, h, newId, span } from './dom.js';
import { STATUS, STRIPS, draw, placed, patterns, scaleOf, spoken, svg } from './timelinechart.js';
import { WhatIf } from './timelineedits.js';
import { addView, refreshed } from './views.js';

export const TIMELINE = 'moonpost.timeline';
const DAY = 86_400_000;
const HOUR = 3_600_000;
const LEAST_MS = HOUR;
const MOST_MS = 780 * DAY;
const NOW_AT = 0.3;
const DENSE_UNDER_PX = 460;

/** One timeline on the screen. */
class TimelineView {
  constructor(api, element) {
    this.api = api;
    this.prefix = newId('tl');
    this.rows = [];
    this.items = [];
    this.selected = '';
    this.follow = true;
    this.spanMs = null;
    this.known = [0, 0];
    this.contactKnownMs = Infinity;
    this.window = this.firstWindow();
    this.build(element);
    this.whatIf = new WhatIf(api, this);
    this.refresh = refreshed(api, ['event', 'command'], () => this.load(), { waitMs: 700, everyMs: 5_000 });
    this.sizes = new ResizeObserver(() => this.paint());
    this.sizes.observe(this.scroll);
    this.timer = setInterval(() => this.tick(), 500);
  }

  firstWindow() {
    const width = Math.min(Math.max(4 * DAY, 40_000 * this.api.clock.speed), 30 * DAY);
    const start = this.api.clock.now() - NOW_AT * width;
    return { start, stop: start + width };
  }

  build(element) {
    const button = (text, label, action) => h('button', { class: 'mp-button mp-small', type: 'button', 'aria-label': label, title: label, onclick: action }, text);
    this.followed = h('button', { class: 'mp-button mp-small', type: 'button', 'aria-pressed': 'true', title: 'Keep mission time in sight (key: N)', onclick: () => this.goNow() }, 'Follow now');
    this.told = h('span', { class: 'mp-tl-state', role: 'status' }, 'Loading …');
    this.labels = h('div', { class: 'mp-tl-labels' });
    this.chart = svg('svg', { class: 'mp-tl-chart', role: 'group', 'aria-label': 'Timeline chart' });
    const help = 'Timeline. Arrow keys left and right move in time, plus and minus zoom, N goes to now, A shows the whole period, square brackets go from item to item.';
    this.scroll = h('div', { class: 'mp-tl-scroll', tabindex: '0', role: 'application', 'aria-label': help, onkeydown: (event) => this.key(event) }, this.labels, this.chart);
    this.foot = h('div', { class: 'mp-tl-foot', hidden: true, 'aria-live': 'polite', tabindex: '-1', role: 'region', 'aria-label': 'Chosen on the timeline' });
    fill(element, h('div', { class: 'mp-tl-container' }, h('div', { class: 'mp-tl', 'data-testid': 'timeline' },
      h('div', { class: 'mp-tl-bar' },
        h('div', { class: 'mp-actions' }, button('◀', 'Earlier (key: left)', () => this.pan(-0.4)), button('▶', 'Later (key: right)', () => this.pan(0.4)),
          button('−', 'Show more time (key: minus)', () => this.zoom(1.6)), button('+', 'Show less time (key: plus)', () => this.zoom(1 / 1.6)),
          this.followed, button('All', 'Whole period (key: A)', () => this.goAll())),
        this.legend(), this.told),
      this.scroll, this.foot)));
    this.listen();
  }

  legend() {
    const id = `${this.prefix}-key`;
    const chip = ({ fill: colour, line, pattern }) => svg('svg', { width: 18, height: 11, 'aria-hidden': 'true' },
      patterns(id), svg('rect', { x: 0.5, y: 0.5, width: 17, height: 10, rx: 2, fill: colour, stroke: line ?? '#56687c' }),
      pattern && svg('rect', { x: 0.5, y: 0.5, width: 17, height: 10, rx: 2, fill: `url(#${id}-${pattern})` }));
    const entry = (look) => h('span', {}, chip(look), `${look.mark ? `${look.mark} ` : ''}${look.name}`);
    return h('div', { class: 'mp-tl-legend', 'aria-label': 'Key' },
      ['planned', 'commanded', 'running', 'done', 'late', 'missed'].map((name) => entry(STATUS[name])),
      ['works', 'dark-mode', 'asleep'].map((name) => entry(STRIPS[name])), h('span', {}, '(above: plan, below: received)'));
  }

  listen() {
    let from = null;
    this.chart.addEventListener('pointerdown', (event) => {
      from = { x: event.clientX, window: { ...this.window }, moved: false, id: event.target.closest('[data-id]')?.dataset.id };
      this.chart.setPointerCapture(event.pointerId);
    });
    this.chart.addEventListener('pointermove', (event) => {
      if (!from) return;
      const shift = event.clientX - from.x;
      if (Math.abs(shift) < 4 && !from.moved) return;
      from.moved = true;
      this.chart.classList.add('mp-tl-moving');
      const perPixel = (from.window.stop - from.window.start) / this.width();
      this.goTo(from.window.start - shift * perPixel, from.window.stop - shift * perPixel);
    });
    const end = () => {
      if (from && !from.moved) this.select(from.id ?? '');
      from = null;
      this.chart.classList.remove('mp-tl-moving');
    };
    this.chart.addEventListener('pointerup', end);
    this.chart.addEventListener('pointercancel', () => { from = null; });
    this.chart.addEventListener('wheel', (event) => {
      if (!event.ctrlKey && !event.shiftKey) return;
      event.preventDefault();
      if (event.ctrlKey) this.zoom(event.deltaY > 0 ? 1.25 : 0.8, event.offsetX / this.width());
      else this.pan(Math.sign(event.deltaY || event.deltaX) * 0.1);
    }, { passive: false });
  }

  width() {
    return Math.max(this.scroll.clientWidth - this.labels.offsetWidth, 120);
  }

  async load() {
    const width = this.window.stop - this.window.start;
    const start = Math.round(this.window.start - 0.5 * width);
    const stop = Math.round(this.window.stop + 0.5 * width);
    try {
      const [found, moment] = await Promise.all([this.api.get(`timeline?start_ms=${start}&stop_ms=${stop}`), this.api.get('clock')]);
      const seen = found.items.filter((item) => item.kind === 'contact').map((item) => item.stop_ms);
      this.contactKnownMs = Math.max(moment.contact_known_until_ms ?? Infinity, found.span_ms?.[1] ?? Infinity, ...seen); // the clock looks ahead two months only
      this.rows = found.rows;
      this.items = found.items;
      this.known = [start, stop];
      this.spanMs = found.span_ms;
      this.told.textContent = scheduleText(found.schedule);
      this.told.classList.remove('mp-warn');
      this.told.title = (found.schedule.notes ?? []).join(' ');
      this.paint();
      if (this.selected && this.shownItem !== JSON.stringify(this.items.find((one) => one.id === this.selected))) this.show();
    } catch (error) {
      this.told.textContent = error.message;
      this.told.classList.add('mp-warn');
    }
  }

  paint() {
    if (!this.rows.length) return;
    const layout = placed(this.rows, this.scroll.clientHeight < DENSE_UNDER_PX);
    const scale = scaleOf(this.window.start, this.window.stop, this.width(), this.known);
    fill(this.labels, [...layout.rows.values()].map(({ row, y, height, sky }) => h('div', {
      class: 'mp-tl-label', style: undefined, title: row.partner ? `${row.label} (${row.partner})` : row.label,
      'data-y': y, 'data-h': height,
    }, row.label, sky ? null : h('small', {}, row.partner))));
    for (const label of this.labels.children) label.style.top = `${Number(label.dataset.y) + 4}px`;
    this.labels.style.height = `${layout.height}px`;
    draw(this.chart, scale, layout, { items: this.items, tried: this.whatIf.shown, nowMs: this.api.clock.now(), contactKnownMs: this.contactKnownMs, selected: this.selected }, this.prefix);
    this.followed.setAttribute('aria-pressed', String(this.follow));
  }

  tick() {
    if (this.follow) {
      const width = this.window.stop - this.window.start;
      const start = this.api.clock.now() - NOW_AT * width;
      if (Math.abs(start - this.window.start) * this.width() / width > 0.7) this.window = { start, stop: start + width };
      else return;
      if (this.window.stop > this.known[1] || this.window.start < this.known[0]) this.refresh.ask();
    }
    this.paint();
  }

  goTo(start, stop) {
    this.follow = false;
    const width = Math.min(Math.max(stop - start, LEAST_MS), MOST_MS / 2);
    this.window = { start, stop: start + width };
    this.paint();
    if (this.window.start < this.known[0] || this.window.stop > this.known[1]) this.refresh.ask();
  }

  pan(share) {
    const shift = share * (this.window.stop - this.window.start);
    this.goTo(this.window.start + shift, this.window.stop + shift);
  }

  zoom(factor, at = this.follow ? NOW_AT : 0.5) {
    const { start, stop } = this.window;
    const middle = start + at * (stop - start);
    const width = Math.min(Math.max((stop - start) * factor, LEAST_MS), MOST_MS / 2);
    const follow = this.follow;
    this.goTo(middle - at * width, middle + (1 - at) * width);
    this.follow = follow;
    this.refresh.ask();
  }

  goNow() {
    this.follow = !this.follow || !this.nowSeen();
    const width = this.window.stop - this.window.start;
    const start = this.api.clock.now() - NOW_AT * width;
    if (this.follow) this.window = { start, stop: start + width };
    this.paint();
    this.refresh.ask();
  }

  nowSeen() {
    const now = this.api.clock.now();
    return now > this.window.start && now < this.window.stop;
  }

  goAll() {
    if (this.spanMs) this.goTo(this.spanMs[0] - HOUR, this.spanMs[1] + HOUR);
  }

  key(event) {
    if (event.target !== this.scroll || event.altKey || event.ctrlKey || event.metaKey) return;
    const actions = {
      ArrowLeft: () => this.pan(-0.15), ArrowRight: () => this.pan(0.15), '+': () => this.zoom(1 / 1.4), '=': () => this.zoom(1 / 1.4), '-': () => this.zoom(1.4),
      n: () => this.goNow(), N: () => this.goNow(), a: () => this.goAll(), A: () => this.goAll(), ']': () => this.step(1), '[': () => this.step(-1), Escape: () => this.select(''),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }

  /** The next activity, command or event in order of rows and time. */
  step(way) {
    const order = new Map(this.rows.map((row, index) => [row.id, index]));
    const list = this.items.filter((item) => ['activity', 'command', 'event'].includes(item.kind) && item.stop_ms >= this.window.start && item.start_ms <= this.window.stop)
      .sort((a, b) => order.get(a.row) - order.get(b.row) || a.start_ms - b.start_ms);
    if (!list.length) return;
    const at = list.findIndex((item) => item.id === this.selected);
    this.select(list[(at + way + list.length) % list.length].id);
  }

  select(id) {
    this.selected = id;
    this.paint();
    this.show();
    this.foot.scrollTop = 0;
  }

  /** What is known of the item that is chosen, and what can be done with it. */
  show() {
    const item = this.items.find((one) => one.id === this.selected);
    const within = this.foot.contains(document.activeElement);
    if (within && document.activeElement !== this.foot) this.control = document.activeElement.id;
    this.shownItem = JSON.stringify(item);
    this.foot.hidden = !item && !this.whatIf.busy;
    fill(this.foot, item ? this.about(item) : null, this.whatIf.panel());
    if (within) this.refocus();
  }

  /** The focus goes back to the control that had it once that can be used again, else to the panel; of no panel to the chart. */
  refocus() {
    const control = this.control && this.foot.querySelector(`#${CSS.escape(this.control)}`);
    (this.foot.hidden ? this.scroll : control && !control.disabled ? control : this.foot).focus({ preventScroll: true });
  }

  about(item) {
    const row = this.rows.find((one) => one.id === item.row);
    return [
      h('div', {}, h('h4', {}, item.label), h('span', { class: 'mp-hint' }, `${item.id} · ${row?.label ?? ''}`)),
      h('p', {}, spoken(item), item.stop_ms > item.start_ms ? ` · ${span(item.stop_ms - item.start_ms)}` : '', item.data?.power_w ? ` · ${item.data.power_w} W` : ''),
      item.kind === 'activity' && item.layer === 'plan' ? this.whatIf.tools(item) : null,
    ];
  }

  stop() {
    this.refresh.stop();
    this.sizes.disconnect();
    clearInterval(this.timer);
  }
}

function scheduleText(schedule) {
  if (schedule.state === 'none') return 'The plan has no activities.';
  if (schedule.state === 'failed') return `No schedule: ${schedule.error}`;
  if (schedule.placed === undefined) return 'The schedule is being computed …';
  const out = schedule.refused?.length ? `, ${schedule.refused.length} without a place` : '';
  const more = schedule.state === 'improving' ? '; a better one is searched for' : '';
  return `${schedule.placed} activities planned${out}${more}`;
}

export function install(openmct, api) {
  addView(openmct, {
    type: TIMELINE, name: 'Timeline', description: 'Sky, plan and what happened, in rows.', cssClass: 'icon-timeline',
    show: (element) => {
      const view = new TimelineView(api, element);
      return () => view.stop();
    },
  });
}

