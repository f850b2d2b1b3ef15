// What the programme office asks: which machines there are, whose they are, whether they are awake.
import { fill, h, liveList, number, span, utc } from './dom.js';
import { linkTo } from './values.js';
import { addView, refreshed } from './views.js';

export const PROGRAMME = 'moonpost.programme';

function workingMark(channel, value) {
  if (!channel) return h('span', { class: 'mp-unknown', title: 'It is not part of the station that is flown here.' }, '– not here');
  if (value === undefined || value === null) return h('span', { class: 'mp-unknown' }, '? nothing heard yet');
  return value >= 1 ? h('span', { class: 'mp-state mp-good' }, '● awake') : h('span', { class: 'mp-state mp-info' }, '◌ asleep');
}

/** The channel that tells whether a machine is awake: the modes of its own bus, or whether it works on the station's. */
function awakeChannels(channels) {
  const byKey = new Map(channels.map((channel) => [channel.key, channel]));
  const found = new Map();
  for (const { subject } of channels) {
    const channel = byKey.get(`${subject}.element_working`) && (byKey.get(`${subject}.in_light`) ?? byKey.get(`${subject}.element_working`));
    if (channel) found.set(subject, channel);
  }
  return found;
}

function fact(label, value) {
  return h('div', { class: 'mp-fact' }, h('dt', {}, label), h('dd', {}, value));
}

function facts(api, clock) {
  const until = (ms) => (Number.isFinite(ms) && ms !== null ? `${utc(ms, { seconds: false })} (in ${span(ms - api.clock.now())})` : 'not in this period');
  return h('dl', { class: 'mp-facts' },
    fact('Lunar day', clock.lunar_day ?? '-'), fact('Earth day', clock.earth_day === null ? '-' : h('span', { title: clock.counted }, `${clock.earth_day}${clock.counted_assumed ? '*' : ''}`)),
    fact('Sun', `${number(clock.sun_elevation_deg, 3).replace('-', '−')}° ${clock.lit ? 'in light' : 'in the dark'}`),
    fact(clock.lit ? 'Sunset' : 'Sunrise', until(clock.lit ? clock.next_sunset_ms : clock.next_sunrise_ms)),
    fact('Contact', clock.contact ? 'yes' : 'no'),
    clock.counted_assumed ? h('p', { class: 'mp-hint mp-fact-note' }, `* ${clock.counted}`) : null);
}

const COLUMNS = ['Machine', 'Owner', 'Awake', 'Approved by', 'Bus'];

/** Cells know their column: where there is no room for five, all but the first two stand under the name. */
function row(machine, channel, value) {
  const name = channel ? h('a', { href: linkTo(channel), 'data-control': 'open' }, machine.name) : machine.name;
  const cells = [machine.owner, workingMark(channel, value), machine.approvers.join(', '), machine.bus];
  return h('tr', { 'data-machine': machine.id }, h('th', { scope: 'row' }, name),
    cells.map((content, index) => h('td', { 'data-column': COLUMNS[index + 1], 'data-empty': content === '' }, content)));
}

function showProgramme(api, { station, channels, machines }, element) {
  const top = h('div');
  const body = h('tbody');
  const problem = h('p', { class: 'mp-problem', role: 'alert' });
  const awake = awakeChannels(channels);
  const ordered = [...machines.filter(({ id }) => awake.has(id)), ...machines.filter(({ id }) => !awake.has(id))];
  const region = h('div', { class: 'mp-pane mp-scroll', tabindex: '0', role: 'region', 'aria-label': 'Programme' },
    h('h3', {}, station.name), top, problem,
    h('div', { class: 'mp-container' }, h('table', { class: 'mp-table mp-programme', 'aria-label': 'Machines' },
      h('thead', {}, h('tr', {}, COLUMNS.map((text) => h('th', { scope: 'col' }, text)))), body)));
  fill(element, region);
  const show = liveList(body, region);
  const refresh = refreshed(api, ['event'], async () => {
    try {
      const keys = [...awake.values()].map(({ key }) => key);
      const [clock, latest] = await Promise.all([api.get('clock'), keys.length ? api.get(`latest?keys=${encodeURIComponent(keys.join(','))}`) : { values: {} }]);
      fill(top, facts(api, clock));
      show(ordered.map((machine) => {
        const channel = awake.get(machine.id);
        const value = channel ? latest.values[channel.key]?.[1] : null;
        return { key: machine.id, text: String(value), make: () => row(machine, channel, value) };
      }));
      problem.textContent = '';
    } catch (error) {
      problem.textContent = error.message;
    }
  }, { waitMs: 1000, everyMs: 5000 });
  return refresh.stop;
}

export function installProgramme(openmct, api, model) {
  addView(openmct, {
    type: PROGRAMME, name: 'Programme', description: 'Machines, their owners, and who is awake.', cssClass: 'icon-people',
    show: (element) => showProgramme(api, model, element),
  });
}
