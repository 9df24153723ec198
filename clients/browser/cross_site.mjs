// A hostile page in Chromium, in the browser of a user who has an administrator's Basic credential
// for the service or the cookies of a session. Argument: the base URL of the server, on 127.0.0.1.
//
// The page is served from http://hostile.localhost:PORT, which Chromium resolves to this machine
// and which is a different site from 127.0.0.1. It is also served from another port of 127.0.0.1,
// which is another origin of the same site, so that the browser sends the cookies despite SameSite.
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

// The requests that a page can send without a CORS preflight: forms in each encoding, and requests
// without CORS.
const field = (name, value) => `<input name='${name}' value='${value}'>`
const form = (action, enctype, members = { Email: target, NewPassword: hostilePassword }) =>
  `<form method=post action='${action}' enctype='${enctype}'>` +
  `${Object.entries(members).map(([name, value]) => field(name, value)).join('')}</form>`
// As text/plain, a form's name and value around "=" can form JSON.
const jsonForm =
  `<form method=post action='${reply('json')}' enctype='text/plain'>` +
  `<input name='{"Email":"${target}","NewPassword":"${hostilePassword}","x":"' value='"}'></form>`
const fetchNoCors = (url, type) =>
  `fetch('${url}', { method: 'POST', mode: 'no-cors', credentials: 'include', ` +
  `headers: { 'content-type': '${type}' }, body: ${JSON.stringify(json)} })`
const urlencoded = 'application/x-www-form-urlencoded'
// Logs the visitor in under a name that the page knows, in order to see what they do under it.
const foreignLogin = { UserName: 'bob', Password: 'p@55wOrd' }
const attacks = {
  'urlencoded form to the route': form(route, urlencoded),
  'multipart form to the route': form(route, 'multipart/form-data'),
  'urlencoded form to the HTML reply': form(reply('html'), urlencoded),
  'text/plain form that is JSON': jsonForm,
  'fetch without CORS': `<script>${fetchNoCors(reply('json'), 'text/plain')}</script>`,
  'form in a frame':
    `<iframe srcdoc="${form(route, urlencoded)}<script>document.forms[0].submit()</script>"></iframe>`,
  'login by a form': form(`${service}/auth/credentials`, urlencoded, foreignLogin),
  'logout by a form': form(`${service}/auth/logout`, urlencoded, {}),
  'logout by a fetch without CORS':
    `<script>fetch('${service}/auth/logout', { mode: 'no-cors', credentials: 'include' })</script>`,
  'logout by a link': `<script>location = '${service}/auth/logout'</script>`
}

const pages = createServer((request, response) => {
  const attack = attacks[decodeURIComponent(request.url.slice(1))] ?? ''
  const submit = attack.startsWith('<form') ? '<script>document.forms[0].submit()</script>' : ''
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
  response.end(`<!doctype html><title>Hostile</title>${attack}${submit}`)
})
await new Promise(resolve => pages.listen(0, '127.0.0.1', resolve))
const port = pages.address().port
const hostilePages = [
  { where: 'another site', origin: `http://hostile.localhost:${port}`, names: Object.keys(attacks) },
  {
    where: 'another port',
    origin: `http://127.0.0.1:${port}`,
    names: Object.keys(attacks).filter(name => name.includes('fetch'))
  }
]

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync']
})

// Sends a request from a page of the service itself. Returns the status and the body. The policy of
// the service's pages forbids requests, which pages of the old portal could make, hence
// `bypassCSP`.
async function ownCall(context, url, members) {
  const page = await context.newPage()
  await page.goto(`${service}/metadata`)
  const answer = await page.evaluate(
    async ([url, body]) => {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(url, body ? { method: 'POST', body, headers } : {})
      return { status: response.status, text: await response.text() }
    },
    [url, members && JSON.stringify(members)]
  )
  await page.close()
  return answer
}

// The account keeps its password, so that the call can be repeated.
const setPassword = async context =>
  (await ownCall(context, reply('json'), { Email: target, NewPassword: credential.password })).status

async function withBasic() {
  const context = await browser.newContext({ httpCredentials: credential, bypassCSP: true })
  // The call also leaves the credential in the browser.
  check('Basic: a page of the service sets a password', await setPassword(context), 200)
  return context
}

async function withSession() {
  const context = await browser.newContext({ bypassCSP: true })
  await logIn(context)
  return context
}

// Logs in, so that the browser has a session.
async function logIn(context) {
  const login = { provider: 'credentials', UserName: credential.username, Password: credential.password }
  const answer = await ownCall(context, `${service}/json/reply/Authenticate`, login)
  check('session: a page of the service logs in', answer.status, 200)
}

async function attack(context, name, origin) {
  const page = await context.newPage()
  const answered = page.waitForEvent('response', {
    predicate: response => new URL(response.url()).origin === new URL(service).origin,
    timeout: 10_000
  })
  // The page may be left before it has loaded.
  page.goto(`${origin}/${encodeURIComponent(name)}`).catch(() => null)
  const response = await answered.catch(() => null)
  await page.close()
  return response?.status()
}

function check(name, found, expected) {
  if (found === expected) {
    console.log(`ok   ${name}`)
  } else {
    failures += 1
    console.log(`FAIL ${name}: ${found} instead of ${expected}`)
  }
}

try {
  for (const [kind, start] of [['Basic', withBasic], ['session', withSession]]) {
    const context = await start()
    for (const { where, origin, names } of hostilePages) {
      for (const name of names) {
        check(`${kind}, ${where}: ${name} is refused`, await attack(context, name, origin), 403)
      }
    }
    const { text } = await ownCall(context, `${service}/auth`)
    check(`${kind}: the visitor is still who they were`, text.includes('"UserName":"admin"'), true)
    check(`${kind}: the password is still the old one`, await setPassword(context), 200)
    await context.close()
  }
} finally {
  await browser.close()
  pages.close()
}
process.exitCode = failures === 0 ? 0 : 1
