// The first page: asks who is there, shows the form if nobody is, and loads the displays after that.
const SCRIPTS = ['/static/openmct/templates.js', '/static/openmct/openmct.js'];
const byId = (id) => document.getElementById(id);

function addScript(source) {
  return new Promise((done, failed) => {
    const script = document.createElement('script');
    script.src = source;
    script.onload = done;
    script.onerror = () => failed(new Error(`${source} could not be loaded. Reload the page; if that does not help, run make client.`));
    document.head.append(script);
  });
}

function addStyle(source) {
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = source;
  document.head.append(link);
}

async function open(me) {
  byId('signin').hidden = true;
  document.querySelector('link[href$="signin.css"]')?.remove();
  addStyle('/static/app/main.css');
  for (const source of SCRIPTS) await addScript(source);
  const { start } = await import('./main.js');
  await start(globalThis.openmct, me);
}

function say(text) {
  byId('signin-error').textContent = text;
}

async function textOf(response) {
  try {
    const body = await response.json();
    return [body.what, body.do].filter(Boolean).join(' ') || body.detail || `The server answered ${response.status}.`;
  } catch {
    return `The server answered ${response.status}.`;
  }
}

async function signIn(event) {
  event.preventDefault();
  const button = byId('signin-button');
  button.disabled = true;
  say('');
  try {
    const response = await fetch('/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify({ name: byId('signin-name').value, password: byId('signin-password').value }),
    });
    if (!response.ok) {
      say(await textOf(response));
      byId('signin-password').select();
      return;
    }
    byId('signin-password').value = '';
    await open(await response.json());
  } catch (error) {
    byId('signin').hidden = false;
    say(error instanceof TypeError ? 'The server does not answer. Is moonpost serve running?' : error.message);
  } finally {
    button.disabled = false;
  }
}

async function showForm() {
  byId('signin').hidden = false;
  byId('signin-name').focus();
  const ways = await fetch('/login').then((response) => response.json()).catch(() => ({}));
  byId('signin-oidc').hidden = !ways.oidc;
}

async function begin() {
  byId('signin-form').addEventListener('submit', signIn);
  try {
    const response = await fetch('/api/me', { headers: { Accept: 'application/json' } });
    if (response.ok) {
      await open(await response.json());
      return;
    }
    if (response.status !== 401) say(await textOf(response));
  } catch (error) {
    say(error instanceof TypeError ? 'The server does not answer. Is moonpost serve running?' : error.message);
  }
  await showForm();
}

begin();
