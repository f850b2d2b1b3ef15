// Elements made of text nodes and attributes only: nothing that comes from data is ever read as HTML.

/** An element: `h('button', { class: 'mp-button', onclick: f, 'aria-label': 'Close' }, 'x', child)`. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on') && typeof value === 'function') element.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked' || name === 'disabled') element[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Put new children into an element, keeping the focus on the control with the same id. */
export function fill(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement.id : '';
  element.replaceChildren();
  append(element, children);
  if (focused) element.querySelector(`#${CSS.escape(focused)}`)?.focus({ preventScroll: true });
  return element;
}

/** Have exactly these nodes in an element, in this order, without touching those that are in place: the focus stays. */
export function arrange(element, nodes) {
  const wanted = new Set(nodes);
  for (const node of [...element.childNodes]) if (!wanted.has(node)) node.remove();
  nodes.forEach((node, index) => {
    if (element.childNodes[index] !== node) element.insertBefore(node, element.childNodes[index] ?? null);
  });
}

/** Where the focus is within a list: entry, place, control; null if it is elsewhere. */
function focusedIn(list) {
  const at = document.activeElement;
  if (at === list || !list.contains(at)) return null;
  const entry = [...list.children].find((child) => child.contains(at));
  return { at, key: entry.dataset.key, place: [...list.children].indexOf(entry), control: at.dataset.control };
}

/** The control of an entry with this name. */
function controlOf(entry, name) {
  return name ? [...entry.querySelectorAll('[data-control]')].find((one) => one.dataset.control === name && !one.disabled) : null;
}

function focusOn(element) {
  if (element.tabIndex < 0 && !element.hasAttribute('tabindex')) element.setAttribute('tabindex', '-1');
  element.focus({ preventScroll: false });
}

/** Give the focus back: to the same control, its entry, the entry that took its place, or `home`. */
function refocus(list, before, home) {
  if (!before || (before.at.isConnected && document.activeElement === before.at)) return;
  const entries = [...list.children].filter((child) => child.dataset.key !== undefined);
  const same = entries.find((child) => child.dataset.key === before.key);
  const entry = same ?? entries[Math.min(before.place, entries.length - 1)];
  focusOn((same && before.at.isConnected && before.at) || (same && controlOf(same, before.control)) || entry || home);
}

/** What was typed into an entry and opened there goes on into the one that takes its place. */
function carryOver(from, to) {
  for (const old of from.querySelectorAll('input[data-control], details[data-control]')) {
    const now = [...to.querySelectorAll('[data-control]')].find((one) => one.dataset.control === old.dataset.control);
    if (!now) continue;
    if (old.tagName === 'DETAILS') now.open = old.open;
    else if (old.value) {
      now.value = old.value;
      if (old === document.activeElement) now.setSelectionRange(old.selectionStart, old.selectionEnd);
    }
  }
}

/**
 * A list that lives: returns a function that has it show `[{ key, text, make }]`, or `empty` if there are none. An entry is made
 * again only when its text changed. The focus stays on the control (`data-control`) of the entry that has it; if that is gone,
 * on the entry; on the one that took its place; on `home`.
 */
export function liveList(list, home) {
  const kept = new Map();
  return (entries, empty = []) => {
    const before = focusedIn(list);
    const keep = new Set(entries.map(({ key }) => key));
    for (const key of [...kept.keys()]) if (!keep.has(key)) kept.delete(key);
    for (const { key, text, make } of entries) {
      const old = kept.get(key);
      if (old?.text === text) continue;
      const node = make();
      node.dataset.key = key;
      if (old) carryOver(old.node, node);
      kept.set(key, { text, node });
    }
    arrange(list, entries.length ? entries.map(({ key }) => kept.get(key).node) : [empty].flat());
    refocus(list, before, home);
  };
}

let counter = 0;

/** An id that no other element of the page has. */
export function newId(stem) {
  counter += 1;
  return `mp-${stem}-${counter}`;
}

/** A labelled control: the label belongs to it for readers of the screen, too. */
export function field(label, control, hint = '') {
  const id = control.id || newId('field');
  control.id = id;
  const note = hint ? h('span', { class: 'mp-hint', id: `${id}-hint` }, hint) : null;
  if (note) control.setAttribute('aria-describedby', note.id);
  return h('div', { class: 'mp-field' }, h('label', { for: id }, label), control, note);
}

/** UTC as people read it: 2040-06-21 12:34:56. */
export function utc(ms, { seconds = true } = {}) {
  if (!Number.isFinite(ms)) return '-';
  return new Date(ms).toISOString().slice(0, seconds ? 19 : 16).replace('T', ' ');
}

/** A length of time in the two largest units: 3 d 4 h. */
export function span(ms) {
  if (!Number.isFinite(ms)) return '-';
  const total = Math.round(Math.abs(ms) / 1000);
  const parts = [[Math.floor(total / 86400), 'd'], [Math.floor(total / 3600) % 24, 'h'], [Math.floor(total / 60) % 60, 'min'], [total % 60, 's']];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return '0 s';
  return parts.slice(first, first + 2).map(([count, unit]) => `${count} ${unit}`).join(' ');
}

/** A number with as many digits as one can use, without a tail of zeros. */
export function number(value, digits = 5) {
  if (value === null || value === undefined || Number.isNaN(value)) return '-';
  if (typeof value !== 'number') return String(value);
  if (value === 0 || Number.isInteger(value)) return Math.abs(value) < 1e15 ? value.toLocaleString('en', { useGrouping: 'min2' }).replaceAll(',', '\u2009') : value.toExponential(3);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(3);
  return String(Number(value.toPrecision(digits)));
}
