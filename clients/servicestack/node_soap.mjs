// node-soap from the WSDL of each version of SOAP. Argument: the base URL of the server.

import { createRequire } from 'node:module';
import { isDeepStrictEqual } from 'node:util';

const require = createRequire(new URL('../../target/clients/', import.meta.url));
const soap = require('soap');

const BASE = process.argv[2].replace(/\/$/, '');
const VERSIONS = { soap11: {}, soap12: { forceSoap12Headers: true } };
const MEMBERS = {
  Requester: 'portal',
  Email: 'a@example.com',
  NewPassword: 'harbor-Lantern-5821',
  SendResetEmail: true,
};

async function check(name, run) {
  try {
    await run();
    console.log(`ok ${name}`);
  } catch (error) {
    process.exitCode = 1;
    console.log(`FAIL ${name}: ${error.message}`);
  }
}

function equal(actual, expected) {
  if (!isDeepStrictEqual(actual, expected)) {
    throw new Error(`${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
  }
}

async function call(version, password, members) {
  const client = await soap.createClientAsync(`${BASE}/${version}`, VERSIONS[version]);
  client.setSecurity(new soap.BasicAuthSecurity('admin', password));
  const [answer] = await client.UpdateUserRegistrationPasswordRequestAsync(members);
  return answer;
}

for (const version of Object.keys(VERSIONS)) {
  await check(`${version}: a password is set`, async () => {
    const answer = await call(version, 'p@55wOrd', MEMBERS);
    equal([String(answer.Id), answer.DisplayName, answer.ResetEmailSent], ['42', 'Jane Doe', true]);
  });
  await check(`${version}: a short password is refused`, async () => {
    const answer = await call(version, 'p@55wOrd', { ...MEMBERS, NewPassword: 'short' });
    equal(answer.ResponseStatus.ErrorCode, 'Length');
  });
  await check(`${version}: a wrong password is refused`, async () => {
    const answer = await call(version, 'wrong', MEMBERS);
    equal(answer.ResponseStatus.Message, 'Invalid UserName or Password');
  });
}
