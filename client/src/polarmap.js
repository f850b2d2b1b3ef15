// The polar map: relief, light now, machines with labels and tracks, a graticule, in the Moon's polar projection.
import 'ol/ol.css';
import './polarmap.css';
import { fill, h, span, utc } from './dom.js';
import { addView, openWhenWide, persistently, refreshed } from './views.js';

export const POLARMAP = 'moonpost.polarmap';
const RADIUS_M = 1_737_400;
const GEOGRAPHIC = 'IAU_2015:30100';
const SPHERE = `+proj=longlat +R=${RADIUS_M} +no_defs +type=crs`;

async function libraries() {
  const [map, view, image, vector, imageStatic, vectorSource, feature, point, line, circle, style, proj, proj4ol, proj4, control, projection] = await Promise.all([
    import('ol/Map.js'), import('ol/View.js'), import('ol/layer/Image.js'), import('ol/layer/Vector.js'), import('ol/source/ImageStatic.js'), import('ol/source/Vector.js'),
    import('ol/Feature.js'), import('ol/geom/Point.js'), import('ol/geom/LineString.js'), import('ol/geom/Circle.js'), import('ol/style.js'), import('ol/proj.js'),
    import('ol/proj/proj4.js'), import('proj4'), import('ol/control.js'), import('ol/proj/Projection.js'),
  ]);
  return {
    Map: map.default, View: view.default, ImageLayer: image.default, VectorLayer: vector.default, ImageStatic: imageStatic.default, VectorSource: vectorSource.default,
    Feature: feature.default, Point: point.default, LineString: line.default, Circle: circle.default, style, proj, register: proj4ol.register, proj4: proj4.default, control, Projection: projection.default,
  };
}

/** Meridians and parallels as lines in the map's projection, so that they are right about the pole, too. */
function graticule(lib, pole) {
  const sign = pole === 'south' ? -1 : 1;
  const toMap = (latitude, longitude) => {
    const rho = 2 * RADIUS_M * Math.tan(((90 - sign * latitude) * Math.PI) / 360);
    const angle = (longitude * Math.PI) / 180;
    return [rho * Math.sin(angle), -sign * rho * Math.cos(angle)];
  };
  const features = [];
  for (const latitude of [70, 75, 80, 85, 87.5, 89, 89.5]) {
    const points = Array.from({ length: 181 }, (_, k) => toMap(sign * latitude, 2 * k));
    features.push(new lib.Feature({ geometry: new lib.LineString(points), kind: 'parallel' }));
    features.push(new lib.Feature({ geometry: new lib.Point(toMap(sign * latitude, 15)), kind: 'label', text: `${latitude}° ${sign < 0 ? 'S' : 'N'}` }));
  }
  for (let longitude = 0; longitude < 360; longitude += 30) {
    features.push(new lib.Feature({ geometry: new lib.LineString([toMap(sign * 89.9, longitude), toMap(sign * 70, longitude)]), kind: 'meridian' }));
    const east = longitude <= 180 ? `${longitude}° E` : `${360 - longitude}° W`;
    features.push(new lib.Feature({ geometry: new lib.Point(toMap(sign * 78, longitude)), kind: 'label', text: longitude % 180 === 0 ? `${longitude}°` : east }));
  }
  return features;
}

const OWNERS = ['#56b4e9', '#e69f00', '#009e73', '#cc79a7', '#f0e442', '#d55e00'];
/** Relief and light are not shown where one of their cells is wider than this [pixels]. */
const CELL_PIXELS = 300;
/** Metres a pixel from which machines of a site are one. */
const FAR_M = 60;
const SHAPES = { lander: [3, 0], rover: [4, 0], hopper: [5, 0], power: [4, Math.PI / 4], communications: [3, Math.PI] };

const kilometres = (length) => (length < 1000 ? `${Math.round(length)} m` : `${(length / 1000).toFixed(length < 10_000 ? 2 : 1)} km`);

/** How far a machine is by the schedule. */
export function plannedText({ distance_m: distance, length_m: length, drives, carried_out: done, driving, next_ms: next }) {
  const way = `planned place, not measured: ${kilometres(distance)} of ${kilometres(length)} after ${drives} drive${drives === 1 ? '' : 's'}, ${done} known to have been carried out`;
  const what = driving ? ', driving now' : distance >= length ? ', at the end of its way' : next ? `, next drive ${utc(next, { seconds: false })}` : '';
  return way + what;
}

