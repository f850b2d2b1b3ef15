// Commanding: the dictionary, a form with ranges and units, a stack, and what became of each request.
import { field, fill, h, liveList, newId, number, utc } from './dom.js';
import { STEPS, digestOf, hexLines, isEnded, significanceBadge, stateBadge } from './commandbook.js';
import { addView, refreshed } from './views.js';

export const COMMANDS = 'moonpost.commands';
export const APPROVALS = 'moonpost.approvals';
export const REQUESTS = 'moonpost.requests';
const STACK_WAIT_MS = 2000;

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
      class: 'mp-pick', type: 'button', id: `mp-pick-${command.name}`, 'aria-pressed': String(command.name === chosen), title: command.description, 'data-command': command.name,
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

/** The user's stack, which the server keeps: entries are asked for one by one or all in their order. */
class Stack {
  entries = [];
  position = 0;
  running = false;
  note = '';
  #api;
  #changed;

  constructor(api, changed) {
    this.#api = api;
    this.#changed = changed;
  }

  async #take(answer) {
    Object.assign(this, (await answer).stack);
    this.#changed();
  }

  load = () => this.#take(this.#api.get('stack'));
  put = (entries) => this.#take(this.#api.put('stack', { entries }));
  execute = (all) => this.#take(this.#api.post('stack/execute', { all }));
  halt = () => this.#take(this.#api.post('stack/stop'));

  /** Those that were not asked for yet. */
  get left() {
    return this.entries.slice(this.position);
  }

  add({ name, arguments: values, comment }) {
    return this.put([...this.left, { name, arguments: values, comment, delay_s: 0 }]);
  }

  remove(index) {
    return this.put(this.left.filter((_, other) => other !== index));
  }

  move(index, by) {
    const entries = this.left;
    const [entry] = entries.splice(index, 1);
    entries.splice(Math.max(0, index + by), 0, entry);
    return this.put(entries);
  }
}

/** Ids of controls tell their place, so that the focus stays at that place: after the last one it goes to the heading. */
function showStack(stack, element) {
  const problem = h('p', { class: 'mp-problem', role: 'alert' });
  const run = (action) => action().catch((error) => {
    problem.textContent = error.message;
  });
  const tool = (id, label, text, action) => h('button', { class: 'mp-button mp-small', type: 'button', id: `mp-stack-${id}`, 'aria-label': label, title: label, onclick: () => run(action) }, text);
  const button = (id, text, action) => h('button', { class: 'mp-button', type: 'button', id: `mp-stack-${id}`, onclick: () => run(action) }, text);
  const { left } = stack;
  const focused = element.contains(document.activeElement) ? document.activeElement.id : '';
  const move = async (index, by) => {
    await stack.move(index, by);
    const place = Math.min(Math.max(index + by, 0), stack.left.length - 1);
    element.querySelector(`#mp-stack-${by < 0 ? 'up' : 'down'}-${place}`)?.focus(); // goes with its entry
  };
  fill(element, h('h3', { tabindex: '-1' }, `Stack (${left.length})`), stack.note ? h('p', { class: 'mp-hint' }, stack.note) : null,
    h('ol', { class: 'mp-stack' }, left.map((entry, index) => h('li', {},
      h('span', {}, `${entry.name} ${argumentsText(entry.arguments)}`), h('span', { class: 'mp-tools' },
        tool(`up-${index}`, `Move ${entry.name} up`, '↑', () => move(index, -1)), tool(`down-${index}`, `Move ${entry.name} down`, '↓', () => move(index, 1)),
        tool(`remove-${index}`, `Remove ${entry.name}`, '✕', () => stack.remove(index)))))),
    left.length === 0 ? h('p', { class: 'mp-hint' }, 'Prepare commands here and request them in order.')
      : h('div', { class: 'mp-actions' }, stack.running ? button('stop', 'Stop', () => stack.halt())
        : [button('next', 'Request the next', () => stack.execute(false)), button('all', 'Request all in order', () => stack.execute(true))]),
    problem);
  if (focused && !element.contains(document.activeElement)) {
    const [, kind, index] = focused.match(/^mp-stack-(\w+)-(\d+)$/) ?? [];
    (element.querySelector(`#mp-stack-${kind}-${index - 1}`) ?? element.querySelector('h3')).focus();
  }
}

/** What the queue in front of the uplink lets through, and for operators a choice. */
function queueChoice(api) {
  const choice = h('select', { class: 'mp-select', id: newId('queue'), disabled: !api.me.roles.includes('operator') });
  const note = h('span', { class: 'mp-hint' });
  let shown = '';
  const show = (answer) => {
    const { queue, states } = answer;
    if (states && shown !== JSON.stringify(states)) fill(choice, Object.entries(states).map(([state, text]) => h('option', { value: state, title: text }, state)));
    if (states) shown = JSON.stringify(states);
    choice.value = queue.state;
    note.textContent = queue.user ? `by ${queue.user}` : '';
  };
  const load = () => api.get('queue').then(show).catch((error) => {
    note.textContent = error.message;
  });
  choice.addEventListener('change', () => api.post('queue', { state: choice.value }).then(show).catch((error) => {
    api.notice(error.message);
    load();
  }));
  const refresh = refreshed(api, ['command'], load, { everyMs: 10_000 });
  return { element: h('div', { class: 'mp-queue' }, h('label', { for: choice.id }, 'Queue'), choice, note), stop: refresh.stop };
}

