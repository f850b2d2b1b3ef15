// What the build changes in plots of Open MCT, where it offers no setting: ticks of time and of values, and the least range of
// an axis. The functions it calls are in src/plotaxes.js; without them plots are as Open MCT has them.
// Lines of limits are placed anew with each drawing. Open MCT asks for that when the range of an axis changes, but forgets it where
// a drawing for a new value already waits for the next frame: the lines then stand at heights of the former range.

const CHANGES = [
  ['ticks', /(getTicks\(\)\{const \w+=this\.tickCount,\w+=this\.axis\.get\("values"\),(\w+)=this\.axis\.get\("displayRange"\);)return /g,
    '$1const own=globalThis.moonpostAxes?.ticks(this.axis,$2,this.$$refs.tickContainer);if(own)return own;return '],
  ['texts of ticks', /const (\w+)=this\.axis\.get\("format"\);if\(\1\)\{if\(this\.min=/g,
    'const $1=globalThis.moonpostAxes?.format(this.axis)??this.axis.get("format");if($1){if(this.min='],
  ['padding', /applyPadding\((\w+)\)\{let (\w+)=Math\.abs\(\1\.max-\1\.min\)\*this\.get\("autoscalePadding"\);/g,
    'applyPadding($1){let $2=globalThis.moonpostAxes?.padding($1,this.get("autoscalePadding"))??Math.abs($1.max-$1.min)*this.get("autoscalePadding");'],
  ['lines of limits', /\b\w+&&this\.updateLimitLines\(\)/g, 'this.updateLimitLines()'],
];

/** Open MCT's script with plots that ask our functions. */
export function withOwnAxes(script) {
  return CHANGES.reduce((text, [what, pattern, replacement]) => {
    if ([...text.matchAll(pattern)].length !== 1) {
      throw new Error(`The ${what} of plots are not where they are in Open MCT 4.2: look at client/plots.mjs before taking another version.`);
    }
    return text.replace(pattern, replacement);
  }, script);
}
