// Own views in Open MCT: a function that fills an element and returns what ends it.
import { h } from './dom.js';

/**
 * Register a type and its view. `show(element, object)` fills the element and returns a function that ends
 * whatever it started (or a list of them).
 */
export function addView(openmct, { type, name, description, cssClass, show, priority = 100 }) {
  openmct.types.addType(type, { name, description, cssClass, creatable: false });
  openmct.objectViews.addProvider({
    key: `${type}.view`,
    name,
    cssClass,
    canView: (object) => object.type === type,
    priority: () => priority,
    view(object) {
      let end = null;
      let shown = null;
      return {
        show(element) {
          shown = h('div', { class: 'mp-view' });
          element.append(shown);
          end = show(shown, object);
        },
        destroy() {
          for (const stop of [end].flat()) stop?.();
          shown?.remove();
        },
      };
    },
  });
}

/** Run `load` now, on each message of these kinds (at most once in `waitMs`), and every `everyMs`. */
export function refreshed(api, kinds, load, { waitMs = 300, everyMs = 0 } = {}) {
  let ended = false;
  let running = false;
  let again = false;
  let timer = null;
  const run = async () => {
    timer = null;
    if (ended) return;
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      await load();
    } finally {
      running = false;
      if (again) {
        again = false;
        ask();
      }
    }
  };
  const ask = () => {
    if (timer === null && !ended) timer = setTimeout(run, waitMs);
  };
  const stops = kinds.map((kind) => api.live.on(kind, ask));
  stops.push(api.live.on('state', ({ connected }) => connected && ask()));
  const repeat = everyMs ? setInterval(ask, everyMs) : null;
  run();
  return {
    ask,
    stop: () => {
      ended = true;
      clearTimeout(timer);
      clearInterval(repeat);
      stops.forEach((stop) => stop());
    },
  };
}

/** Run `begin` now; if it fails say why, and try again once the connection is back. Returns what ends this. */
export function persistently(api, begin, say) {
  let stop = () => {};
  const run = () => begin().catch((error) => {
    const apart = error instanceof TypeError; // a part of the page itself was not sent
    say(apart ? 'This display could not be loaded: the server does not answer. It is loaded once the connection is back.' : error.message);
    if (error.status && error.status !== 401) return;
    stop = api.live.on('state', ({ connected }) => {
      if (!connected) return;
      stop();
      run();
    });
  });
  run();
  return () => stop();
}

/** A panel over a picture is open where there is room for it, until somebody opens or shuts it. Returns what ends this. */
export function openWhenWide(panel, element, leastPx) {
  let chosen = false;
  panel.querySelector('summary').addEventListener('click', () => { chosen = true; });
  const sizes = new ResizeObserver(() => {
    if (!chosen && element.clientWidth) panel.open = element.clientWidth > leastPx;
  });
  sizes.observe(element);
  return () => sizes.disconnect();
}