function argumentsText(values) {
  return Object.entries(values ?? {}).map(([name, value]) => `${name}=${typeof value === 'number' ? number(value) : value}`).join(', ');
}

const ILL = new Set(['failed', 'refused', 'expired', 'timed-out']);
/** Texts of stages up to this length stand under their stage, longer ones in a line of their own. */
const SHORT_TEXT = 28;

/** The way of a command as marks: what is done, what comes; and what was said on the way. */
function progress(command) {
  const done = new Map([['requested', { wall_ms: command.requested_wall_ms }], ...(command.stages ?? []).map((stage) => [stage.state, stage])]);
  const told = new Set(command.reasons ?? []);
  const long = (stage) => stage?.text && !told.has(stage.text) && (stage.text.length > SHORT_TEXT || stage.state === 'requested');
  const item = (name, stage, mark) => h('li', { class: !stage ? '' : ILL.has(name) ? 'mp-ill' : 'mp-done' },
    h('span', {}, `${mark} ${name}`),
    stage ? h('span', { class: 'mp-time' }, Number.isFinite(stage.time_ms) ? utc(stage.time_ms) : wall(stage.wall_ms)) : null,
    stage?.by ? h('span', { class: 'mp-by' }, stage.by) : null,
    stage?.text && !long(stage) && !told.has(stage.text) ? h('span', { class: 'mp-comment' }, stage.text) : null);
  const reached = [...done.keys(), command.state].reduce((most, name) => Math.max(most, STEPS.indexOf(name)), 0);
  const ahead = isEnded(command) ? [] : STEPS.slice(reached + 1);
  return [
    h('ol', { class: 'mp-steps', 'aria-label': 'Stages' },
      [...done].map(([name, stage]) => item(name, stage, ILL.has(name) ? '✕' : '✓')), ahead.map((name) => item(name, null, '○'))),
    (command.stages ?? []).filter((stage) => long(stage) && stage.state !== 'approved')
      .map((stage) => h('p', { class: 'mp-said' }, `${stage.state}${stage.by ? ` by ${stage.by}` : ''}: `, h('span', {}, `“${stage.text}”`))),
  ];
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
  if (['waiting', 'approved'].includes(command.state) && (command.requester === api.me.name || (roles.has('operator') && command.partner === api.me.partner))) verbs.push(['withdraw', 'Withdraw']);
  return verbs;
}

function actions(api, book, command) {
  const verbs = verbsFor(api, command);
  if (!verbs.length) return null;
  const comment = h('input', { class: 'mp-input', type: 'text', maxlength: '500', 'data-control': 'comment' });
  const problem = h('p', { class: 'mp-problem', role: 'alert' });
  const run = async (verb) => {
    const said = comment.value;
    problem.textContent = '';
    comment.value = ''; // what was said of this step does not go on into the next
    try {
      await book.act(command, verb, said);
    } catch (error) {
      comment.value = said;
      problem.textContent = error.message;
    }
  };
  const own = command.state === 'waiting' && command.requester === api.me.name && api.me.roles.includes('approver');
  return h('div', { class: 'mp-decide' },
    own ? h('p', { class: 'mp-hint' }, 'You asked for this: the rules want another person to approve it.') : null,
    field('Comment', comment),
    h('div', { class: 'mp-actions' }, verbs.map(([verb, label], index) => h('button', {
      class: `mp-button ${index === 0 ? 'mp-primary' : ''}`, type: 'button', 'data-control': verb,
      'aria-label': `${label} ${command.name} ${command.id}`, onclick: () => run(verb),
    }, label))), problem);
}

/** What is asked for in words: what the command does, with which arguments, when. */
function wanted(book, command) {
  const values = Object.entries(command.arguments ?? {}).map(([name, value]) => h('div', { class: 'mp-argument' }, h('dt', {}, name), h('dd', {}, typeof value === 'number' ? number(value) : String(value))));
  const does = book.describe(command);
  return [
    does ? h('p', { class: 'mp-does' }, does) : null,
    values.length ? h('dl', { class: 'mp-arguments', 'aria-label': 'Arguments' }, values) : null,
    Number.isFinite(command.at_ms) && command.at_ms !== null ? h('p', {}, `To be carried out on board at ${utc(command.at_ms)} UTC`) : null,
  ];
}

