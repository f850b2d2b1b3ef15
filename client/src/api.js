// Talks to the server: requests with the session's token, one websocket for everything live, mission time.

/** The advice after what is wrong, as a sentence of its own; what is wrong may begin with a name, which stays as it is. */
const ended = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);
const advice = (text) => ended(`${text.charAt(0).toUpperCase()}${text.slice(1)}`);

/** An answer other than success, as the server words it: what, where, what to do. */
export class ApiError extends Error {
  constructor(status, body = {}) {
    const what = body.what ?? (typeof body.detail === 'string' ? body.detail : '') ?? '';
    const said = what || `The server answered ${status}`;
    super(ended(body.where ? `${said.replace(/\.$/, '')} (${body.where})` : said) + (body.do ? ` ${advice(body.do)}` : ''));
    this.name = 'ApiError';
    this.status = status;
    this.what = what;
    this.where = body.where ?? '';
    this.do = body.do ?? '';
  }
}

/** Those who wait for messages, by kind. */
class Listeners {
  #sets = new Map();

  on(kind, listener) {
    const set = this.#sets.get(kind) ?? new Set();
    this.#sets.set(kind, set.add(listener));
    return () => set.delete(listener);
  }

  tell(kind, message) {
    for (const listener of [...(this.#sets.get(kind) ?? [])]) {
      try {
        listener(message);
      } catch (error) {
        console.error(error);
      }
    }
  }
}

/** Mission time between two messages of the clock, at any speed; stands still once messages stay away. */
export class MissionTime {
  speed = 1;
  endMs = Infinity;
  /** From when time runs as on the wall again; null if it does not slow down. */
  untilMs = null;
  #atMs = NaN;
  #wall = 0;
  #last = -Infinity;
  #patienceMs = 3000;

  /** Whether the server has told the time yet. */
  get known() {
    return Number.isFinite(this.#atMs);
  }

  set(timeMs, speed, untilMs = null) {
    if (!this.known || timeMs < this.#last - Math.max(2000, 2000 * speed)) this.#last = -Infinity;
    this.#atMs = timeMs;
    this.#wall = performance.now();
    if (Number.isFinite(speed)) this.speed = speed;
    this.untilMs = untilMs;
  }

  /** Mission time now [ms since 1970, UTC]; never goes back by itself. */
  now() {
    if (!this.known) return Date.now();
    const elapsed = Math.min(performance.now() - this.#wall, this.#patienceMs);
    this.#last = Math.max(this.#last, Math.min(this.#atMs + elapsed * this.speed, this.untilMs ?? Infinity, this.endMs));
    return this.#last;
  }
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
/** The server tells the time each second: when it is silent for so long, the connection counts as lost. */
const SILENCE_MS = 5000;

/** The websocket: subscribes again after a break and fetches what was missed. */
export class Live extends Listeners {
  connected = false;
  #url;
  #history;
  #whoami;
  #socket = null;
  #subscribers = new Map();
  #lastSeen = new Map();
  #queue = { subscribe: new Set(), unsubscribe: new Set() };
  #queued = false;
  #wait = FIRST_WAIT_MS;
  #stopped = false;
  #heard = 0;

  /** `history(key, sinceMs)` gives what was missed; `whoami()` finds out whether the session still holds. */
  constructor(url, history, whoami) {
    super();
    this.#whoami = whoami;
    this.#url = url;
    this.#history = history;
  }

  start() {
    this.#stopped = false;
    this.#connect();
    setInterval(() => this.#listen(), 1000);
  }

  #listen() {
    if (this.connected && performance.now() - this.#heard > SILENCE_MS) this.#drop();
  }

  /** Give up a socket without waiting for the other side to close it. */
  #drop() {
    const socket = this.#socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.#closed({ code: 0 });
  }

  stop() {
    this.#stopped = true;
    this.#socket?.close();
  }

  /** Call `listener([[t_ms, value, state], ...])` for each new piece of a channel; returns what ends that. */
  subscribe(key, listener) {
    const listeners = this.#subscribers.get(key) ?? new Set();
    if (listeners.size === 0) {
      this.#subscribers.set(key, listeners);
      this.#ask('subscribe', 'unsubscribe', key);
    }
    listeners.add(listener);
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) {
        this.#subscribers.delete(key);
        this.#lastSeen.delete(key);
        this.#ask('unsubscribe', 'subscribe', key);
      }
    };
  }

  #ask(verb, opposite, key) {
    this.#queue[opposite].delete(key);
    this.#queue[verb].add(key);
    if (this.#queued) return;
    this.#queued = true;
    setTimeout(() => this.#send(), 20);
  }

  #send() {
    this.#queued = false;
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    for (const verb of ['unsubscribe', 'subscribe']) {
      if (this.#queue[verb].size) this.#socket.send(JSON.stringify({ [verb]: [...this.#queue[verb]] }));
      this.#queue[verb].clear();
    }
  }

  #connect() {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = (event) => this.#closed(event);
  }

  #opened() {
    const again = this.#lastSeen.size > 0;
    this.connected = true;
    this.#heard = performance.now();
    this.#wait = FIRST_WAIT_MS;
    this.#queue = { subscribe: new Set(this.#subscribers.keys()), unsubscribe: new Set() };
    this.#send();
    this.tell('state', { connected: true });
    if (again) this.#catchUp();
  }

  async #catchUp() {
    for (const [key, sinceMs] of [...this.#lastSeen]) {
      try {
        const missed = await this.#history(key, sinceMs);
        if (missed.length) this.#deliver(key, missed);
      } catch (error) {
        console.warn(error);
      }
    }
  }

  #closed(event) {
    const refused = !this.connected && event.code === 1006;
    this.connected = false;
    if (event.code === 4401) {
      this.tell('signed-out', {});
      return;
    }
    if (this.#stopped) return;
    this.tell('state', { connected: false });
    if (refused) this.#whoami();
    setTimeout(() => this.#connect(), this.#wait * (0.75 + Math.random() / 2));
    this.#wait = Math.min(2 * this.#wait, LONGEST_WAIT_MS);
  }

  /** Late values are older than some that came before: played back after an outage. */
  #deliver(key, values, late = false) {
    if (!late) this.#lastSeen.set(key, values.at(-1)[0]);
    for (const listener of [...(this.#subscribers.get(key) ?? [])]) listener(values, late);
  }

  #received(data) {
    this.#heard = performance.now();
    const message = JSON.parse(data);
    if (message.type === 'values' || message.type === 'late') {
      for (const [key, values] of Object.entries(message.values)) {
        if (values.length && this.#subscribers.has(key)) this.#deliver(key, values, message.type === 'late');
      }
    }
    this.tell(message.type, message);
  }
}

/** The server as plug-ins see it: `get`, `post`, `put`, `me`, `live`, `clock`. */
export function openApi(me) {
  const prefix = (path) => (path.startsWith('/') ? path : `/api/${path}`);
  const events = new Listeners();

  async function ask(method, path, body) {
    const headers = { Accept: 'application/json' };
    if (method !== 'GET') headers['X-CSRF-Token'] = me.csrf ?? '';
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    let response;
    try {
      response = await fetch(prefix(path), { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    } catch {
      throw new ApiError(0, { what: 'The server does not answer.', do: 'Wait until the connection is back, then try again.' });
    }
    const text = await response.text();
    let answer = {};
    try {
      answer = text ? JSON.parse(text) : {};
    } catch {
      answer = { what: response.ok ? '' : text.slice(0, 200) };
    }
    if (response.status === 401) events.tell('signed-out', {});
    if (!response.ok) throw new ApiError(response.status, answer);
    return answer;
  }

  const get = (path) => ask('GET', path);
  const clock = new MissionTime();
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const live = new Live(`${scheme}://${location.host}/api/live`, async (key, sinceMs) => {
    const query = `start_ms=${Math.floor(sinceMs) + 1}&stop_ms=${Math.ceil(clock.now())}&bins=500`;
    const part = await get(`channels/${encodeURIComponent(key)}/history?${query}`);
    return part.time_ms.map((time, index) => [time, part.value[index], null]);
  }, () => get('me').catch(() => {}));
  live.on('clock', (message) => clock.set(message.time_ms, message.speed, message.until_ms));
  live.on('signed-out', (message) => events.tell('signed-out', message));
  return { me, get, post: (path, body = {}) => ask('POST', path, body), put: (path, body) => ask('PUT', path, body), live, clock, on: events.on.bind(events) };
}
