// Watches a page on which naughty strings are shown: what they set off, and what they push out of place.
const sprung = [];
const spring = (what, about) => sprung.push(`${what}: ${String(about).slice(0, 200)}`);
for (const name of ['canary', 'alert', 'confirm', 'prompt', 'print', 'open']) {
  window[name] = (about) => spring(name, about);
}
document.addEventListener('securitypolicyviolation', (event) => {
  spring('policy', `${event.violatedDirective} ${event.blockedURI}`);
});
addEventListener('error', (event) => spring('error', event.message ?? event.target.outerHTML), true);

// Elements and attributes that only markup of a stranger could make; the page itself adds none of them.
const STRANGE =
  'script, img, iframe, frame, object, embed, a, area, base, meta, form, video, audio, source, math, marquee, ' +
  'template, details, body, html, foreignObject, animate';
const look = (element) => {
  if (element.matches(STRANGE)) spring('element', element.outerHTML);
  for (const { name } of element.attributes) {
    if (/^(on|srcdoc|srcset|src$|href|xlink|formaction|action$)/iu.test(name)) spring('attribute', element.outerHTML);
  }
};
new MutationObserver((changes) => {
  for (const node of changes.flatMap((change) => [...change.addedNodes])) {
    if (node instanceof Element) [node, ...node.querySelectorAll('*')].forEach(look);
  }
}).observe(document, { childList: true, subtree: true });

// The page's own fonts come when a letter needs them.
const own = (address) => address.startsWith(`${location.origin}/`) && address.endsWith('.woff2');
const loaded = () => performance.getEntriesByType('resource').map((entry) => entry.name).filter((name) => !own(name));
const before = new Set(loaded());

/** UTF-16 units, counted and hashed, as the test does. */
const digest = (text) => {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  return [text.length, hash];
};

const find = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const frame = () => new Promise((done) => requestAnimationFrame(done));

/** What is wider than its place, or taller than it may be. */
function misplaced() {
  const problems = [];
  const scrolls = (element) => ['auto', 'scroll'].includes(getComputedStyle(element).overflowY);
  const places = [document.documentElement, document.body, ...all('main, section, aside, main *, aside *, section *').filter(scrolls)];
  for (const place of places) {
    if (place.scrollWidth > place.clientWidth + 1) {
      problems.push(`${place.tagName}.${place.className} is ${place.scrollWidth - place.clientWidth} px too narrow`);
    }
  }
  for (const row of all('[data-testid=conversation-row]')) {
    if (Math.round(row.getBoundingClientRect().height) !== 56) problems.push(`a row of ${row.clientHeight} px`);
  }
  const title = find('main h2');
  if (title && title.clientHeight > 24) problems.push(`a title of ${title.clientHeight} px`);
  // A message's text is its first paragraph, whatever that looks like.
  const texts = new Set([...all('.foreign, .bubble'), ...all('[data-testid=message]').map((one) => one.querySelector('p'))]);
  for (const text of texts) {
    const { overflowX, overflowY } = getComputedStyle(text);
    if (overflowX === 'visible' || overflowY === 'visible') problems.push(`${text.className} lets marks out`);
    const box = text.getBoundingClientRect();
    const place = text.closest('main, aside, section').getBoundingClientRect();
    if (box.left < place.left - 1 || box.right > place.right + 1) problems.push(`${text.className} sticks out`);
  }
  return problems;
}

/** Goes to a conversation, and tells how it looks. The newest, which has the highest id, stands at the top. */
async function visit(id, newest) {
  find('#conversation-list').scrollTop = (newest - id) * 56 - 200;
  const row = () => find(`[data-testid=conversation-row][data-conversation="${id}"]`);
  for (let frames = 0; frames < 600 && !row(); frames += 1) await frame();
  row().click();
  for (let frames = 0; frames < 600 && !row()?.ariaCurrent; frames += 1) await frame();
  for (let frames = 0; frames < 600 && !find('[data-testid=message]'); frames += 1) await frame();
  const [page, language] = all('aside dl:first-of-type dd');
  return {
    id,
    names: [find('main h2'), row().querySelector('.foreign'), find('aside p')].map((name) => digest(name.textContent)),
    visitor: find('main h2').textContent === `Visitor ${id}`,
    page: digest(page.textContent),
    locale: digest(language?.title ?? ''),
    problems: misplaced(),
  };
}

/** So many conversations from this one on. */
async function walk(from, count, newest) {
  const seen = [];
  for (let id = from; id > from - count; id -= 1) seen.push(await visit(id, newest));
  return seen;
}

/** Shows the whole thread, a window's height at a time. */
async function scroll() {
  const thread = all('main *').find((element) => element.scrollHeight > element.clientHeight + 8 && getComputedStyle(element).overflowY === 'auto');
  for (let top = 0; thread && top < thread.scrollHeight; top += thread.clientHeight) {
    thread.scrollTop = top;
    await frame();
  }
}

window.naughty = {
  misplaced,
  scroll,
  walk,
  /** What was set off so far; first of all, what was loaded. */
  sprung: () => [...loaded().filter((name) => !before.has(name)).map((name) => `loaded: ${name}`), ...sprung],
  /** Places and digests of the messages that are drawn. */
  messages: () => all('[data-testid=message]').map((message) => [Number(message.dataset.seq), digest(message.querySelector('p').textContent)]),
  /** Digests of what the customer's page shows. */
  bubbles: () => all('.bubble').map((bubble) => digest(bubble.textContent)),
};
