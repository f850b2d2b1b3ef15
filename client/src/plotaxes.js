// Axes of plots: times at round steps that do not touch, values with as many digits as they need.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND), ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE), ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000].map((count) => count * DAY),
];
/** Room for a tick's text and the gap to the next [pixels]. */
const TEXT_PX = { minutes: 64, seconds: 78 };
const EDGE_PX = 16;
const LEAST_PX = 42;
const MOST_TICKS = 12;
const LINE_PX = 26;
/** Of values that lie closer together than this part of their size the axis shows that much. */
const LEAST_RANGE = 1e-3;

/** Times at round steps between two instants, not more than fit. */
export function timeTicks(start, stop, widthPx) {
  const span = stop - start;
  const fits = (step) => {
    const room = step < MINUTE ? TEXT_PX.seconds : TEXT_PX.minutes;
    return span / step <= Math.min(Math.max(widthPx / room, 2), MOST_TICKS);
  };
  const place = STEPS.findIndex(fits);
  const [first, finer] = [STEPS[place] ?? STEPS.at(-1), STEPS[place - 1]].map((step) => whole(start, stop, step, widthPx));
  return first.length > 1 || !finer || (finer[1] - finer[0]) * widthPx < LEAST_PX * span ? first : finer;
}

/** Multiples of a step whose texts are not cut off at the ends, as long as there are two. */
function whole(start, stop, step, widthPx) {
  const found = [];
  for (let at = Math.ceil(start / step) * step; at <= stop; at += step) found.push(at);
  const edge = (EDGE_PX * (stop - start)) / widthPx;
  return found.filter((at) => at - start > edge && stop - at > edge);
}

/** Values at round steps between two, not more than fit; none if the default ones do. */
export function valueTicks(low, high, heightPx) {
  const count = Math.max(Math.floor(heightPx / LINE_PX), 2);
  const least = (high - low) / count;
  if (!(least > 0)) return [];
  const size = 10 ** Math.floor(Math.log10(least));
  const at = (step) => Array.from({ length: Math.floor(high / step) - Math.ceil(low / step) + 1 }, (_, k) => Number(((Math.ceil(low / step) + k) * step).toPrecision(12)));
  const steps = [10, 5, 2, 1, 0.5].map((factor) => factor * size);
  const fits = steps.filter((step) => step >= least * 0.999);
  const [ticks, finer] = [at(fits.at(-1)), at(steps[fits.length])]; // two at least
  return ticks.length > 1 ? ticks : finer;
}

/** A tick in words: month and day at midnight, the year where it begins, else the time. */
export function timeText(at) {
  const text = new Date(at).toISOString();
  if (at % DAY === 0) return text.slice(5, 10) === '01-01' ? text.slice(0, 4) : text.slice(5, 10);
  return at % MINUTE === 0 ? text.slice(11, 16) : text.slice(11, 19);
}

const isTime = (axis) => axis.get('key') === 'utc';

/** A number with at most seven digits; what is none as it is. */
const rounded = (text) => (text !== '' && Number.isFinite(Number(text)) ? Number(Number(text).toPrecision(7)) : text);

/** What the build has plots of Open MCT ask (client/plots.mjs). */
export function installPlotAxes() {
  globalThis.moonpostAxes = {
    ticks(axis, range, container) {
      const box = container?.parentElement;
      if (!range || !box) return null;
      const found = isTime(axis) ? timeTicks(range.min, range.max, box.clientWidth || 600) : this.values(axis, range, box.clientHeight);
      return found.length > 1 ? found : null;
    },
    /** Ticks of values where the six that Open MCT draws would touch. */
    values(axis, { min, max }, heightPx) {
      const plain = axis.get('values') === undefined && !axis.get('logMode') && heightPx > 0 && heightPx < 6 * LINE_PX;
      return plain ? valueTicks(min, max, heightPx) : [];
    },
    format(axis) {
      if (isTime(axis)) return timeText;
      const shown = axis.get('format');
      return shown && axis.get('values') === undefined ? (value) => rounded(shown(value)) : null;
    },
    padding({ min, max }, share) {
      const least = LEAST_RANGE * Math.max(Math.abs(min), Math.abs(max));
      return max - min < least ? least : null;
    },
  };
}
