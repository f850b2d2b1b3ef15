// Builds the client: node build.mjs [OUT]. OUT is replaced as a whole once everything is there.
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { withOwnAxes } from './plots.mjs';
import { precompiled } from './templates.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const packages = join(here, 'node_modules');
const out = resolve(process.argv[2] ?? join(here, '..', 'src', 'moonpost', 'control', 'web', 'static'));
const partial = `${out}.partial-${process.pid}`;

/** What of Open MCT's distribution a browser asks for; source maps, types and examples stay behind. */
const OPENMCT = ['openmct.js', 'openmct.js.LICENSE.txt', 'darkmatterTheme.css', 'inMemorySearchWorker.js', 'fonts', 'images'];

async function bundle() {
  const result = await build({
    absWorkingDir: here,
    entryPoints: ['src/main.js', 'src/signin.js'],
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    metafile: true,
    outdir: join(partial, 'app'),
    chunkNames: 'part-[hash]',
    loader: { '.svg': 'dataurl', '.png': 'dataurl' },
    logLevel: 'warning',
  });
  return Object.keys(result.metafile.inputs);
}

/** The theme asks a host on the Internet for fonts that nothing needs: such lines are left out. */
function offline(css) {
  return css
    .replace(/@import url\((['"]?)https?:[^)]*\)[^;]*;/g, '')
    .replace(/\/\*# sourceMappingURL=[^*]*\*\//g, '')
    .replace(/[^{}]*\{[^{}]*url\(https?:[^)]*\)[^{}]*\}/g, '');
}

async function copyOpenMct() {
  const from = join(packages, 'openmct', 'dist');
  const to = join(partial, 'openmct');
  await mkdir(to, { recursive: true });
  for (const name of OPENMCT) {
    await cp(join(from, name), join(to, name), { recursive: true });
  }
  const theme = join(to, 'darkmatterTheme.css');
  await writeFile(theme, offline(await readFile(theme, 'utf8')));
  for (const name of ['openmct.js', 'inMemorySearchWorker.js']) {
    const text = await readFile(join(to, name), 'utf8');
    await writeFile(join(to, name), text.replace(/\n?\/\/# sourceMappingURL=.*$/m, ''));
  }
  const { script, templates } = precompiled(withOwnAxes(await readFile(join(to, 'openmct.js'), 'utf8')));
  await writeFile(join(to, 'openmct.js'), script);
  await writeFile(join(to, 'templates.js'), templates);
}

/** Names of the packages whose files went into a bundle. */
function packagesOf(inputs) {
  const names = new Set(['openmct']);
  for (const input of inputs) {
    const found = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//g)?.at(-1);
    if (found) names.add(found.slice('node_modules/'.length, -1));
  }
  return [...names].sort();
}

async function licenceOf(folder) {
  const names = (await readdir(folder)).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.map((text) => text.trim()).join('\n\n');
}

async function writeNotices(inputs) {
  const rule = '='.repeat(78);
  const parts = ['Software of others that is in this folder, with its licences.', ''];
  for (const name of packagesOf(inputs)) {
    const folder = join(packages, name);
    const about = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const text = (await licenceOf(folder)) || `${about.license} (the package holds no text of it)`;
    parts.push(rule, `${about.name} ${about.version} - ${about.license}`, rule, text, '');
  }
  parts.push(rule, 'Within openmct', rule, await readFile(join(packages, 'openmct', 'dist', 'openmct.js.LICENSE.txt'), 'utf8'));
  await writeFile(join(partial, 'THIRD-PARTY.txt'), parts.join('\n'));
}

async function main() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 18 || (major === 18 && minor < 14)) {
    throw new Error(`The displays need Node 18.14 or later; this is ${process.version}. See https://nodejs.org.`);
  }
  if (!existsSync(join(packages, 'openmct'))) {
    throw new Error('client/node_modules lacks openmct: run `make client`, or `npm install` in client/ first.');
  }
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  try {
    const inputs = await bundle();
    await rm(join(partial, 'app', 'signin.css'), { force: true });
    await copyOpenMct();
    for (const name of ['index.html', 'signin.css', 'icon.svg']) {
      await cp(join(here, 'src', name), join(partial, name));
    }
    await writeNotices(inputs);
    await rm(out, { recursive: true, force: true });
    await mkdir(dirname(out), { recursive: true });
    await rename(partial, out);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  console.log(`Built the client in ${out}`);
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