function card(api, book, command) {
  const approvals = (command.approvals ?? []).map((approval) => h('p', {}, `✓ approved by ${approval.name} · ${approval.partner}`, approval.comment ? h('span', { class: 'mp-comment' }, `“${approval.comment}”`) : null));
  const needed = command.state === 'waiting' && command.needed?.length ? h('p', {}, `◔ Waits for another person of: ${command.needed.join(', ')}`) : null;
  return h('article', { class: `mp-card ${isEnded(command) ? 'mp-ended' : ''}`, 'aria-label': `Command ${command.id} ${command.name}`, 'data-id': command.id, 'data-state': command.state },
    h('header', {}, h('h4', {}, `${command.id} ${command.name}`), significanceBadge(command.significance), stateBadge(command.state)),
    wanted(book, command),
    h('p', { class: 'mp-hint' }, `Asked for by ${command.requester} · ${command.partner}, ${utc(command.requested_wall_ms)} (wall)`),
    (command.reasons ?? []).map((reason) => h('p', { class: 'mp-reason' }, `✕ ${reason}`)),
    needed, approvals, progress(command),
    h('details', { open: command.state === 'waiting', 'data-control': `octets-${command.state === 'waiting'}` }, h('summary', { 'data-control': 'summary' }, 'Octets and digest'), octetsOf(command)),
    actions(api, book, command));
}

/** Cards by command, newest first. */
function cardList(api, book, element, home, choose, empty) {
  const show = liveList(element, home);
  const none = h('p', { class: 'mp-empty' });
  return book.watch(() => {
    none.textContent = book.error || empty;
    show(choose(book).map((command) => ({
      key: command.id, text: JSON.stringify(command) + book.describe(command), make: () => card(api, book, command),
    })), none);
  });
}

function showCommands(api, book, dictionary, element) {
  const form = h('div', { class: 'mp-pane-form' }, h('p', { class: 'mp-hint' }, 'Choose a command of the dictionary.'));
  const stackElement = h('section', { 'aria-label': 'Stack' });
  const stack = new Stack(api, () => showStack(stack, stackElement));
  const left = h('section', { class: 'mp-pane', 'aria-label': 'New command' }, h('p', {}, 'Loading the dictionary …'));
  const cards = h('div', { class: 'mp-cards', 'aria-live': 'polite' });
  const outcome = h('p', { class: 'mp-outcome', role: 'status' });
  const requests = h('section', { class: 'mp-pane mp-scroll mp-requests', 'aria-label': 'Requests', tabindex: '0' }, h('h3', {}, 'Requests'), cards);
  fill(element, h('div', { class: 'mp-container' }, h('div', { class: 'mp-columns' }, left, requests)));
  const choose = (command) => fill(form, commandForm(command,
    async (request) => {
      const made = await book.request(request.name, request.arguments, request);
      fill(outcome, `${made.id} ${made.name} `, stateBadge(made.state), (made.reasons ?? []).map((reason) => h('span', { class: 'mp-comment' }, reason)));
    },
    async (request) => {
      if (request.atMs !== undefined) throw new Error('A stack holds no times: request this command by itself, or leave its time empty.');
      await stack.add(request);
    }));
  const operates = api.me.roles.includes('operator');
  const queue = queueChoice(api);
  const loadStack = () => stack.load().catch((error) => fill(stackElement, h('p', { class: 'mp-problem' }, error.message)));
  if (operates) loadStack();
  const again = setInterval(() => stack.running && loadStack(), STACK_WAIT_MS);
  dictionary().then((commands) => {
    if (operates) fill(left, queue.element, dictionaryList(commands.filter((command) => command.mine), choose), form, outcome, stackElement);
    else fill(left, h('p', { class: 'mp-hint' }, 'Operators ask for commands. You see what they ask for.'));
  }).catch((error) => fill(left, h('p', { class: 'mp-problem', role: 'alert' }, error.message)));
  return [() => clearInterval(again), queue.stop, cardList(api, book, cards, requests, (all) => all.all, 'No commands yet.')];
}

function showCards(api, book, element, label, choose, empty) {
  const cards = h('div', { class: 'mp-cards', 'aria-live': 'polite' });
  const region = h('div', { class: 'mp-pane mp-scroll', tabindex: '0', role: 'region', 'aria-label': label }, cards);
  fill(element, region);
  return cardList(api, book, cards, region, choose, empty);
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
    show: (element) => showCards(api, book, element, 'Waiting for approval', (all) => all.waiting, 'Nothing waits for approval.'),
  });
  addView(openmct, {
    type: REQUESTS, name: 'Requests', description: 'What became of each command.', cssClass: 'icon-activity',
    show: (element) => showCards(api, book, element, 'Requests', (all) => all.all, 'No commands yet.'),
  });
  const link = h('a', { class: 'mp-alarm-count', href: approvalsPath, 'data-testid': 'approval-count' });
  book.watch(() => {
    const count = book.waiting.length;
    link.textContent = `${count ? '◔' : '○'} ${count} to approve`;
  });
  openmct.indicators.add({ key: 'moonpost.approvals', element: h('div', { class: 'mp-indicator' }, link), priority: openmct.priority.HIGH });
}