class PolarMap {
  constructor(api, element) {
    this.api = api;
    this.ended = false;
    this.target = h('div', { class: 'mp-pm-map', tabindex: '0', role: 'application', 'aria-label': 'Polar map. Arrow keys move, plus and minus zoom.' });
    this.told = h('div', { class: 'mp-pm-told', role: 'status' }, 'Loading the map …');
    this.layersBox = h('div');
    this.placesBox = h('div', { class: 'mp-pm-places' });
    this.key = h('div', { class: 'mp-hint' });
    const panel = h('details', { class: 'mp-pm-panel' }, h('summary', {}, 'Layers and places'), this.layersBox, this.placesBox, this.key);
    fill(element, h('div', { class: 'mp-pm', 'data-testid': 'polarmap' }, this.target, panel, this.told));
    this.panelEnds = openWhenWide(panel, element, 800);
    this.colours = new Map();
    this.working = new Map();
    this.beginEnds = persistently(api, () => this.begin(), (text) => { this.told.textContent = text; this.told.classList.add('mp-warn'); });
  }

  async begin() {
    const [lib, about, station] = await Promise.all([libraries(), this.api.get('map'), this.api.get('station')]);
    if (this.ended) return;
    this.partners = station.partners.map(({ id }) => id);
    this.lib = lib;
    this.about = about;
    lib.proj4.defs(about.system, about.proj4);
    lib.proj4.defs(GEOGRAPHIC, SPHERE);
    lib.register(lib.proj4);
    this.projection = lib.proj.get(about.system);
    this.projection.setExtent(about.extent_m);
    this.layers = new Map();
    this.makeLayers();
    const [left, , right] = about.extent_m;
    this.map = new lib.Map({
      target: this.target, layers: [...this.layers.values()], keyboardEventTarget: this.target,
      controls: lib.control.defaults({ attribution: false, rotate: false }).extend([new lib.control.ScaleLine({ units: 'metric' })]),
      view: new lib.View({ projection: this.projection, center: this.home(), extent: about.extent_m.map((edge) => edge * 1.2), showFullExtent: true, resolution: (right - left) / 1500, minResolution: 0.2, maxResolution: (right - left) / 300 }),
    });
    this.map.on('moveend', () => this.tell());
    this.map.on('pointermove', (event) => this.point(event));
    this.map.on('click', (event) => this.point(event, true));
    this.refresh = refreshed(this.api, ['event'], () => this.load(), { waitMs: 1500, everyMs: 10_000 });
    this.fillPanel();
    this.sizes = new ResizeObserver(() => this.map.updateSize());
    this.sizes.observe(this.target);
  }

  home() {
    const { site } = this.about;
    return site ? this.lib.proj.transform([site.longitude_deg, site.latitude_deg], GEOGRAPHIC, this.projection) : [0, 0];
  }

  makeLayers() {
    const { lib, about } = this;
    const image = (row, zIndex) => new lib.ImageLayer({ zIndex, properties: { row }, minResolution: row.cell_m / CELL_PIXELS });
    about.layers.forEach((row, index) => this.layers.set(row.id, image(row, (row.kind === 'light' ? 20 : 10) + index)));
    const vector = (name, features, style, zIndex) => this.layers.set(name, new lib.VectorLayer({ source: new lib.VectorSource({ features }), style, zIndex, declutter: name === 'machines' }));
    vector('graticule', graticule(lib, about.pole), (feature) => this.gridStyle(feature), 40);
    vector('footprints', [], (feature) => this.footprintStyle(feature), 45);
    vector('tracks', [], (feature) => this.trackStyle(feature), 50);
    vector('machines', [], (feature, resolution) => this.machineStyle(feature, resolution), 60);
    for (const row of about.layers) this.setImage(row);
  }

  /** Put a picture into its layer once it is here, so that the old one stays until then. */
  async setImage(row) {
    const url = `/api/map/${row.id}.png${row.kind === 'light' ? `?time_ms=${row.time_ms}` : ''}`;
    const picture = new Image();
    picture.src = url;
    try {
      await picture.decode();
    } catch {
      this.told.textContent = `${row.label} could not be loaded.`;
      return;
    }
    if (this.ended) return;
    this.layers.get(row.id).setSource(new this.lib.ImageStatic({ url, imageExtent: row.extent_m, projection: this.projection, interpolate: row.kind !== 'light' }));
    if (row.kind === 'light') {
      this.lightMs = row.time_ms;
      this.tell();
    }
  }

  tell() {
    const light = this.about.layers.find((row) => row.kind === 'light');
    if (this.pointed || !light) return;
    if (this.map?.getView().getResolution() < Math.min(...this.about.layers.map((row) => row.cell_m)) / CELL_PIXELS) {
      this.told.textContent = `No relief or light here: their cells of ${light.cell_m} m are larger than what is shown.`;
      return;
    }
    const when = this.lightMs ? `Light at ${utc(this.lightMs, { seconds: false })} UTC.` : 'Light is being computed …';
    this.told.textContent = `${when} Relief: ${light.source}, ${light.cell_m} m cells.`;
    this.told.title = light.text ?? '';
  }

