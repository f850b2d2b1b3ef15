// Compiles the templates of Open MCT while the client is built. Its Vue would otherwise make functions out of text in
// the browser, which a page must then permit ('unsafe-eval') to any script that got in.
import { runInNewContext } from 'node:vm';
import { compile } from '@vue/compiler-dom';

const LITERAL = /template:\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\$]|\\.)*`)/g;
const CALL = /\}\((\w+),(\w+)\),(\w+)=new Function\("Vue",(\w+)\)\((\w+)\)/g;

/** The texts of all templates in a script. */
function templatesOf(script) {
  return new Set([...script.matchAll(LITERAL)].map(([, literal]) => runInNewContext(literal)).filter((text) => text.includes('<')));
}

/** Open MCT's script with its templates looked up, and the script of functions that has to be loaded before it. */
export function precompiled(script) {
  const calls = [...script.matchAll(CALL)];
  const templates = [...templatesOf(script)];
  if (calls.length !== 1 || templates.length === 0) {
    throw new Error('Templates are not where they are in Open MCT 4.2: look at client/templates.mjs before taking another version.');
  }
  const functions = templates.map((text) => {
    const { code } = compile(text, { hoistStatic: true, comments: false });
    return `${JSON.stringify(text)}:function(Vue){${code}}`;
  });
  return {
    script: script.replace(CALL, '}($1,$2),$3=(globalThis.moonpostTemplates[$1]||new Function("Vue",$4))($5)'),
    templates: `globalThis.moonpostTemplates={__proto__:null,${functions.join(',\n')}};\n`,
  };
}
