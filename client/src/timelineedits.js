// Edits of the schedule that are tried by simulation, and activities turned into commands.
import { h, newId, utc } from './dom.js';

const SEVERITY = {
  critical: { mark: '▲▲', level: 'critical' },
  warning: { mark: '▲', level: 'warning' },
  note: { mark: '●', level: 'info' },
};

/** What is tried on one timeline. */
export class WhatIf {
  constructor(api, view) {
    this.api = api;
    this.view = view;
    this.edits = [];
    this.shown = [];
    this.answer = null;
    this.problem = '';
    this.sequence = null;
    this.working = false;
    this.prefix = newId('try');
    this.typed = {};
  }

  get busy() {
    return this.edits.length > 0 || Boolean(this.problem) || Boolean(this.sequence);
  }

  /** Controls for a planned activity. */
  tools(item) {
    const button = (id, text, action, title = '') => h('button', { class: 'mp-button mp-small', type: 'button', id: `${this.prefix}-${id}`, title, disabled: this.working, onclick: action }, text);
    if (this.typed.id !== item.id) this.typed = { id: item.id, when: utc(item.start_ms, { seconds: false }) };
    const when = h('input', {
      class: 'mp-input', type: 'text', size: '16', id: `${this.prefix}-when`, 'aria-label': 'New begin, UTC', title: 'New begin, UTC: 2040-06-21 12:00', value: this.typed.when,
      pattern: '\\d{4}-\\d\\d-\\d\\d[ T]\\d\\d:\\d\\d(:\\d\\d)?', oninput: () => { this.typed.when = when.value; },
    });
    const at = () => Date.parse(`${when.value.trim().replace(' ', 'T')}Z`);
    const add = (edit, text) => this.add({ id: item.id, ...edit }, `${text} ${item.id}`);
    const mayEdit = this.api.me.roles.some((role) => ['operator', 'scientist', 'programme'].includes(role));
    const mayAsk = this.api.me.roles.includes('operator');
    return h('div', { class: 'mp-tl-tools', role: 'group', 'aria-label': `What if: ${item.id}` },
      mayEdit ? [
        h('span', { class: 'mp-hint' }, 'What if:'),
        button('back', '−6 h', () => add({ do: 'shift', by_s: -6 * 3600 }, 'shift −6 h')), button('on', '+6 h', () => add({ do: 'shift', by_s: 6 * 3600 }, 'shift +6 h')),
        when, button('move', 'Move there', () => (when.reportValidity() && Number.isFinite(at()) ? add({ do: 'move', to_ms: at() }, `move to ${utc(at(), { seconds: false })}`) : when.focus())),
        button('cancel', 'Cancel it', () => add({ do: 'remove' }, 'cancel')),
      ] : null,
      button('show', 'Show commands', () => this.commands(item, false)),
      mayAsk ? button('ask', 'Ask for commands', () => this.commands(item, true), 'They wait for release under Requests.') : null);
  }

  async add(edit, text) {
    this.edits.push({ edit, text });
    this.sequence = null;
    await this.tryAll();
  }

  async tryAll() {
    this.problem = '';
    this.working = true;
    this.view.show();
    try {
      this.answer = await this.api.post('timeline/what-if', { edits: this.edits.map(({ edit }) => edit) });
      const touched = new Set(this.edits.map(({ edit }) => edit.id));
      this.shown = this.answer.items.filter((item) => item.kind === 'activity' && touched.has(item.id));
    } catch (error) {
      this.problem = error.message;
      this.edits.pop();
    }
    this.working = false;
    this.view.paint();
    this.view.show();
  }

  drop() {
    this.edits = [];
    this.shown = [];
    this.answer = null;
    this.problem = '';
    this.sequence = null;
    this.view.paint();
    this.view.show();
  }

  async commands(item, request) {
    this.problem = '';
    try {
      this.sequence = { ...(await this.api.post('timeline/commands', { id: item.id, request })), request };
    } catch (error) {
      this.sequence = null;
      this.problem = error.message;
    }
    this.view.show();
  }

  panel() {
    const parts = [];
    if (this.problem) parts.push(h('p', { class: 'mp-problem', role: 'alert' }, this.problem));
    if (this.sequence) parts.push(...this.sequencePart());
    if (this.edits.length) parts.push(...this.editsPart());
    if (parts.length) parts.push(h('div', { class: 'mp-tl-tools' }, h('button', { class: 'mp-button mp-small', type: 'button', id: `${this.prefix}-drop`, onclick: () => this.drop() }, this.edits.length ? 'Discard what was tried' : 'Close')));
    return parts;
  }

  editsPart() {
    const list = h('p', {}, 'Tried: ', this.edits.map(({ text }) => text).join('; '), '. Nothing is stored.');
    if (this.working || !this.answer) return [list, h('p', { class: 'mp-hint', role: 'status' }, 'Simulating …')];
    const { accepted, findings, value, former_value: former } = this.answer;
    const verdict = accepted ? h('p', { class: 'mp-good', 'data-testid': 'what-if-verdict' }, '✓ No rule speaks against it.') : h('p', { class: 'mp-critical', 'data-testid': 'what-if-verdict' }, '▲ Rules or the simulation speak against it.');
    const change = value === former ? '' : `Worth of the schedule: ${value} instead of ${former}.`;
    return [list, verdict, change ? h('p', {}, change) : null, h('ul', { class: 'mp-tl-findings', 'aria-label': 'Findings' }, findings.map((row) => {
      const { mark, level } = SEVERITY[row.severity] ?? SEVERITY.note;
      return h('li', {}, h('span', { class: `mp-state mp-${level}`, 'aria-label': row.severity }, `${mark} `), row.subject ? `${row.subject}: ` : '', row.text);
    }))];
  }

  sequencePart() {
    const { id, steps, commands, request } = this.sequence;
    const head = request ? `${commands.length} commands for ${id} are asked for; release them under Requests.` : `Commands of ${id}, not asked for yet:`;
    return [h('p', { 'data-testid': 'sequence' }, head), h('ol', { class: 'mp-tl-sequence' }, steps.map((step, index) => h('li', {},
      `${step.at_ms ? `${utc(step.at_ms)} UTC ` : ''}${step.name} `, h('span', { class: 'mp-hint' }, `${step.significance}. ${step.text}`),
      commands[index] ? h('span', { class: 'mp-badge' }, `number ${commands[index].id}: ${commands[index].state}`) : null)))];
  }
}

