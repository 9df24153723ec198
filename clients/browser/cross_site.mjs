// A hostile page in Chromium, whose user's browser holds an administrator's Basic credential for the
// service. Argument: the base URL of the server, on 127.0.0.1.
//
// The page is served as http://hostile.localhost:PORT, which Chromium resolves to this machine and
// which is another site than 127.0.0.1.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(join(process.cwd(), 'target/clients/'))
const { chromium } = require('playwright-core')

const service = process.argv[2].replace(/\/$/, '')
const credential = { username: 'admin', password: 'p@55wOrd' }
const target = 'admin@pumpalarm.com'
const hostilePassword = 'hostile-Lantern-5821'
const reply = format => `${service}/${format}/reply/UpdateUserRegistrationPasswordRequest`
const route = `${service}/UpdateUserRegistrationPassword`
const json = JSON.stringify({ Email: target, NewPassword: hostilePassword })
let failures = 0

// What a page can send without asking: forms in each encoding, and requests without CORS.
const field = (name, value) => `<input name='${name}' value='${value}'>`
const form = (action, enctype) =>
  `<form method=post action='${action}' enctype='${enctype}'>` +
  `${field('Email', target)}${field('NewPassword', hostilePassword)}</form>`
// As text/plain, a form's name and value around "=" can spell JSON.
const jsonForm =
  `<form method=post action='${reply('json')}' enctype='text/plain'>` +
  `<input name='{"Email":"${target}","NewPassword":"${hostilePassword}","x":"' value='"}'></form>`
const fetchNoCors = (url, type) =>
  `fetch('${url}', { method: 'POST', mode: 'no-cors', credentials: 'include', ` +
  `headers: { 'content-type': '${type}' }, body: ${JSON.stringify(json)} })`
const attacks = {
  'urlencoded form to the route': form(route, 'application/x-www-form-urlencoded'),
  'multipart form to the route': form(route, 'multipart/form-data'),
  'urlencoded form to the HTML reply': form(reply('html'), 'application/x-www-form-urlencoded'),
  'text/plain form that is JSON': jsonForm,
  'fetch without CORS': `<script>${fetchNoCors(reply('json'), 'text/plain')}</script>`,
  'form in a frame':
    `<iframe srcdoc="${form(route, 'application/x-www-form-urlencoded')}` +
    `<script>document.forms[0].submit()</script>"></iframe>`
}

const pages = createServer((request, response) => {
  const attack = attacks[decodeURIComponent(request.url.slice(1))] ?? ''
  const submit = attack.startsWith('<form') ? '<script>document.forms[0].submit()</script>' : ''
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
  response.end(`<!doctype html><title>Hostile</title>${attack}${submit}`)
})
await new Promise(resolve => pages.listen(0, '127.0.0.1', resolve))
const hostile = `http://hostile.localhost:${pages.address().port}`

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync']
})
// The pages of the service may not fetch anything; a page of the old portal could.
const context = await browser.newContext({ httpCredentials: credential, bypassCSP: true })

// A call by a page of the service itself; it also leaves the credential in the browser.
async function ownCall() {
  const page = await context.newPage()
  await page.goto(`${service}/metadata`)
  const status = await page.evaluate(
    async ([url, body]) =>
      (await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } })).status,
    [reply('json'), JSON.stringify({ Email: target, NewPassword: credential.password })]
  )
  await page.close()
  return status
}

function check(name, found, expected) {
  if (found === expected) {
    console.log(`ok   ${name}`)
  } else {
    failures += 1
    console.log(`FAIL ${name}: ${found} where ${expected} is expected`)
  }
}

try {
  // The account keeps its password, so that the call can be repeated.
  check('a page of the service sets a password', await ownCall(), 200)
  for (const name of Object.keys(attacks)) {
    const page = await context.newPage()
    const answered = page.waitForEvent('response', {
      predicate: response => response.url().startsWith(service) && response.request().method() === 'POST',
      timeout: 10_000
    })
    await page.goto(`${hostile}/${encodeURIComponent(name)}`, { waitUntil: 'commit' })
    const response = await answered.catch(() => null)
    check(`${name} is refused`, response?.status(), 403)
    await page.close()
  }
  check('the password is still the old one', await ownCall(), 200)
} finally {
  await browser.close()
  pages.close()
}
process.exitCode = failures === 0 ? 0 : 1
