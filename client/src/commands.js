// Commanding: the dictionary, a form with ranges and units, a stack, and what became of each request.
import { field, fill, h, newId, number, utc } from './dom.js';
import { STEPS, digestOf, hexLines, isEnded, significanceBadge, stateBadge } from './commandbook.js';
import { addView } from './views.js';

export const COMMANDS = 'moonpost.commands';
export const APPROVALS = 'moonpost.approvals';
const STACK = 'moonpost.stack';

/** A control for an argument, and how its value is read. */
function argumentControl(argument) {
  const labels = Object.entries(argument.labels ?? {});
  if (labels.length) {
    const choice = h('select', { class: 'mp-input', required: true }, labels.map(([, text]) => h('option', { value: text }, text)));
    return { control: choice, read: () => choice.value, hint: '' };
  }
  const bounded = [argument.low, argument.high].some((bound) => bound !== null && bound !== undefined);
  const range = bounded ? `${number(argument.low ?? NaN)} to ${number(argument.high ?? NaN)}` : '';
  const hint = [argument.description, range, argument.unit && argument.unit !== '1' ? argument.unit : ''].filter(Boolean).join(', ');
  const kind = argument.kind ?? argument.encoding?.kind ?? argument.encoding ?? '';
  if (/text|string|octets|binary/.test(kind)) {
    const text = h('input', { class: 'mp-input', type: 'text', required: true, spellcheck: 'false', maxlength: argument.length ?? argument.octets ?? 2000 });
    return { control: text, read: () => text.value, hint };
  }
  const whole = /int|unsigned|signed|enum/.test(kind);
  const entry = h('input', {
    class: 'mp-input', type: 'number', required: true, step: whole ? '1' : 'any', min: argument.low, max: argument.high,
    value: argument.default ?? '',
  });
  return { control: entry, read: () => Number(entry.value), hint };
}

