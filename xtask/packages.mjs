// What `cargo xtask audit` checks about npm's packages, from their lock files alone: each comes from npm's registry, is
// pinned by a hash, and is under a licence that the desk can be shipped with. Ends with 1 and sentences when not so.
import { readFileSync } from 'node:fs';

// As in deny.toml, and those of fonts, data and build tools, which are not linked with anything.
const LICENCES = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC-BY-4.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'MPL-2.0',
  'OFL-1.1',
  'Python-2.0',
  'Unlicense',
];

// What package.json of these leaves out stands in their LICENSE file.
const READ = {
  '@inlang/plugin-message-format@4.4.4': 'MIT',
  'sqlite-wasm-kysely@0.3.0': 'MIT',
  'svelte-toolbelt@0.10.7': 'MIT',
};

/** Whether one of the licences that an expression offers, or all that it demands, are on the list. */
function allowed(expression) {
  const plain = expression.replaceAll(/[()]/gu, ' ').trim();
  if (/ OR /u.test(plain)) return plain.split(/ OR /u).some((part) => allowed(part));
  return plain.split(/ AND /u).every((part) => LICENCES.includes(part.trim()));
}

const problems = [];
for (const file of process.argv.slice(2)) {
  const { lockfileVersion, packages } = JSON.parse(readFileSync(file, 'utf8'));
  if (lockfileVersion < 3) problems.push(`${file} is of an old format.`);
  let count = 0;
  for (const [path, { version, link, license: said, integrity, resolved }] of Object.entries(packages)) {
    const own = link || !path.includes('node_modules/');
    if (own) continue;
    count += 1;
    const name = `${path.split('node_modules/').at(-1)}@${version}`;
    const license = said ?? READ[name];
    if (!integrity?.startsWith('sha512-')) problems.push(`${name} is not pinned by a hash.`);
    // The lock files name no addresses: npm takes what they list from its registry, and by its hash.
    if (resolved) problems.push(`${name} comes from ${resolved}.`);
    if (!license) problems.push(`${name} does not say its licence.`);
    else if (!allowed(license)) problems.push(`${name} is under ${license}.`);
  }
  console.log(`${file}: ${count} packages.`);
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
