// Commands as the server knows them, kept up to date for all views, and the marks that tell their states.
import { h } from './dom.js';

/** States with a shape and a colour level; the order of `STEPS` is that of a command that goes well. */
const MARKS = {
  waiting: ['◔', 'warning'], approved: ['◑', 'info'], released: ['➤', 'info'], accepted: ['➤', 'info'], started: ['▶', 'info'],
  completed: ['✓', 'good'], refused: ['✕', 'critical'], failed: ['✕', 'critical'], expired: ['⌛', 'warning'],
  withdrawn: ['–', 'quiet'], 'timed-out': ['?', 'warning'],
};
export const STEPS = ['requested', 'approved', 'released', 'accepted', 'started', 'completed'];
const ENDED = new Set(['refused', 'completed', 'failed', 'expired', 'withdrawn']);
const KEPT = 200;

export function stateBadge(state) {
  const [shape, level] = MARKS[state] ?? ['?', 'quiet'];
  return h('span', { class: `mp-badge mp-${level}` }, `${shape} ${state}`);
}

export function significanceBadge(significance) {
  if (significance === 'hazardous') return h('span', { class: 'mp-badge mp-critical' }, '⚠ hazardous');
  if (significance === 'important') return h('span', { class: 'mp-badge mp-warning' }, '◆ important');
  return h('span', { class: 'mp-badge mp-quiet' }, '○ routine');
}

export const isEnded = (command) => ENDED.has(command.state);

/** Octets in hexadecimal, two digits each, eight to a line with their place. */
export function hexLines(octets) {
  const pairs = octets.match(/../g) ?? [];
  const lines = [];
  for (let place = 0; place < pairs.length; place += 8) {
    lines.push(`${place.toString(16).padStart(4, '0')}  ${pairs.slice(place, place + 8).join(' ')}`);
  }
  return lines.join('\n');
}

/** SHA-256 of octets in hexadecimal, or null where the browser offers none (a page without TLS from afar). */
export async function digestOf(octets) {
  if (!globalThis.crypto?.subtle) return null;
  const bytes = Uint8Array.from(octets.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const digest = await crypto.subtle.digest('SHA-256', bytes);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** All commands that the user may see, newest first. */
export class CommandBook {
  error = '';
  #commands = new Map();
  #descriptions = new Map();
  #watchers = new Set();
  #api;

  constructor(api) {
    this.#api = api;
    api.live.on('command', ({ command }) => {
      this.#commands.set(command.id, command);
      this.#tell();
    });
    api.live.on('state', ({ connected }) => connected && this.load());
  }

  watch(watcher) {
    this.#watchers.add(watcher);
    watcher();
    if (this.#watchers.size === 1) this.load();
    return () => this.#watchers.delete(watcher);
  }

  get all() {
    return [...this.#commands.values()].sort((a, b) => b.requested_wall_ms - a.requested_wall_ms || Number(b.id) - Number(a.id)).slice(0, KEPT);
  }

  /** What a command does. */
  describe(command) {
    return this.#descriptions.get(command.name) ?? '';
  }

  get waiting() {
    return this.all.filter((command) => command.state === 'waiting');
  }

  async load() {
    try {
      const answer = await this.#api.get('commands');
      this.#commands = new Map((answer.commands).map((command) => [command.id, command]));
      if (!this.#descriptions.size) {
        const dictionary = await this.#api.get('commands/dictionary');
        this.#descriptions = new Map(dictionary.commands.map(({ name, description }) => [name, description]));
      }
      this.error = '';
    } catch (error) {
      this.error = error.message;
    }
    this.#tell();
  }

  /** Ask for something and keep the command that the server answers. */
  async #post(path, body) {
    const answer = await this.#api.post(path, body);
    const command = answer.command ?? answer;
    if (command.id) this.#commands.set(command.id, command);
    this.#tell();
    return command;
  }

  request(name, argumentsOf, { atMs, comment = '' } = {}) {
    const body = { name, arguments: argumentsOf, comment };
    if (Number.isFinite(atMs)) body.at_ms = atMs;
    return this.#post('commands', body);
  }

  act(command, verb, comment) {
    const body = { comment };
    if (verb === 'approve') body.digest = command.digest;
    return this.#post(`commands/${encodeURIComponent(command.id)}/${verb}`, body);
  }

  #tell() {
    this.#watchers.forEach((watcher) => watcher());
  }
}
