// Looks at every page in a real browser and prints one JSON line with what is wrong.
//
// usage: node pages.js CHROMIUM BASE_URL NAME PASSWORD SCREENSHOTS PATH…
//
// Each page is opened 1280 and 390 px wide, light and dark, and without JavaScript. Wrong is: an
// answer that is not 200, a console error, a request that fails, something wider than the window,
// an accessibility violation, something focusable that the Tab key does not reach.
'use strict';
const path = require('path');
const { chromium } = require('playwright-core');
const { source: axe } = require('axe-core');

const [executablePath, base, name, password, shots, ...paths] = process.argv.slice(2);
const problems = [];

async function login(context) {
  const page = await context.newPage();
  await page.goto(base + '/login');
  await page.fill('input[name=name]', name);
  await page.fill('input[name=password]', password);
  await Promise.all([
    page.waitForURL((url) => url.pathname !== '/login'),
    page.press('input[name=password]', 'Enter'),
  ]);
  await page.close();
}

// The Tab key comes to as many places as the page has for it, up to 40. Radio buttons of one name
// are one place: the arrow keys go on among them.
async function tabbing(page) {
  // The menu of narrow windows is a place, and what it holds when it is open.
  await page.evaluate(() => { const menu = document.querySelector('.menu'); if (menu) menu.open = true; });
  const places = await page.evaluate(() => [...document.querySelectorAll(
    'a[href],button,input:not([type=hidden]),select,textarea,summary')]
    .filter((e) => !e.disabled && e.tabIndex >= 0 && e.getClientRects().length > 0 && e.checkVisibility())
    .filter((e, at, all) => e.type !== 'radio'
      || all.findIndex((one) => one.type === 'radio' && one.name === e.name && one.form === e.form) === at)
    .length);
  const seen = new Set();
  // A date field takes three presses and more.
  for (let n = 0; n < Math.min(places, 40) + 10; n += 1) {
    await page.keyboard.press('Tab');
    seen.add(await page.evaluate(() => {
      const all = [...document.querySelectorAll('*')];
      return all.indexOf(document.activeElement);
    }));
  }
  return seen.size >= Math.min(places, 40);
}

async function look(context, target, label, scripted) {
  const page = await context.newPage();
  const note = (text) => problems.push(`${target} ${label}: ${text}`);
  page.on('console', (message) => { if (message.type() === 'error') note('console: ' + message.text()); });
  page.on('pageerror', (error) => note('error: ' + error.message));
  page.on('requestfailed', (request) => {
    const text = request.failure() ? request.failure().errorText : '';
    // A stream is cut off when the page is closed.
    if (text !== 'net::ERR_ABORTED') note(`request: ${request.url()} ${text}`);
  });
  const answer = await page.goto(base + target, { waitUntil: 'load' });
  if (answer.status() !== 200) note('answer ' + answer.status());
  const file = target.replace(/[^a-z0-9]+/gi, '_') + label.replace(/[^a-z0-9]+/gi, '_') + '.png';
  await page.screenshot({ path: path.join(shots, file), fullPage: true });
  if (!scripted) {
    const text = await page.textContent('main');
    if (!text || text.trim().length < 20) note('nothing to read without JavaScript');
    await page.close();
    return;
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (wide > 0) note(`${wide} px wider than the window`);
  // Not by a script element: the page's own policy forbids one.
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  for (const violation of found.violations) {
    note(`axe: ${violation.id}: ${violation.help} (${violation.nodes[0].html.slice(0, 200)})`);
  }
  // The keys do not know colours.
  if (label.endsWith('light') && !(await tabbing(page))) note('the Tab key does not reach everything');
  await page.close();
}

(async () => {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1280, 390]) {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, reducedMotion: 'reduce' });
      await login(context);
      for (const target of paths) await look(context, target, ` at ${width} px, ${colorScheme}`, true);
      await context.close();
    }
  }
  const plain = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 390, height: 900 } });
  await login(plain);
  for (const target of paths) await look(plain, target, ' without JavaScript', false);
  await browser.close();
  console.log(JSON.stringify(problems));
})().catch((error) => { console.error(error); process.exit(1); });