/** The form of one command: arguments, time, comment; `submit(request)` and `stack(request)` get what was filled in. */
function commandForm(command, submit, stack) {
  const controls = (command.arguments ?? []).map((argument) => ({ argument, ...argumentControl(argument) }));
  const at = h('input', { class: 'mp-input', type: 'text', placeholder: 'at once', pattern: '\\d{4}-\\d\\d-\\d\\d[ T]\\d\\d:\\d\\d(:\\d\\d)?', title: '2040-06-21 12:00:00' });
  const comment = h('input', { class: 'mp-input', type: 'text', maxlength: '500' });
  const problem = h('p', { class: 'mp-problem', role: 'alert', id: newId('problem') });
  const read = () => ({
    name: command.name,
    arguments: Object.fromEntries(controls.map(({ argument, read: value }) => [argument.name, value()])),
    atMs: at.value ? Date.parse(`${at.value.replace(' ', 'T')}Z`) : undefined,
    comment: comment.value,
  });
  const run = async (event, action) => {
    event.preventDefault();
    problem.textContent = '';
    if (!form.reportValidity()) return;
    try {
      await action(read());
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  const form = h('form', { class: 'mp-form', 'aria-label': `Command ${command.name}`, onsubmit: (event) => run(event, submit) },
    h('h3', {}, command.name, ' ', significanceBadge(command.significance)),
    h('p', { class: 'mp-hint' }, command.description),
    command.significance === 'hazardous'
      ? h('p', { class: 'mp-warn' }, '⚠ Somebody else has to approve the exact octets before this leaves.') : null,
    controls.map(({ argument, control, hint }) => field(argument.name, control, hint)),
    field('Carry out at (UTC)', at, 'empty: on arrival; else it waits on board'),
    field('Comment', comment),
    problem,
    h('div', { class: 'mp-actions' },
      h('button', { class: 'mp-button mp-primary', type: 'submit' }, 'Request'),
      h('button', { class: 'mp-button', type: 'button', onclick: (event) => run(event, stack) }, 'Add to stack')));
  return form;
}

/** Dictionary with search; `choose(command)` is called with what is picked. */
function dictionaryList(commands, choose) {
  const list = h('ul', { class: 'mp-list', 'aria-label': 'Commands' });
  const search = h('input', { class: 'mp-input', type: 'search', placeholder: 'Search commands' });
  const count = h('span', { class: 'mp-hint', role: 'status' });
  let chosen = '';
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (command) => `${command.name} ${command.element ?? ''} ${command.description} ${command.significance}`.toLowerCase();
    const found = commands.filter((command) => words.every((word) => text(command).includes(word)));
    count.textContent = `${found.length} of ${commands.length}`;
    fill(list, found.map((command) => h('li', {}, h('button', {
      class: 'mp-pick', type: 'button', 'aria-pressed': String(command.name === chosen), title: command.description, 'data-command': command.name,
      onclick: () => {
        chosen = command.name;
        show();
        choose(command);
      },
    }, h('span', {}, command.name), command.significance === 'routine' ? null : significanceBadge(command.significance)))));
  };
  search.addEventListener('input', show);
  show();
  return h('div', { class: 'mp-dictionary' }, field('Dictionary', search), count, list);
}

/** Requests that wait in the browser until they are sent in order. */
class Stack {
  items = JSON.parse(sessionStorage.getItem(STACK) ?? '[]');

  constructor(book, changed) {
    this.book = book;
    this.changed = changed;
  }

  set(items) {
    this.items = items;
    sessionStorage.setItem(STACK, JSON.stringify(items));
    this.changed();
  }

  move(index, by) {
    const items = [...this.items];
    const [item] = items.splice(index, 1);
    items.splice(Math.max(0, index + by), 0, item);
    this.set(items);
  }

  async requestAll() {
    while (this.items.length) {
      const [first, ...rest] = this.items;
      await this.book.request(first.name, first.arguments, first);
      this.set(rest);
    }
  }
}

function showStack(stack, element) {
  const problem = h('p', { class: 'mp-problem', role: 'alert' });
  const send = async () => {
    try {
      await stack.requestAll();
    } catch (error) {
      problem.textContent = `${stack.items[0].name}: ${error.message}`;
    }
  };
  const tool = (label, text, action) => h('button', { class: 'mp-button mp-small', type: 'button', 'aria-label': label, title: label, onclick: action }, text);
  fill(element, h('h3', {}, `Stack (${stack.items.length})`),
    h('ol', { class: 'mp-stack' }, stack.items.map((item, index) => h('li', {},
      h('span', {}, `${item.name} ${argumentsText(item.arguments)}`), h('span', { class: 'mp-tools' },
        tool(`Move ${item.name} up`, '↑', () => stack.move(index, -1)), tool(`Move ${item.name} down`, '↓', () => stack.move(index, 1)),
        tool(`Remove ${item.name}`, '✕', () => stack.set(stack.items.filter((_, other) => other !== index))))))),
    stack.items.length ? h('button', { class: 'mp-button', type: 'button', onclick: send }, 'Request all in order') : h('p', { class: 'mp-hint' }, 'Prepare commands here and request them in order.'),
    problem);
}

function argumentsText(values) {
  return Object.entries(values ?? {}).map(([name, value]) => `${name}=${typeof value === 'number' ? number(value) : value}`).join(', ');
}

/** The way of a command as marks: what is done, what comes. */
function progress(command) {
  const done = new Map((command.stages ?? []).map((stage) => [stage.state, stage]));
  if (!done.has('requested')) done.set('requested', { wall_ms: command.requested_wall_ms });
  const others = (command.stages ?? []).filter((stage) => !STEPS.includes(stage.state));
  const item = (name, stage, mark) => h('li', { class: stage ? 'mp-done' : '', title: stage?.text ?? '' },
    h('span', {}, `${mark} ${name}`),
    stage ? h('span', { class: 'mp-time' }, Number.isFinite(stage.time_ms) ? utc(stage.time_ms) : wall(stage.wall_ms)) : null,
    stage?.by ? h('span', { class: 'mp-by' }, stage.by) : null,
    stage?.text ? h('span', { class: 'mp-comment' }, stage.text) : null);
  return h('ol', { class: 'mp-steps', 'aria-label': 'Stages' },
    STEPS.map((name) => item(name, done.get(name), done.has(name) ? '✓' : '○')),
    others.map((stage) => item(stage.state, stage, stage.state === 'failed' || stage.state === 'refused' ? '✕' : '·')));
}

const wall = (ms) => (Number.isFinite(ms) ? `${utc(ms)} (wall)` : '');

function octetsOf(command) {
  const check = h('span', { class: 'mp-hint' });
  digestOf(command.octets).then((digest) => {
    check.textContent = digest === null ? '' : digest === command.digest ? ' ✓ computed here as well' : ' ✕ DOES NOT FIT THE OCTETS';
    check.classList.toggle('mp-problem', digest !== null && digest !== command.digest);
  });
  return h('div', { class: 'mp-octets' },
    h('div', {}, `${command.octets.length / 2} octets`), h('pre', { tabindex: '0', 'aria-label': 'Octets of the packet in hexadecimal' }, hexLines(command.octets)),
    h('div', {}, 'SHA-256 ', h('code', { class: 'mp-digest' }, command.digest), check));
}

/** What the user may try with a command; the server decides, and says why not. */
function verbsFor(api, command) {
  const roles = new Set(api.me.roles);
  const verbs = [];
  if (command.state === 'waiting' && roles.has('approver')) verbs.push(['approve', 'Approve'], ['reject', 'Reject']);
  if (command.state === 'approved' && (roles.has('operator') || roles.has('approver'))) verbs.push(['release', 'Release']);
  if (['waiting', 'approved'].includes(command.state) && (command.requester === api.me.name || roles.has('operator'))) verbs.push(['withdraw', 'Withdraw']);
  return verbs;
}

function actions(api, book, command) {
  const verbs = verbsFor(api, command);
  if (!verbs.length) return null;
  const comment = h('input', { class: 'mp-input', type: 'text', maxlength: '500', id: `comment-${command.id}` });
  const problem = h('p', { class: 'mp-problem', role: 'alert' });
  const run = async (verb) => {
    problem.textContent = '';
    try {
      await book.act(command, verb, comment.value);
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  const own = command.state === 'waiting' && command.requester === api.me.name && api.me.roles.includes('approver');
  return h('div', { class: 'mp-decide' },
    own ? h('p', { class: 'mp-hint' }, 'You asked for this: the rules want another person to approve it.') : null,
    field('Comment', comment),
    h('div', { class: 'mp-actions' }, verbs.map(([verb, label], index) => h('button', {
      class: `mp-button ${index === 0 ? 'mp-primary' : ''}`, type: 'button', id: `${verb}-${command.id}`,
      'aria-label': `${label} ${command.name} ${command.id}`, onclick: () => run(verb),
    }, label))), problem);
}

function card(api, book, command) {
  const who = `${command.requester} · ${command.partner}`;
  const about = [argumentsText(command.arguments), Number.isFinite(command.at_ms) && command.at_ms !== null ? `at ${utc(command.at_ms)} on board` : ''].filter(Boolean).join(' · ');
  const approvals = (command.approvals ?? []).map((approval) => h('p', {}, `✓ approved by ${approval.name} · ${approval.partner}`, approval.comment ? h('span', { class: 'mp-comment' }, `“${approval.comment}”`) : null));
  const needed = command.state === 'waiting' && command.needed?.length ? h('p', {}, `Waits for another person of: ${command.needed.join(', ')}`) : null;
  return h('article', { class: `mp-card ${isEnded(command) ? 'mp-quiet' : ''}`, 'aria-label': `Command ${command.id} ${command.name}`, 'data-id': command.id, 'data-state': command.state },
    h('header', {}, h('h4', {}, `${command.id} ${command.name}`), significanceBadge(command.significance), stateBadge(command.state)),
    h('p', { class: 'mp-hint' }, `${who}, ${utc(command.requested_wall_ms)} (wall)`, about ? ` · ${about}` : ''),
    (command.reasons ?? []).map((reason) => h('p', { class: 'mp-reason' }, `✕ ${reason}`)),
    needed, approvals, progress(command),
    h('details', { open: command.state === 'waiting' }, h('summary', {}, 'Octets and digest'), octetsOf(command)),
    actions(api, book, command));
}

/** Cards by command; one is made again only when its command changed, so that what is typed stays. */
function cardList(api, book, element, choose, empty) {
  const cards = new Map();
  return book.watch(() => {
    const commands = choose(book);
    const keep = new Set(commands.map(({ id }) => id));
    for (const id of [...cards.keys()]) if (!keep.has(id)) cards.delete(id);
    for (const command of commands) {
      const text = JSON.stringify(command);
      const before = cards.get(command.id);
      if (before?.text === text) continue;
      const node = card(api, book, command);
      if (before?.node.querySelector('details').open) node.querySelector('details').open = true;
      cards.set(command.id, { text, node });
    }
    const wanted = commands.map(({ id }) => cards.get(id).node);
    if (!wanted.length) fill(element, h('p', { class: 'mp-empty' }, book.error || empty));
    else if (wanted.length !== element.children.length || wanted.some((node, index) => element.children[index] !== node)) element.replaceChildren(...wanted);
  });
}

function showCommands(api, book, dictionary, element) {
  const form = h('div', { class: 'mp-pane-form' }, h('p', { class: 'mp-hint' }, 'Choose a command of the dictionary.'));
  const stackElement = h('section', { 'aria-label': 'Stack' });
  const stack = new Stack(book, () => showStack(stack, stackElement));
  const left = h('section', { class: 'mp-pane', 'aria-label': 'New command' }, h('p', {}, 'Loading the dictionary …'));
  const cards = h('div', { class: 'mp-cards', 'aria-live': 'polite' });
  const title = h('h3', {}, 'Requests');
  fill(element, h('div', { class: 'mp-columns' }, left, h('section', { class: 'mp-pane mp-scroll', 'aria-label': 'Requests', tabindex: '0' }, title, cards)));
  const choose = (command) => fill(form, commandForm(command,
    async (request) => {
      const made = await book.request(request.name, request.arguments, request);
      title.textContent = `Requests · ${made.id} ${made.name}: ${made.state}`;
    },
    async (request) => stack.set([...stack.items, request])));
  showStack(stack, stackElement);
  dictionary().then((commands) => {
    if (api.me.roles.includes('operator')) fill(left, dictionaryList(commands, choose), form, stackElement);
    else fill(left, h('p', { class: 'mp-hint' }, 'Operators ask for commands. You see what they ask for.'));
  }).catch((error) => fill(left, h('p', { class: 'mp-problem', role: 'alert' }, error.message)));
  return cardList(api, book, cards, (all) => all.all, 'No commands yet.');
}

function showApprovals(api, book, element) {
  const cards = h('div', { class: 'mp-cards', 'aria-live': 'polite' });
  fill(element, h('div', { class: 'mp-pane mp-scroll', tabindex: '0', role: 'region', 'aria-label': 'Waiting for approval' }, cards));
  return cardList(api, book, cards, (all) => all.waiting, 'Nothing waits for approval.');
}

export function installCommands(openmct, api, book, approvalsPath) {
  let loaded = null;
  const dictionary = () => (loaded ??= api.get('commands/dictionary').then(({ commands }) => commands).catch((error) => {
    loaded = null;
    throw error;
  }));
  addView(openmct, {
    type: COMMANDS, name: 'Commands', description: 'Ask for commands and follow them.', cssClass: 'icon-command',
    show: (element) => showCommands(api, book, dictionary, element),
  });
  addView(openmct, {
    type: APPROVALS, name: 'Approvals', description: 'Commands that wait for a second person.', cssClass: 'icon-check',
    show: (element) => showApprovals(api, book, element),
  });
  const link = h('a', { class: 'mp-alarm-count', href: approvalsPath, 'data-testid': 'approval-count' });
  book.watch(() => {
    const count = book.waiting.length;
    link.textContent = `${count ? '◔' : '○'} ${count} to approve`;
  });
  openmct.indicators.add({ key: 'moonpost.approvals', element: h('div', { class: 'mp-indicator' }, link), priority: openmct.priority.HIGH });
}
