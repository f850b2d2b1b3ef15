// The Moon as a globe: relief, sunlight, near and far side, orbiters on their ways, the station.
import './globe.css';
import { fill, h, span, utc } from './dom.js';
import { addView, openWhenWide, persistently, refreshed } from './views.js';

export const GLOBE = 'moonpost.globe';
const COLOURS = [0x56b4e9, 0xe69f00, 0x009e73, 0xcc79a7, 0xf0e442, 0xd55e00];
const KM = 1 / 1737.4;

/** Mean-Earth axes (x to the Earth, z north) as three.js has them (y up). */
const toScene = ([x, y, z]) => [x, z, -y];

/** Names of landing sites without what all have in common. */
const siteText = (name) => name.replace(/\s*\(.*\)\s*/g, '').split(',')[0].replace(/ (landing )?(site|point|place)$/i, '');

const hex = (colour) => `#${colour.toString(16).padStart(6, '0')}`;

class Globe {
  constructor(api, element) {
    this.api = api;
    this.ended = false;
    this.stage = h('div', { class: 'mp-gl-canvas', tabindex: '0', role: 'application', 'aria-label': 'Globe of the Moon. Arrow keys turn it, plus and minus zoom.', onkeydown: (event) => this.keyed(event) });
    this.labels = h('div', { class: 'mp-gl-labels', 'aria-hidden': 'true' });
    this.list = h('ul');
    this.foot = h('div', { class: 'mp-gl-foot' });
    const view = (text, direction) => h('button', { class: 'mp-button mp-small', type: 'button', onclick: () => this.look(direction) }, text);
    this.toStation = view('Station', 'station');
    this.toStation.hidden = true;
    this.panel = h('details', { class: 'mp-gl-panel' }, h('summary', {}, 'Orbiters and views'), this.list,
      h('div', { class: 'mp-gl-views' }, view('Near side', 'near'), view('Far side', 'far'), view('South', 'south'), view('North', 'north'), this.toStation));
    fill(element, h('div', { class: 'mp-gl', 'data-testid': 'globe' }, this.stage, this.labels, this.panel, this.foot));
    this.panelEnds = openWhenWide(this.panel, element, 760);
    this.beginEnds = persistently(api, () => this.begin(), (text) => this.warn(text));
  }

  async begin() {
    const [THREE, { OrbitControls }] = await Promise.all([import('three'), import('three/addons/controls/OrbitControls.js')]);
    const texture = await new THREE.TextureLoader().loadAsync('/api/map/globe.png').catch(() => {
      throw new TypeError('globe.png was not sent');
    });
    if (this.ended) return;
    this.THREE = THREE;
    try {
      this.renderer = new THREE.WebGLRenderer({ antialias: true, powerPreference: 'low-power' });
    } catch {
      this.warn('This browser gives no WebGL, which the globe needs.');
      return;
    }
    this.renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    this.stage.append(this.renderer.domElement);
    this.scene = new THREE.Scene();
    this.camera = new THREE.PerspectiveCamera(35, 1, 0.01, 200);
    this.camera.position.set(2.6, -2.2, 2.6);
    this.controls = new OrbitControls(this.camera, this.stage);
    this.controls.enablePan = false;
    this.controls.minDistance = 1.4;
    this.controls.maxDistance = 60;
    this.controls.addEventListener('change', () => this.draw());
    this.sun = new THREE.DirectionalLight(0xffffff, 3.2);
    this.scene.add(this.sun, new THREE.AmbientLight(0x8fa3c0, 0.5));
    this.moving = new THREE.Group();
    this.scene.add(this.moving);
    this.marks = [];
    this.makeMoon(texture);
    this.sizes = new ResizeObserver(() => this.resize());
    this.sizes.observe(this.stage);
    this.resize();
    this.refresh = refreshed(this.api, [], () => this.load(), { waitMs: 500, everyMs: 4000 });
  }

  makeMoon(texture) {
    const { THREE } = this;
    const material = new THREE.MeshLambertMaterial({ color: 0xffffff });
    const moon = new THREE.Mesh(new THREE.SphereGeometry(1, 128, 64), material);
    this.scene.add(moon, this.grid());
    texture.colorSpace = THREE.SRGBColorSpace;
    texture.anisotropy = this.renderer.capabilities.getMaxAnisotropy();
    material.map = texture;
    material.needsUpdate = true;
  }

  /** The limb between near and far side, and the equator. */
  grid() {
    const { THREE } = this;
    const ring = (points, colour, dashed) => {
      const geometry = new THREE.BufferGeometry().setFromPoints(points.map((point) => new THREE.Vector3(...toScene(point)).multiplyScalar(1.002)));
      const material = dashed ? new THREE.LineDashedMaterial({ color: colour, dashSize: 0.05, gapSize: 0.04, transparent: true, opacity: 0.8 }) : new THREE.LineBasicMaterial({ color: colour, transparent: true, opacity: 0.35 });
      const line = new THREE.Line(geometry, material);
      if (dashed) line.computeLineDistances();
      return line;
    };
    const turn = Array.from({ length: 181 }, (_, k) => (k * Math.PI) / 90);
    const group = new THREE.Group();
    group.add(ring(turn.map((a) => [0, Math.cos(a), Math.sin(a)]), 0xb9c4cf, true), ring(turn.map((a) => [Math.cos(a), Math.sin(a), 0]), 0xb9c4cf, false));
    return group;
  }