  async load() {
    const now = Math.round(this.api.clock.now());
    try {
      const [found, about, latest] = await Promise.all([this.api.get('map/machines'), this.api.get('map'), this.api.get('latest').catch(() => ({ values: {} }))]);
      if (this.ended) return;
      for (const row of about.layers) {
        const old = this.about.layers.find((one) => one.id === row.id);
        if (row.kind === 'light' && old && old.time_ms !== row.time_ms) this.setImage(row);
      }
      this.about = about;
      this.told.classList.remove('mp-warn');
      this.tell();
      this.working = new Map(found.machines.map(({ id }) => [id, latest.values?.[`${id}.element_working`]?.[1]]));
      this.showMachines(found);
    } catch (error) {
      this.told.textContent = error.message;
      this.told.classList.add('mp-warn');
    }
    return now;
  }

  showMachines({ machines, tracks }) {
    const { lib } = this;
    const set = (name, features) => {
      const source = this.layers.get(name).getSource();
      source.clear();
      source.addFeatures(features);
    };
    for (const { owner } of machines) this.colours.set(owner, OWNERS[Math.max(this.partners.indexOf(owner), 0) % OWNERS.length]);
    this.groups = new Map();
    const standing = [...machines].sort((a, b) => Boolean(a.planned) - Boolean(b.planned)); // one that drives does not stand for its site
    for (const machine of standing) this.groups.set(machine.site, [...(this.groups.get(machine.site) ?? []), machine.id]);
    set('machines', machines.map((machine) => new lib.Feature({ geometry: new lib.Point([machine.x_m, machine.y_m]), machine })));
    set('footprints', machines.filter(({ width_m: width }) => width).map((machine) => new lib.Feature({ geometry: new lib.Circle([machine.x_m, machine.y_m], machine.width_m / 2), machine })));
    set('tracks', tracks.flatMap((track) => {
      const owner = machines.find(({ id }) => id === track.element)?.owner;
      const parts = track.behind ? [[track.behind, true], [track.ahead, false]] : [[track.points, false]];
      return parts.filter(([points]) => points.length > 1).map(([points, driven]) => new lib.Feature({ geometry: new lib.LineString(points), driven, owner }));
    }));
    this.layers.get('machines').changed();
    fill(this.key, [...this.colours].map(([owner, colour]) => {
      const mark = h('span', { 'aria-hidden': 'true' }, '◆ ');
      mark.style.color = colour;
      return h('div', {}, mark, owner);
    }), h('div', {}, '▽ lander, ◇ rover, ○ others; hollow: not there yet; ☾ asleep'),
    tracks.some((track) => track.behind) ? h('div', {}, '━ driven by plan, ┅ still to drive; ringed: planned place, not measured') : null);
  }

  gridStyle(feature) {
    const { style } = this.lib;
    if (feature.get('kind') === 'label') {
      return new style.Style({ text: new style.Text({ text: feature.get('text'), font: '11px Arial, sans-serif', fill: new style.Fill({ color: '#b9c4cf' }), stroke: new style.Stroke({ color: '#04060a', width: 3 }) }) });
    }
    return new style.Style({ stroke: new style.Stroke({ color: '#9fb3c766', width: 1 }) });
  }

  /** From afar one label stands for all machines of a site. */
  machineText(machine, resolution) {
    if (resolution < FAR_M) return `${this.working.get(machine.id) === 0 ? '☾ ' : ''}${machine.name}${machine.planned ? ' (planned place)' : ''}`;
    const [first, ...others] = this.groups.get(machine.site) ?? [];
    if (machine.id !== first) return '';
    if (machine.site === this.about.site?.id) return 'Station';
    return others.length ? `${machine.name} and ${others.length} more` : machine.name;
  }