  async load() {
    try {
      const found = await this.api.get('globe');
      if (this.ended || !this.renderer) return;
      this.foot.classList.remove('mp-warn');
      this.show(found);
    } catch (error) {
      this.warn(error.message);
    }
  }

  warn(text) {
    this.foot.textContent = text;
    this.foot.classList.add('mp-warn');
  }

  show(found) {
    const { THREE } = this;
    this.found = found;
    this.sun.position.set(...toScene(found.sun.unit)).multiplyScalar(50);
    this.moving.traverse((part) => {
      part.geometry?.dispose();
      part.material?.dispose();
    });
    this.moving.clear();
    this.marks = [];
    found.orbits.forEach((orbit, index) => this.addOrbit(orbit, COLOURS[index % COLOURS.length]));
    const unit = ({ latitude_deg: latitude, longitude_deg: longitude }) => {
      const [a, b] = [(latitude * Math.PI) / 180, (longitude * Math.PI) / 180];
      return new THREE.Vector3(...toScene([Math.cos(a) * Math.cos(b), Math.cos(a) * Math.sin(b), Math.sin(a)]));
    };
    for (const site of found.sites.filter((row) => row.station || row.use === 'landing')) {
      const place = unit(site).multiplyScalar(1.004);
      const dot = new THREE.Mesh(new THREE.SphereGeometry(site.station ? 0.02 : 0.011, 12, 8), new THREE.MeshBasicMaterial({ color: site.station ? 0xf0e442 : 0xffffff }));
      dot.position.copy(place);
      this.moving.add(dot);
      if (site.station) {
        this.station = place.clone();
        this.toStation.hidden = false;
      }
      this.marks.push({ place, text: site.station ? '▲ Station' : siteText(site.name), soft: !site.station, ground: true });
    }
    if (!this.looked) this.firstLook(unit(found.sun));
    for (const [text, point] of [['Near side', [1, 0, 0]], ['Far side', [-1, 0, 0]], ['N', [0, 0, 1]], ['S', [0, 0, -1]]]) {
      const place = new THREE.Vector3(...toScene(point)).multiplyScalar(1.01);
      if (!this.station || place.distanceTo(this.station) > 0.1) this.marks.push({ place, text, soft: true, ground: true });
    }
    this.marks.push({ place: unit(found.sun).multiplyScalar(1.01), text: '☀ Sun overhead', soft: true, ground: true });
    fill(this.labels, this.marks.map(({ text, soft, colour }) => {
      const label = h('div', { class: soft ? 'mp-gl-label mp-gl-soft' : 'mp-gl-label' }, text);
      if (colour) label.style.color = hex(colour);
      return label;
    }));
    const side = (value, least, most) => `${Math.abs(value).toFixed(1)}° ${value < 0 ? least : most}`;
    this.foot.textContent = `${utc(found.time_ms, { seconds: false })} UTC · Sun over ${side(found.sun.latitude_deg, 'S', 'N')} ${side(found.sun.longitude_deg, 'W', 'E')} · ${found.texture.source}`;
    this.foot.title = this.foot.textContent;
    this.draw();
  }

  addOrbit(orbit, colour) {
    const { THREE } = this;
    if (!orbit.points_km.length) return;
    const points = orbit.points_km.map((point) => new THREE.Vector3(...toScene(point)).multiplyScalar(KM));
    const material = orbit.there ? new THREE.LineBasicMaterial({ color: colour }) : new THREE.LineDashedMaterial({ color: colour, dashSize: 0.08, gapSize: 0.06 });
    const line = new THREE.Line(new THREE.BufferGeometry().setFromPoints(points), material);
    line.computeLineDistances();
    const place = new THREE.Vector3(...toScene(orbit.now_km)).multiplyScalar(KM);
    const craft = new THREE.Sprite(new THREE.SpriteMaterial({ color: colour, map: this.disc(), sizeAttenuation: false, transparent: true }));
    craft.scale.setScalar(0.022);
    craft.position.copy(place);
    this.moving.add(line, craft);
    this.marks.push({ place, text: orbit.name, soft: false, ground: false, colour });
    this.fillList();
  }

  /** A round spot, drawn once. */
  disc() {
    if (!this.spot) {
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = 64;
      const pen = canvas.getContext('2d');
      pen.fillStyle = '#fff';
      pen.strokeStyle = '#000';
      pen.lineWidth = 6;
      pen.beginPath();
      pen.arc(32, 32, 26, 0, 2 * Math.PI);
      pen.fill();
      pen.stroke();
      this.spot = new this.THREE.CanvasTexture(canvas);
    }
    return this.spot;
  }