  machineStyle(feature, resolution) {
    const { style } = this.lib;
    const machine = feature.get('machine');
    const colour = this.colours.get(machine.owner);
    const look = { fill: new style.Fill({ color: machine.there ? colour : '#04060a99' }), stroke: new style.Stroke({ color: machine.there ? '#04060a' : colour, width: machine.there ? 1.5 : 2 }) };
    const shape = SHAPES[machine.kind];
    const image = shape ? new style.RegularShape({ ...look, points: shape[0], angle: shape[1] + (machine.kind === 'lander' ? Math.PI : 0), radius: 8, declutterMode: 'none' }) : new style.Circle({ ...look, radius: 6, declutterMode: 'none' });
    const text = new style.Text({
      text: this.machineText(machine, resolution), font: '12px Arial, sans-serif', offsetX: 11, textAlign: 'left', fill: new style.Fill({ color: '#ffffff' }), stroke: new style.Stroke({ color: '#04060a', width: 3.5 }),
    });
    const ring = machine.planned && resolution < FAR_M && new style.Circle({ radius: 12, stroke: new style.Stroke({ color: '#ffffff', width: 1.5, lineDash: [3, 3] }), declutterMode: 'none' });
    return [...(ring ? [new style.Style({ image: ring, zIndex: 2 })] : []), new style.Style({ image, zIndex: machine.there ? 2 : 1 }), new style.Style({ text, zIndex: machine.there ? 2 : 1 })];
  }

  footprintStyle(feature) {
    const { style } = this.lib;
    return new style.Style({ stroke: new style.Stroke({ color: '#ffffffaa', width: 1, lineDash: feature.get('machine').there ? undefined : [3, 3] }), fill: new style.Fill({ color: '#ffffff22' }) });
  }

  /** What was driven by plan is a full line, what lies ahead a broken one. */
  trackStyle(feature) {
    const { style } = this.lib;
    const colour = this.colours.get(feature.get('owner')) ?? '#ffffff';
    const look = feature.get('driven') ? { width: 3.5 } : { width: 2.5, lineDash: [7, 6] };
    return [new style.Style({ stroke: new style.Stroke({ color: '#04060a', width: 5.5 }) }), new style.Style({ stroke: new style.Stroke({ color: colour, ...look }) })];
  }

  fillPanel() {
    const names = { graticule: 'Graticule', machines: 'Machines', tracks: 'Tracks', footprints: 'Footprints' };
    const rows = [...this.layers].map(([id, layer]) => {
      const row = this.about.layers.find((one) => one.id === id);
      const box = h('input', { type: 'checkbox', checked: true, onchange: () => layer.setVisible(box.checked) });
      return h('label', { title: row?.text ?? row?.source ?? '' }, box, row?.label ?? names[id]);
    });
    fill(this.layersBox, rows);
    const go = (text, width, centre) => h('button', { class: 'mp-button mp-small', type: 'button', onclick: () => this.go(width, centre) }, text);
    const places = [go('Whole map', this.about.extent_m[2] - this.about.extent_m[0], [0, 0])];
    if (this.about.site) places.push(go('100 km', 100_000), go('10 km', 10_000), go('Station', 700));
    fill(this.placesBox, places);
  }

  go(width, centre = this.home()) {
    const size = Math.max(Math.min(...this.map.getSize()), 200);
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.map.getView().animate({ center: centre, resolution: width / size, duration: still ? 0 : 400 });
  }

  /** What lies under the pointer. */
  point(event, clicked = false) {
    const machine = this.map.forEachFeatureAtPixel(event.pixel, (feature) => feature.get('machine'), { hitTolerance: 6, layerFilter: (layer) => layer === this.layers.get('machines') });
    const [longitude, latitude] = this.lib.proj.transform(event.coordinate, this.projection, GEOGRAPHIC);
    const place = `${Math.abs(latitude).toFixed(4)}° ${latitude < 0 ? 'S' : 'N'} ${((longitude + 360) % 360).toFixed(3)}° E`;
    this.pointed = true;
    if (!machine) {
      this.told.textContent = place;
      return;
    }
    const state = this.working.get(machine.id);
    const there = machine.there ? (state === undefined ? 'no telemetry' : state >= 1 ? 'awake' : 'asleep') : `to arrive by ${utc(machine.arrives_ms, { seconds: false })}, in ${span(machine.arrives_ms - this.api.clock.now())}`;
    const planned = machine.planned ? `; ${plannedText(machine.planned)}` : '';
    const assumed = machine.assumed && !machine.planned ? '; no place is planned, it is drawn at the point of its site' : '';
    this.told.textContent = `${machine.name} (${machine.owner}): ${there}${assumed}${planned}. ${place}`;
    if (clicked) this.target.focus();
  }

  stop() {
    this.ended = true;
    this.beginEnds();
    this.refresh?.stop();
    this.panelEnds();
    this.sizes?.disconnect();
    this.map?.setTarget(undefined);
  }
}

export function install(openmct, api) {
  addView(openmct, {
    type: POLARMAP, name: 'Polar map', description: 'Relief, light, machines and their tracks about the pole.', cssClass: 'icon-object',
    show: (element) => {
      const map = new PolarMap(api, element);
      return () => map.stop();
    },
  });
}