  fillList() {
    fill(this.list, this.found.orbits.map((orbit, index) => {
      const mark = h('span', { 'aria-hidden': 'true' }, orbit.there ? '— ' : '- - ');
      mark.style.color = hex(COLOURS[index % COLOURS.length]);
      return h('li', {}, mark, h('strong', {}, orbit.name), orbit.there ? '' : ' (not there yet)', h('br'),
        h('span', { class: 'mp-hint' }, `${orbit.note}${orbit.period_s ? `; once round in ${span(orbit.period_s * 1000)}` : `; ${orbit.ended}`}`));
    }), this.found.orbits.length ? null : h('li', {}, 'The plan has no orbiters.'));
  }

  /** At first the station and the lit side are in sight. */
  firstLook(sun) {
    this.looked = true;
    const way = sun.clone().multiplyScalar(1.1).add(this.station ?? new this.THREE.Vector3(0.6, 0, 0));
    this.camera.position.copy(way.normalize().multiplyScalar(5.2));
    this.controls.update();
  }

  look(direction) {
    if (!this.renderer) return;
    const distance = this.camera.position.length();
    const ways = { near: [1, 0, 0], far: [-1, 0, 0], south: [0.02, 0, -1], north: [0.02, 0, 1] };
    const way = direction === 'station' && this.station ? this.station.clone().add({ x: 0.02, y: 0, z: 0.01 }) : new this.THREE.Vector3(...toScene(ways[direction] ?? ways.near));
    this.camera.position.copy(way.normalize().multiplyScalar(distance));
    this.controls.update();
    this.draw();
  }

  keyed(event) {
    if (!this.renderer) return;
    const turns = { ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.12], ArrowDown: [0, 0.12] };
    const spherical = new this.THREE.Spherical().setFromVector3(this.camera.position);
    if (turns[event.key]) {
      spherical.theta += turns[event.key][0];
      spherical.phi = Math.min(Math.max(spherical.phi + turns[event.key][1], 0.05), Math.PI - 0.05);
    } else if (event.key === '+' || event.key === '=') spherical.radius = Math.max(spherical.radius / 1.2, this.controls.minDistance);
    else if (event.key === '-') spherical.radius = Math.min(spherical.radius * 1.2, this.controls.maxDistance);
    else return;
    event.preventDefault();
    this.camera.position.setFromSpherical(spherical);
    this.controls.update();
    this.draw();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height || !this.renderer) return;
    this.renderer.setSize(width, height);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    this.draw();
  }

  draw() {
    if (!this.renderer || this.ended || this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      if (this.ended) return;
      this.renderer.render(this.scene, this.camera);
      this.placeLabels();
    });
  }

  /** Labels stand beside their things, not through the Moon, nor on each other, on the panel or on the line below: the less important ones give way. */
  placeLabels() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    const eye = this.camera.position;
    const taken = [this.panel, this.foot].map(({ offsetLeft: left, offsetTop: top, offsetWidth, offsetHeight }) => [left, top, left + offsetWidth, top + offsetHeight]);
    const order = this.marks.map((mark, index) => ({ ...mark, index })).sort((a, b) => a.soft - b.soft || b.ground - a.ground);
    for (const { place, ground, index } of order) {
      const label = this.labels.children[index];
      if (!label) continue;
      const at = place.clone().project(this.camera);
      const hidden = at.z > 1 || (ground ? place.dot(eye) < 1.02 : this.behind(place, eye));
      label.style.display = hidden ? 'none' : '';
      if (hidden) continue;
      const x = Math.min(((at.x + 1) / 2) * width + 6, width - label.offsetWidth - 4);
      const y = ((1 - at.y) / 2) * height - 8;
      const box = [x, y, x + label.offsetWidth, y + label.offsetHeight];
      if (taken.some(([left, top, right, bottom]) => box[0] < right && box[2] > left && box[1] < bottom && box[3] > top)) {
        label.style.display = 'none';
        continue;
      }
      taken.push(box);
      label.style.transform = `translate(${x}px, ${y}px)`;
    }
  }

  behind(place, eye) {
    const way = place.clone().sub(eye);
    const length = way.length();
    const along = -eye.dot(way) / length;
    const nearest = Math.sqrt(Math.max(eye.lengthSq() - along * along, 0));
    return nearest < 1 && along < length;
  }

  stop() {
    this.ended = true;
    this.beginEnds();
    this.refresh?.stop();
    this.panelEnds();
    this.sizes?.disconnect();
    this.controls?.dispose();
    this.renderer?.dispose();
  }
}

export function install(openmct, api) {
  addView(openmct, {
    type: GLOBE, name: 'Moon globe', description: 'The Moon with sunlight, orbiters and the station.', cssClass: 'icon-dataset',
    show: (element) => {
      const globe = new Globe(api, element);
      return () => globe.stop();
    },
  });
}
